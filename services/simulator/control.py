"""The simulator's own API, under `/simulator/`: play a person, look at what happened, change the faults."""

import secrets

from aiohttp import web
from pydantic import ValidationError
from yarl import URL

from services.runtime.simulated import FaultSettings
from services.simulator.accounts import Account
from services.simulator.files import File, url_of
from services.simulator.inbound import InboundMedium, InboundRequest
from services.simulator.service import Simulator
from services.simulator.told import delivery_json, invalid, record_json


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
            return invalid(error)
        account = self._simulator.accounts.get(asked.account_sid)
        if account is None:
            return web.json_response({"errors": [f"account_sid: no such account {asked.account_sid}"]}, status=404)
        sid = asked.params.get("MessageSid") or f"MM{secrets.token_hex(16)}"
        given = asked.media_given()
        base = request.url.origin()
        media = tuple((self._kept(base, account, sid, place, one), one.content_type) for place, one in enumerate(given))
        heard = await self._simulator.receive(account, asked.written(media, sid if given else None))
        answer = {
            "sid": heard.message.sid,
            "status": heard.delivery.http_status,
            "body": heard.delivery.body,
            "attempts": heard.delivery.attempts,
            "error": heard.delivery.error,
            "opt_out_reply": heard.own_reply,
            "replies": list(heard.replies),
            "refused": list(heard.refused),
        }
        return web.json_response(answer)

    def _kept(self, base: URL, account: Account, message_sid: str, place: int, medium: InboundMedium) -> str:
        """Where a medium lies: at Twilio, or elsewhere."""
        if medium.content is None:
            return medium.url or ""
        sid = self._simulator.files.keep(message_sid, place, File(medium.content, medium.content_type))
        return url_of(base, account, message_sid, sid)

    async def _messages(self, _: web.Request) -> web.Response:
        return web.json_response({"messages": [record_json(record) for record in self._simulator.store]})

    async def _callbacks(self, _: web.Request) -> web.Response:
        deliveries = self._simulator.webhooks.deliveries
        return web.json_response({"callbacks": [delivery_json(delivery) for delivery in deliveries]})

    async def _quiet(self, _: web.Request) -> web.Response:
        pending = self._simulator.pending
        return web.json_response({"quiet": pending == 0, "pending": pending})

    async def _faults(self, _: web.Request) -> web.Response:
        return web.json_response(self._simulator.dice.faults.model_dump())

    async def _set_faults(self, request: web.Request) -> web.Response:
        try:
            faults = FaultSettings.model_validate_json(await request.read())
        except ValidationError as error:
            return invalid(error)
        self._simulator.set_faults(faults)
        return web.json_response(faults.model_dump())

    async def _reset(self, _: web.Request) -> web.Response:
        await self._simulator.reset()
        return web.json_response({"reset": True})
