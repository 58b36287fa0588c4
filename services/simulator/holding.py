"""The part of the simulator's own API that sets what an account holds: its senders' URLs, its standing, its alerts."""

from typing import Any, Literal

from aiohttp import web
from pydantic import BaseModel, ConfigDict, TypeAdapter, ValidationError

from services.simulator.accounts import Account
from services.simulator.holdings import Standing
from services.simulator.service import Simulator
from services.simulator.told import invalid

_SENDERS = TypeAdapter(dict[str, dict[str, str | None]])
_ALERTS = TypeAdapter(list[dict[str, Any]])


class StandingRequest(BaseModel):
    """How the account stands, and what its credentials may not use."""

    model_config = ConfigDict(extra="forbid")

    status: Literal["active", "suspended", "closed"] = "active"
    type: Literal["Full", "Trial"] = "Full"
    forbidden: list[
        Literal["account", "numbers", "messaging", "channels", "content", "monitor", "pricing", "lookups", "compliance"]
    ] = []


class HoldingApi:
    """`PUT /simulator/accounts/{sid}/senders`, `/standing`, `/alerts`."""

    def __init__(self, simulator: Simulator) -> None:
        self._simulator = simulator

    def routes(self) -> list[web.RouteDef]:
        path = "/simulator/accounts/{sid}"
        return [
            web.put(f"{path}/senders", self._senders),
            web.put(f"{path}/standing", self._standing),
            web.put(f"{path}/alerts", self._alerts),
        ]

    async def _senders(self, request: web.Request) -> web.Response:
        try:
            senders = _SENDERS.validate_json(await request.read())
        except ValidationError as error:
            return invalid(error)
        account = self._account(request)
        self._simulator.holdings.hold(account, senders)
        return web.json_response({"senders": len(self._simulator.senders(account))})

    async def _standing(self, request: web.Request) -> web.Response:
        try:
            asked = StandingRequest.model_validate_json(await request.read())
        except ValidationError as error:
            return invalid(error)
        standing = Standing(asked.status, asked.type, frozenset(asked.forbidden))
        self._simulator.holdings.standings[self._account(request).sid] = standing
        return web.json_response(asked.model_dump())

    async def _alerts(self, request: web.Request) -> web.Response:
        try:
            alerts = _ALERTS.validate_json(await request.read())
        except ValidationError as error:
            return invalid(error)
        self._simulator.holdings.alerts[self._account(request).sid] = alerts
        return web.json_response({"alerts": len(alerts)})

    def _account(self, request: web.Request) -> Account:
        account = self._simulator.accounts.get(request.match_info["sid"])
        if account is None:
            raise web.HTTPNotFound(text=f"no account {request.match_info['sid']}")
        return account
