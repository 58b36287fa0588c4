"""Senders of channels (`/v2/Channels/Senders`): WhatsApp and RCS senders, with the URLs that Twilio calls for each;
and typing indicators (`/v3/Indicators/Typing.json`), by WhatsApp and RCS.

Not confirmed: which state an update passes through (here it is ONLINE at once); whether what an update's `webhook`
leaves out is kept (here it is); that fragments of URLs are kept as they are; that a sender of which no webhook was ever
set says null (here it does: the field may be null). Nor with which code and status a typing indicator is refused whose
message is none of WhatsApp's, or did not come in; nor one by RCS to somebody who has not written.
"""

import json

from aiohttp import web

from services.simulator import errors
from services.simulator.accounts import Account
from services.simulator.addresses import channel
from services.simulator.guard import guarded, not_found, refused
from services.simulator.holdings import Fields, sid_of
from services.simulator.numbers import is_url
from services.simulator.paging import Resource, origin, page_v1
from services.simulator.service import Simulator

_WEBHOOK = (
    *("callback_url", "callback_method", "fallback_url", "fallback_method"),
    *("status_callback_url", "status_callback_method"),
)


class ChannelsApi:
    """List by channel, fetch, update of the webhook (JSON)."""

    def __init__(self, simulator: Simulator) -> None:
        self._simulator = simulator

    def routes(self) -> list[web.RouteDef]:
        many, one = "/v2/Channels/Senders", "/v2/Channels/Senders/{sid}"
        return [
            web.get(many, guarded(self._simulator, self._list, "channels")),
            web.get(one, guarded(self._simulator, self._fetch, "channels")),
            web.post(one, guarded(self._simulator, self._update, "channels")),
            web.post("/v3/Indicators/Typing.json", guarded(self._simulator, self._typing, "channels")),
        ]

    async def _list(self, request: web.Request, account: Account) -> web.StreamResponse:
        asked = request.query.get("Channel")
        if not asked:
            return refused(errors.INVALID_PARAMETER.about("Channel"))
        found = [self._resource(request, account, one) for one in self._mine(account) if channel(one) == asked]
        return page_v1(request, "senders", found)

    async def _fetch(self, request: web.Request, account: Account) -> web.StreamResponse:
        found = self._named(request, account)
        return not_found(request) if found is None else web.json_response(self._resource(request, account, found))

    async def _update(self, request: web.Request, account: Account) -> web.StreamResponse:
        found = self._named(request, account)
        if found is None:
            return not_found(request)
        try:
            webhook = (json.loads(await request.read()) or {}).get("webhook") or {}
        except (ValueError, AttributeError):
            return refused(errors.INVALID_PARAMETER.about("webhook"))
        given = {name: webhook[name] or None for name in _WEBHOOK if name in webhook}
        if not all(is_url(url) for name, url in given.items() if name.endswith("_url")):
            return refused(errors.INVALID_PARAMETER.about("webhook"))
        self._simulator.holdings.change(account, found, given)
        return web.json_response(self._resource(request, account, found), status=202)

    async def _typing(self, request: web.Request, account: Account) -> web.StreamResponse:
        try:
            asked = json.loads(await request.read())
        except ValueError:
            asked = None
        if not isinstance(asked, dict):
            return refused(errors.INVALID_PARAMETER.about("channel"))
        match asked:
            case {"channel": "WHATSAPP", "messageId": str(sid), **others} if not others:
                return self._typing_under(account, sid, request)
            case {"channel": "RCS", "from": str(agent), "to": str(person), **others} if set(others) <= {"event"}:
                known = agent in self._simulator.senders(account) and channel(agent) == channel(person) == "rcs"
                fits = known and others.get("event", "START") == "START"
                return web.json_response({"success": True}) if fits else refused(errors.INVALID_PARAMETER.about("from"))
        return refused(errors.INVALID_PARAMETER.about("channel"))

    def _typing_under(self, account: Account, sid: str, request: web.Request) -> web.StreamResponse:
        message = self._simulator.store.find(account.sid, sid)
        if message is None:
            return not_found(request)
        if message.direction != "inbound" or channel(message.to) != "whatsapp":
            return refused(errors.INVALID_PARAMETER.about("messageId"))
        return web.json_response({"success": True})

    def _mine(self, account: Account) -> list[str]:
        return [one for one in self._simulator.senders(account) if channel(one) != "sms"]

    def _named(self, request: web.Request, account: Account) -> str | None:
        sid = request.match_info["sid"]
        return next((one for one in self._mine(account) if sid_of("XE", account, one) == sid), None)

    def _resource(self, request: web.Request, account: Account, sender: str) -> Resource:
        fields = self._simulator.holdings.fields(account, sender)
        webhook = {name: fields.get(name, "POST" if name.endswith("_method") else None) for name in _WEBHOOK}
        sid = sid_of("XE", account, sender)
        return {
            "sid": sid,
            "status": fields.get("status", "ONLINE"),
            "sender_id": sender,
            "properties": {
                "quality_rating": fields.get("quality_rating", "HIGH"),
                "messaging_limit": fields.get("messaging_limit", "10K Customers/24hr"),
            },
            "offline_reasons": _reasons(fields),
            "webhook": webhook if any(name in fields for name in _WEBHOOK) else None,
            "url": f"{origin(request)}/v2/Channels/Senders/{sid}",
        }


def _reasons(fields: Fields) -> list[dict[str, str]] | None:
    code = fields.get("offline_code")
    if fields.get("status") != "OFFLINE" or not code:
        return None
    return [
        {"code": code, "message": "The sender is restricted", "more_info": f"https://www.twilio.com/docs/errors/{code}"}
    ]
