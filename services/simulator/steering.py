"""The part of the simulator's own API that sets it: Messaging Services, windows, templates, errors, the clock."""

import re
from dataclasses import replace

from aiohttp import web
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from services.simulator import moments
from services.simulator.pools import MessagingService
from services.simulator.service import Simulator
from services.simulator.templates import Status
from services.simulator.told import invalid

_SERVICE_SID = re.compile(r"MG[0-9a-fA-F]{32}")
_TEN_YEARS_S = 10 * 366 * 86_400
_NO_CLOCK_FILE = (
    "clock_skew_file: none is set, so the clock cannot be moved; name a file in the settings of every service "
    "that shall move along"
)


class _Request(BaseModel):
    model_config = ConfigDict(extra="forbid", strict=True)


class ServiceRequest(_Request):
    """A Messaging Service as a whole: what is left out has its default.

    The words count only with `advanced_opt_out`, beside the standard ones, in any language.
    """

    advanced_opt_out: bool = False
    stop_words: list[str] = []
    start_words: list[str] = []
    help_words: list[str] = []
    numbers: list[str] = []
    account_sid: str | None = None
    settings: dict[str, str | bool | int | None] | None = None


class WindowsRequest(_Request):
    """Whether free text outside of a WhatsApp window fails."""

    enforce: bool


class RedactionRequest(_Request):
    """The accounts that have Message Redaction."""

    accounts: list[str] = []


class ErrorsRequest(_Request):
    """Error codes by address of either end (as in To or From) or Messaging Service: of creates, of ends, and of
    creates that have media."""

    refused: dict[str, int] = {}
    undelivered: dict[str, int] = {}
    media: dict[str, int] = {}


class DecisionRequest(_Request):
    """What WhatsApp says of a template: its state, and another category than it was asked for."""

    status: Status
    category: str | None = None
    rejection_reason: str = ""


class ClockRequest(_Request):
    """How far the clock is ahead of the system's, in seconds; negative is behind."""

    ahead_s: float = Field(ge=-_TEN_YEARS_S, le=_TEN_YEARS_S)


class SteeringApi:
    """`/simulator/services`, `/simulator/windows`, `/errors`, `/templates`, `/redaction` and `/clock`."""

    def __init__(self, simulator: Simulator) -> None:
        self._simulator = simulator

    def routes(self) -> list[web.RouteDef]:
        return [
            web.get("/simulator/services/{sid}", self._service),
            web.put("/simulator/services/{sid}", self._set_service),
            web.get("/simulator/windows", self._windows),
            web.put("/simulator/windows", self._set_windows),
            web.get("/simulator/errors", self._errors),
            web.put("/simulator/errors", self._set_errors),
            web.put("/simulator/redaction", self._set_redaction),
            web.put("/simulator/templates/{sid}", self._decide),
            web.get("/simulator/clock", self._clock),
            web.put("/simulator/clock", self._set_clock),
        ]

    async def _service(self, request: web.Request) -> web.Response:
        sid = request.match_info["sid"]
        service = self._simulator.conversations.pools.get(sid)
        told = ServiceRequest(
            advanced_opt_out=service.advanced_opt_out,
            stop_words=list(service.words.get("STOP", ())),
            start_words=list(service.words.get("START", ())),
            help_words=list(service.words.get("HELP", ())),
            numbers=list(service.numbers),
            account_sid=service.account_sid,
            settings=dict(service.settings) or None,
        )
        return web.json_response({"sid": sid, **told.model_dump(exclude_none=True)})

    async def _set_service(self, request: web.Request) -> web.Response:
        sid = request.match_info["sid"]
        if not _SERVICE_SID.fullmatch(sid):
            return web.json_response({"errors": [f"{sid} is no Messaging Service: MG and 32 hex digits"]}, status=400)
        try:
            asked = ServiceRequest.model_validate_json(await request.read())
        except ValidationError as error:
            return invalid(error)
        service = MessagingService(
            advanced_opt_out=asked.advanced_opt_out,
            words={
                "STOP": tuple(asked.stop_words),
                "START": tuple(asked.start_words),
                "HELP": tuple(asked.help_words),
            },
            numbers=tuple(asked.numbers),
            account_sid=asked.account_sid,
            settings=asked.settings or {},
        )
        self._simulator.conversations.pools.put(sid, service)
        return await self._service(request)

    async def _windows(self, _: web.Request) -> web.Response:
        return web.json_response({"enforce": self._simulator.conversations.windows.enforced})

    async def _set_windows(self, request: web.Request) -> web.Response:
        try:
            asked = WindowsRequest.model_validate_json(await request.read())
        except ValidationError as error:
            return invalid(error)
        self._simulator.conversations.windows.enforced = asked.enforce
        return await self._windows(request)

    async def _errors(self, _: web.Request) -> web.Response:
        asked = self._simulator.asked
        told = {"refused": dict(asked.refused), "undelivered": dict(asked.undelivered), "media": dict(asked.media)}
        return web.json_response(told)

    async def _set_errors(self, request: web.Request) -> web.Response:
        try:
            asked = ErrorsRequest.model_validate_json(await request.read())
        except ValidationError as error:
            return invalid(error)
        self._simulator.asked.set(asked.refused, asked.undelivered, asked.media)
        return await self._errors(request)

    async def _set_redaction(self, request: web.Request) -> web.Response:
        try:
            asked = RedactionRequest.model_validate_json(await request.read())
        except ValidationError as error:
            return invalid(error)
        self._simulator.redaction.accounts = frozenset(asked.accounts)
        return web.json_response({"accounts": sorted(self._simulator.redaction.accounts)})

    async def _decide(self, request: web.Request) -> web.Response:
        templates = self._simulator.templates
        found = templates.get(sid := request.match_info["sid"])
        if found is None:
            return web.json_response({"errors": [f"{sid}: no such template"]}, status=404)
        try:
            asked = DecisionRequest.model_validate_json(await request.read())
        except ValidationError as error:
            return invalid(error)
        category = asked.category or found.approval.category
        approval = replace(
            found.approval, status=asked.status, category=category, rejection_reason=asked.rejection_reason
        )
        templates.put(replace(found, approval=approval))
        return web.json_response(approval.resource())

    async def _clock(self, _: web.Request) -> web.Response:
        told = {"ahead_s": moments.ahead_s(self._simulator.clock_file), "now": moments.now().isoformat()}
        return web.json_response(told)

    async def _set_clock(self, request: web.Request) -> web.Response:
        try:
            asked = ClockRequest.model_validate_json(await request.read())
        except ValidationError as error:
            return invalid(error)
        if self._simulator.clock_file is None:
            return web.json_response({"errors": [_NO_CLOCK_FILE]}, status=409)
        moments.move(self._simulator.clock_file, asked.ahead_s)
        return await self._clock(request)
