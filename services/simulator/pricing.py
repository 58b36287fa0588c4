"""The Pricing API: `/v1/Messaging/Countries`, and `PUT /simulator/prices/{country}` and `/simulator/prices` to set it.

Not confirmed: which page of a country that has no prices is given (here 404, as of one that is none).
"""

import re

from aiohttp import web
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from services.simulator.accounts import Account
from services.simulator.guard import guarded, not_found
from services.simulator.paging import Resource, origin, page_v1
from services.simulator.prices import Country
from services.simulator.service import Simulator
from services.simulator.told import invalid

_CODE = re.compile(r"[A-Z]{2}")


class PricesRequest(BaseModel):
    """What a segment to a country costs, by network; none: the country leaves the list."""

    model_config = ConfigDict(extra="forbid")

    carriers: dict[str, str] = {}
    currency: str = Field(default="usd", pattern=r"^[A-Za-z]{3}$")


class BillingRequest(BaseModel):
    """After how many seconds a message has its price."""

    model_config = ConfigDict(extra="forbid")

    after_s: float = Field(ge=0)


class PricingApi:
    """The price list for SMS."""

    def __init__(self, simulator: Simulator) -> None:
        self._simulator = simulator

    def routes(self) -> list[web.RouteDef]:
        many = "/v1/Messaging/Countries"
        routes = ((many, self._list), (f"{many}/{{country}}", self._fetch))
        return [
            *(web.get(path, guarded(self._simulator, handler, "pricing")) for path, handler in routes),
            web.put("/simulator/prices/{country}", self._set),
            web.put("/simulator/prices", self._bill),
        ]

    async def _list(self, request: web.Request, _: Account) -> web.StreamResponse:
        found = [_short(request, one) for _, one in sorted(self._simulator.prices.countries.items())]
        return page_v1(request, "countries", found, "iso_country")

    async def _fetch(self, request: web.Request, _: Account) -> web.StreamResponse:
        found = self._simulator.prices.countries.get(request.match_info["country"])
        if found is None:
            return not_found(request)
        prices = {"outbound_sms_prices": list(found.outbound), "inbound_sms_prices": list(found.inbound)}
        return web.json_response({**_short(request, found), **prices, "price_unit": found.currency})

    async def _set(self, request: web.Request) -> web.Response:
        code = request.match_info["country"]
        try:
            asked = PricesRequest.model_validate_json(await request.read())
        except ValidationError as error:
            return invalid(error)
        if not _CODE.fullmatch(code):
            return web.json_response({"errors": [f"{code}: no country's code"]}, status=400)
        if asked.carriers:
            self._simulator.prices.put(code, asked.carriers, asked.currency)
        else:
            self._simulator.prices.countries.pop(code, None)
        return web.json_response({"countries": len(self._simulator.prices.countries)})

    async def _bill(self, request: web.Request) -> web.Response:
        try:
            asked = BillingRequest.model_validate_json(await request.read())
        except ValidationError as error:
            return invalid(error)
        self._simulator.prices.after_s = asked.after_s
        return web.json_response(asked.model_dump())


def _short(request: web.Request, one: Country) -> Resource:
    url = f"{origin(request)}/v1/Messaging/Countries/{one.code}"
    return {"country": one.name, "iso_country": one.code, "url": url}
