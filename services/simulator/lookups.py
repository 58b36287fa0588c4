"""Lookup v2: `/v2/PhoneNumbers/{number}`, and `PUT /simulator/lines` to say what stands behind a number.

Confirmed by Twilio's OpenAPI and its pages (2026): a number that is none is told by 200 and `valid: false`; what a
package could not find out stands as an `error_code` inside it; a package that was not asked for is null; Canadian
numbers are given to approved accounts alone, others are told 60601 inside the package.

Not confirmed: the code for a number of which nothing is known (60600 here); that a number which is none has a null
package.
"""

import asyncio
from typing import Any

import phonenumbers
from aiohttp import web
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from services.simulator.accounts import Account
from services.simulator.guard import guarded
from services.simulator.paging import origin
from services.simulator.service import Simulator
from services.simulator.told import invalid

_PACKAGES = (
    "caller_name",
    "sim_swap",
    "call_forwarding",
    "line_status",
    "line_type_intelligence",
    "identity_match",
    "reassigned_number",
    "sms_pumping_risk",
    "phone_number_quality_score",
    "pre_fill",
)
_NPAC_NEEDED, _UNKNOWN = 60601, 60600


class LineRequest(BaseModel):
    """What stands behind a number; `error_code`: that it cannot be found out."""

    model_config = ConfigDict(extra="forbid")

    type: str | None = "mobile"
    carrier_name: str | None = "Simulated Mobile"
    error_code: int | None = None


class LinesRequest(BaseModel):
    """By number in E.164; what is not named is a mobile. `latency_s`: how long each answer takes."""

    model_config = ConfigDict(extra="forbid")

    lines: dict[str, LineRequest] = {}
    latency_s: float = Field(default=0.0, ge=0, le=60)


class LookupsApi:
    """The line type of a number. `asked`: how often each was."""

    def __init__(self, simulator: Simulator) -> None:
        self._simulator = simulator
        self._set = LinesRequest()
        self._asked: dict[str, int] = {}
        simulator.resets.append(self._clear)

    def routes(self) -> list[web.RouteDef]:
        return [
            web.get("/v2/PhoneNumbers/{number}", guarded(self._simulator, self._fetch, "lookups")),
            web.put("/simulator/lines", self._steer),
            web.get("/simulator/lines", self._told),
        ]

    async def _clear(self) -> None:
        self._set = LinesRequest()
        self._asked.clear()

    async def _fetch(self, request: web.Request, _: Account) -> web.StreamResponse:
        number = request.match_info["number"]
        self._asked[number] = self._asked.get(number, 0) + 1
        await asyncio.sleep(self._set.latency_s)
        fields = request.query.get("Fields", "").split(",")
        return web.json_response(self._answer(number, fields, f"{origin(request)}/v2/PhoneNumbers/{number}"))

    def _answer(self, number: str, fields: list[str], url: str) -> dict[str, Any]:
        try:
            # What stands without a plus is of North America.
            parsed = phonenumbers.parse(number, "US")
            why = _FAULTS[phonenumbers.is_possible_number_with_reason(parsed)]
        except phonenumbers.NumberParseException:
            parsed, why = None, "NOT_A_NUMBER"
        told: dict[str, Any] = dict.fromkeys(_PACKAGES)
        if parsed is None or why is not None:
            names = ("calling_country_code", "country_code", "national_format")
            return {**dict.fromkeys(names), "phone_number": number, "valid": False, "validation_errors": [why], **told,
                    "url": url}  # fmt: skip
        country = phonenumbers.region_code_for_number(parsed)
        if "line_type_intelligence" in fields:
            told["line_type_intelligence"] = self._line(number, country)
        return {
            "calling_country_code": str(parsed.country_code),
            "country_code": country,
            "phone_number": phonenumbers.format_number(parsed, phonenumbers.PhoneNumberFormat.E164),
            "national_format": phonenumbers.format_number(parsed, phonenumbers.PhoneNumberFormat.NATIONAL),
            "valid": True,
            "validation_errors": None,
            **told,
            "url": url,
        }

    def _line(self, number: str, country: str | None) -> dict[str, Any]:
        known = self._set.lines.get(number)
        if known is None and country == "CA":
            known = LineRequest(error_code=_NPAC_NEEDED)
        line = known or LineRequest()
        if line.error_code is not None or line.type is None:
            names = ("mobile_country_code", "mobile_network_code", "carrier_name", "type")
            return {**dict.fromkeys(names), "error_code": line.error_code or _UNKNOWN}
        mobile = line.type == "mobile"
        return {
            "mobile_country_code": "310" if mobile else None,
            "mobile_network_code": "260" if mobile else None,
            "carrier_name": line.carrier_name,
            "type": line.type,
            "error_code": None,
        }

    async def _steer(self, request: web.Request) -> web.Response:
        try:
            self._set = LinesRequest.model_validate_json(await request.read())
        except ValidationError as error:
            return invalid(error)
        return await self._told(request)

    async def _told(self, _: web.Request) -> web.Response:
        return web.json_response({**self._set.model_dump(), "asked": self._asked})


_FAULTS = {
    phonenumbers.ValidationResult.IS_POSSIBLE: None,
    phonenumbers.ValidationResult.IS_POSSIBLE_LOCAL_ONLY: "TOO_SHORT",
    phonenumbers.ValidationResult.INVALID_COUNTRY_CODE: "INVALID_COUNTRY_CODE",
    phonenumbers.ValidationResult.TOO_SHORT: "TOO_SHORT",
    phonenumbers.ValidationResult.INVALID_LENGTH: "INVALID_LENGTH",
    phonenumbers.ValidationResult.TOO_LONG: "TOO_LONG",
}
