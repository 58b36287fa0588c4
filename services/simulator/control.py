"""The simulator's own API, under `/simulator/`: play a person, look at what happened, change the faults."""

from collections.abc import Mapping
from typing import Any

from aiohttp import web
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from services.runtime.config import FaultSettings
from services.simulator.forms import Medium
from services.simulator.message import resource
from services.simulator.service import Simulator
from services.simulator.store import Record
from services.simulator.webhooks import Delivery


class InboundMedium(BaseModel):
    """A file that a person sends: where it lies and its MIME type."""

    model_config = ConfigDict(extra="forbid")

    url: str
    content_type: str = "image/jpeg"


class InboundRequest(BaseModel):
    """What a person sends. `media` takes URLs or {url, content_type}; `params` adds or replaces fields."""

    model_config = ConfigDict(extra="forbid", populate_by_name=True)

    account_sid: str
    sender: str = Field(alias="from", min_length=1)
    to: str = Field(min_length=1)
    body: str = ""
    media: list[str | InboundMedium] = []
    params: dict[str, str] = {}

    def all_media(self) -> list[Medium]:
        """(URL, content type) pairs."""
        given = [InboundMedium(url=medium) if isinstance(medium, str) else medium for medium in self.media]
        return [(medium.url, medium.content_type) for medium in given]


class ControlApi:
    """`/simulator/*` on a simulator. A wrong request is answered 400 with one line for each fault."""

    def __init__(self, simulator: Simulator) -> None:
        self._simulator = simulator

    def routes(self) -> list[web.RouteDef]:
        return [
            web.post("/simulator/inbound", self._inbound),
            web.get("/simulator/messages", self._messages),
            web.get("/simulator/callbacks", self._callbacks),
            web.get("/simulator/quiet", self._quiet),
            web.get("/simulator/faults", self._faults),
            web.put("/simulator/faults", self._set_faults),
            web.post("/simulator/reset", self._reset),
        ]

    async def _inbound(self, request: web.Request) -> web.Response:
        try:
            asked = InboundRequest.model_validate_json(await request.read())
        except ValidationError as error:
            return _invalid(error)
        account = self._simulator.accounts.get(asked.account_sid)
        if account is None:
            return web.json_response({"errors": [f"account_sid: no such account {asked.account_sid}"]}, status=404)
        text = {"from": asked.sender, "to": asked.to, "body": asked.body}
        heard = await self._simulator.receive(account, text, asked.all_media(), asked.params)
        answer = {
            "sid": heard.message.sid,
            "status": heard.delivery.http_status,
            "body": heard.delivery.body,
            "attempts": heard.delivery.attempts,
            "error": heard.delivery.error,
            "replies": list(heard.replies),
            "refused": list(heard.refused),
        }
        return web.json_response(answer)

    async def _messages(self, _: web.Request) -> web.Response:
        return web.json_response({"messages": [_record_json(record) for record in self._simulator.store]})

    async def _callbacks(self, _: web.Request) -> web.Response:
        deliveries = self._simulator.webhooks.deliveries
        return web.json_response({"callbacks": [_delivery_json(delivery) for delivery in deliveries]})

    async def _quiet(self, _: web.Request) -> web.Response:
        pending = self._simulator.pending
        return web.json_response({"quiet": pending == 0, "pending": pending})

    async def _faults(self, _: web.Request) -> web.Response:
        return web.json_response(self._simulator.dice.faults.model_dump())

    async def _set_faults(self, request: web.Request) -> web.Response:
        try:
            faults = FaultSettings.model_validate_json(await request.read())
        except ValidationError as error:
            return _invalid(error)
        self._simulator.set_faults(faults)
        return web.json_response(faults.model_dump())

    async def _reset(self, _: web.Request) -> web.Response:
        await self._simulator.reset()
        return web.json_response({"reset": True})


def _record_json(record: Record) -> Mapping[str, Any]:
    return {
        "sid": record.message.sid,
        "account_sid": record.message.account_sid,
        "direction": record.message.direction,
        "status_callback": record.status_callback,
        "params": _grouped(record.params),
        "statuses": [{"status": status, "at": moment.isoformat()} for status, moment in record.history],
        "deleted": record.deleted,
        "resource": resource(record.message),
    }


def _delivery_json(delivery: Delivery) -> Mapping[str, Any]:
    webhook = delivery.webhook
    return {
        "kind": webhook.kind,
        "sid": webhook.sid,
        "status": webhook.status,
        "url": webhook.url,
        "params": _grouped(webhook.form),
        "http_status": delivery.http_status,
        "attempts": delivery.attempts,
        "error": delivery.error,
        "lost": delivery.lost,
        "idempotency_token": delivery.idempotency_token,
        "at": delivery.at.isoformat(),
    }


def _grouped(pairs: tuple[tuple[str, str], ...]) -> dict[str, str | list[str]]:
    """Fields by name: a string, or a list where the name repeats."""
    grouped: dict[str, list[str]] = {}
    for name, value in pairs:
        grouped.setdefault(name, []).append(value)
    return {name: values[0] if len(values) == 1 else values for name, values in grouped.items()}


def _invalid(error: ValidationError) -> web.Response:
    faults = [
        f"{'.'.join(str(part) for part in fault['loc']) or 'body'}: {fault['msg']}"
        for fault in error.errors(include_url=False, include_input=False)
    ]
    return web.json_response({"errors": faults}, status=400)
