"""Messaging Services (`/v1/Services`) and their pools: made, changed, members added and removed.

Not confirmed: the HTTP status with which a sender that is in a service already is refused (21710, 21712); here 409. And
whether two services may have one name; here they may.
"""

import secrets
from collections.abc import Mapping
from dataclasses import replace

from aiohttp import web
from multidict import MultiMapping

from services.simulator import errors
from services.simulator.accounts import Account
from services.simulator.addresses import channel, country
from services.simulator.errors import Refusal
from services.simulator.guard import guarded, not_found, refused
from services.simulator.holdings import sid_of
from services.simulator.numbers import SINCE, is_url
from services.simulator.paging import Resource, origin, page_v1
from services.simulator.pools import MessagingService, Pools
from services.simulator.service import Simulator

_ISO = SINCE.strftime("%Y-%m-%dT%H:%M:%SZ")
# Below `/v1/Services/{sid}`: the key in the answer, what a sid begins with, the parameter that names a new member.
_POOLS = {
    "PhoneNumbers": ("phone_numbers", "PN", "PhoneNumberSid"),
    "ShortCodes": ("short_codes", "SC", "ShortCodeSid"),
    "AlphaSenders": ("alpha_senders", "AI", "AlphaSender"),
    "ChannelSenders": ("senders", "XE", "Sid"),
}
_TYPES = {"whatsapp": "WhatsApp", "rcs": "RCS", "messenger": "Messenger"}
_DEFAULTS: Mapping[str, str | bool | int | None] = {
    "inbound_request_url": None, "inbound_method": "POST", "fallback_url": None, "fallback_method": "POST",
    "status_callback": None, "sticky_sender": True, "mms_converter": True, "smart_encoding": False,
    "scan_message_content": "inherit", "fallback_to_long_code": False, "area_code_geomatch": False,
    "synchronous_validation": False, "validity_period": 36000, "usecase": "undeclared",
    "us_app_to_person_registered": False, "use_inbound_webhook_on_number": False,
}  # fmt: skip
_LONGEST_NAME = 64
_LONGEST_ALPHA = 11


class ServicesApi:
    """Messaging's `Services`: list, fetch, create, update; of each pool: list, add, remove."""

    def __init__(self, simulator: Simulator) -> None:
        self._simulator = simulator

    def routes(self) -> list[web.RouteDef]:
        one = "/v1/Services/{sid}"
        pool = f"{one}/{{collection:{'|'.join(_POOLS)}}}"
        routes = (
            (web.get, "/v1/Services", self._list),
            (web.post, "/v1/Services", self._create),
            (web.get, one, self._fetch),
            (web.post, one, self._update),
            (web.get, pool, self._members),
            (web.post, pool, self._add),
            (web.get, f"{pool}/{{member}}", self._one),
            (web.delete, f"{pool}/{{member}}", self._remove),
        )
        return [method(path, guarded(self._simulator, handler, "messaging")) for method, path, handler in routes]

    async def _list(self, request: web.Request, account: Account) -> web.StreamResponse:
        return page_v1(request, "services", [self._resource(request, account, sid) for sid in self._sids(account)])

    async def _fetch(self, request: web.Request, account: Account) -> web.StreamResponse:
        sid = request.match_info["sid"]
        if sid not in self._sids(account):
            return not_found(request)
        return web.json_response(self._resource(request, account, sid))

    async def _create(self, request: web.Request, account: Account) -> web.StreamResponse:
        given = _settings(await request.post())
        if isinstance(given, Refusal) or not given.get("friendly_name"):
            return refused(given if isinstance(given, Refusal) else errors.INVALID_PARAMETER.about("FriendlyName"))
        sid = f"MG{secrets.token_hex(16)}"
        self._simulator.conversations.pools.put(sid, MessagingService(account_sid=account.sid, settings=given))
        return web.json_response(self._resource(request, account, sid), status=201)

    async def _update(self, request: web.Request, account: Account) -> web.StreamResponse:
        sid = request.match_info["sid"]
        if sid not in self._sids(account):
            return not_found(request)
        given = _settings(await request.post())
        if isinstance(given, Refusal):
            return refused(given)
        service = self._pools.get(sid)
        self._pools.put(sid, replace(service, settings={**service.settings, **given}))
        return web.json_response(self._resource(request, account, sid))

    async def _members(self, request: web.Request, account: Account) -> web.StreamResponse:
        sid, collection = request.match_info["sid"], request.match_info["collection"]
        if sid not in self._sids(account):
            return not_found(request)
        members = [one for one in self._pools.get(sid).numbers if collection_of(one) == collection]
        return page_v1(request, _POOLS[collection][0], [_member(request, account, sid, one) for one in members])

    async def _add(self, request: web.Request, account: Account) -> web.StreamResponse:
        sid, collection = request.match_info["sid"], request.match_info["collection"]
        if sid not in self._sids(account):
            return not_found(request)
        named = str((await request.post()).get(_POOLS[collection][2], ""))
        sender = self._named(account, collection, named)
        if sender is None:
            return not_found(request) if named else refused(errors.INVALID_PARAMETER.about(_POOLS[collection][2]))
        # A name is no property of the account's: several services may have one.
        holder = None if collection == "AlphaSenders" else self._holder(account, sender)
        service = self._pools.get(sid)
        if sender in service.numbers:
            return refused(errors.IN_THIS_SERVICE)
        if holder is not None:
            return refused(errors.IN_ANOTHER_SERVICE)
        self._pools.put(sid, replace(service, numbers=(*service.numbers, sender)))
        return web.json_response(_member(request, account, sid, sender), status=201)

    async def _one(self, request: web.Request, account: Account) -> web.StreamResponse:
        found = self._member_of(request, account)
        if found is None:
            return not_found(request)
        return web.json_response(_member(request, account, request.match_info["sid"], found))

    async def _remove(self, request: web.Request, account: Account) -> web.StreamResponse:
        gone = self._member_of(request, account)
        if gone is None:
            return not_found(request)
        sid = request.match_info["sid"]
        service = self._pools.get(sid)
        self._pools.put(sid, replace(service, numbers=tuple(one for one in service.numbers if one != gone)))
        dice = self._simulator.dice
        return refused(errors.UNAVAILABLE) if dice.happens(dice.faults.error_after) else web.Response(status=204)

    def _member_of(self, request: web.Request, account: Account) -> str | None:
        """The sender in the path, if it is in the service there."""
        sid, collection, member = (request.match_info[name] for name in ("sid", "collection", "member"))
        if sid not in self._sids(account):
            return None
        found = (one for one in self._pools.get(sid).numbers if collection_of(one) == collection)
        return next((one for one in found if sid_of(_POOLS[collection][1], account, one) == member), None)

    @property
    def _pools(self) -> Pools:
        return self._simulator.conversations.pools

    def _sids(self, account: Account) -> tuple[str, ...]:
        return self._pools.sids(account.sid)

    def _named(self, account: Account, collection: str, named: str) -> str | None:
        """The sender that a parameter names: a name by itself, all others by the sid of what the account has."""
        if collection == "AlphaSenders":
            return named if 0 < len(named) <= _LONGEST_ALPHA and not named.isdigit() else None
        prefix = _POOLS[collection][1]
        mine = (one for one in self._simulator.senders(account) if collection_of(one) == collection)
        return next((one for one in mine if sid_of(prefix, account, one) == named), None)

    def _holder(self, account: Account, sender: str) -> str | None:
        return next((sid for sid in self._sids(account) if sender in self._pools.get(sid).numbers), None)

    def _resource(self, request: web.Request, account: Account, sid: str) -> Resource:
        url = f"{origin(request)}/v1/Services/{sid}"
        return {
            "sid": sid, "account_sid": account.sid, "friendly_name": sid, "date_created": _ISO, "date_updated": _ISO,
            **_DEFAULTS, **self._pools.get(sid).settings, "url": url,
            "links": {"phone_numbers": f"{url}/PhoneNumbers", "short_codes": f"{url}/ShortCodes",
                      "alpha_senders": f"{url}/AlphaSenders"},
        }  # fmt: skip


def collection_of(sender: str) -> str:
    """In which of a service's collections a sender is."""
    if channel(sender) != "sms":
        return "ChannelSenders"
    if sender.startswith("+"):
        return "PhoneNumbers"
    return "ShortCodes" if sender.isdigit() else "AlphaSenders"


def _settings(form: MultiMapping[object]) -> dict[str, str | bool | int | None] | Refusal:
    """The fields that a form's parameters set: `StickySender=true` → sticky_sender True; empty is none."""
    given: dict[str, str | bool | int | None] = {}
    for field, default in {"friendly_name": "", **_DEFAULTS}.items():
        name = "".join(part.capitalize() for part in field.split("_"))
        if name not in form:
            continue
        text = str(form[name])
        if isinstance(default, bool):
            given[field] = text.lower() == "true"
        elif isinstance(default, int):
            if not (text.isascii() and text.isdigit() and 1 <= int(text) <= default):
                return errors.INVALID_PARAMETER.about(name)
            given[field] = int(text)
        else:
            given[field] = text or None
        if (field.endswith("_url") or field == "status_callback") and not is_url(text):
            return errors.INVALID_PARAMETER.about(name)
    if len(str(given.get("friendly_name", ""))) > _LONGEST_NAME:
        return errors.INVALID_PARAMETER.about("FriendlyName")
    return given


def _member(request: web.Request, account: Account, service: str, sender: str) -> Resource:
    collection = collection_of(sender)
    sid = sid_of(_POOLS[collection][1], account, sender)
    told: Resource = {"sid": sid, "account_sid": account.sid, "date_created": _ISO, "date_updated": _ISO}
    told["url"] = f"{origin(request)}/v1/Services/{service}/{collection}/{sid}"
    match collection:
        case "ChannelSenders":
            kind = _TYPES.get(channel(sender), channel(sender))
            return told | {
                "messaging_service_sid": service, "sender": sender, "sender_type": kind,
                "country_code": country(sender) or None,
            }  # fmt: skip
        case "PhoneNumbers":
            code = country(sender) or None
            told |= {"phone_number": sender, "country_code": code, "capabilities": ["SMS", "MMS"]}
        case "ShortCodes":
            told |= {"short_code": sender, "country_code": "US", "capabilities": ["SMS"]}
        case _:
            told |= {"alpha_sender": sender, "capabilities": ["SMS"]}
    return told | {"service_sid": service}
