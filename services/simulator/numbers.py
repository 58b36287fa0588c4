"""An account's own numbers and short codes: their lists, and the URLs that Twilio calls for each.

Not confirmed: in which order Twilio lists; here it is the order in which they were set. That a URL which is no URL is
refused by 21502 is the dictionary's; what else Twilio checks of one is not confirmed.
"""

from collections.abc import Callable
from datetime import UTC, datetime
from email.utils import format_datetime
from urllib.parse import urlsplit

from aiohttp import web

from services.simulator import errors
from services.simulator.accounts import Account
from services.simulator.guard import guarded, not_found, refused
from services.simulator.holdings import Fields, sid_of
from services.simulator.message import API_VERSION
from services.simulator.paging import Resource, page_2010
from services.simulator.service import Simulator

SINCE = datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)
_SMS = {"sms": True, "mms": True, "voice": True, "fax": False}
# Parameter → field. What else can be set is not kept.
_PARAMETERS = {
    "SmsUrl": "sms_url",
    "SmsFallbackUrl": "sms_fallback_url",
    "SmsMethod": "sms_method",
    "SmsFallbackMethod": "sms_fallback_method",
    "SmsApplicationSid": "sms_application_sid",
    "FriendlyName": "friendly_name",
}
_Shape = Callable[[Account, str, Fields], Resource]


class NumbersApi:
    """`IncomingPhoneNumbers` and `SMS/ShortCodes`: list, fetch, update."""

    def __init__(self, simulator: Simulator) -> None:
        self._simulator = simulator

    def routes(self) -> list[web.RouteDef]:
        account = f"/{API_VERSION}/Accounts/{{account_sid}}"
        routes = []
        for path, key, prefix, shape in (
            ("IncomingPhoneNumbers", "incoming_phone_numbers", "PN", number),
            ("SMS/ShortCodes", "short_codes", "SC", short_code),
        ):
            collection = _Collection(self._simulator, key, prefix, shape)
            one = f"{account}/{path}/{{sid}}.json"
            routes += [
                web.get(f"{account}/{path}.json", guarded(self._simulator, collection.listed, "numbers")),
                web.get(one, guarded(self._simulator, collection.fetch, "numbers")),
                web.post(one, guarded(self._simulator, collection.update, "numbers")),
            ]
        return routes


class _Collection:
    def __init__(self, simulator: Simulator, key: str, prefix: str, shape: _Shape) -> None:
        self._simulator, self._key, self._prefix, self._shape = simulator, key, prefix, shape

    async def listed(self, request: web.Request, account: Account) -> web.StreamResponse:
        return page_2010(request, self._key, [self._resource(account, one) for one in self._mine(account)])

    async def fetch(self, request: web.Request, account: Account) -> web.StreamResponse:
        found = self._named(request, account)
        return not_found(request) if found is None else web.json_response(self._resource(account, found))

    async def update(self, request: web.Request, account: Account) -> web.StreamResponse:
        found = self._named(request, account)
        if found is None:
            return not_found(request)
        form = await request.post()
        given = {field: str(form[name]) or None for name, field in _PARAMETERS.items() if name in form}
        if wrong := next((url for name, url in given.items() if name.endswith("_url") and not is_url(url)), None):
            return refused(errors.INVALID_SMS_URL.about(wrong))
        self._simulator.holdings.change(account, found, given)
        return web.json_response(self._resource(account, found))

    def _mine(self, account: Account) -> list[str]:
        is_mine = (lambda one: one.startswith("+")) if self._prefix == "PN" else str.isdigit
        return [one for one in self._simulator.senders(account) if is_mine(one)]

    def _named(self, request: web.Request, account: Account) -> str | None:
        sid = request.match_info["sid"]
        return next((one for one in self._mine(account) if sid_of(self._prefix, account, one) == sid), None)

    def _resource(self, account: Account, sender: str) -> Resource:
        return self._shape(account, sender, self._simulator.holdings.fields(account, sender))


def is_url(text: str | None) -> bool:
    """Whether Twilio could call it; none at all is none."""
    return not text or (urlsplit(text).scheme in ("http", "https") and bool(urlsplit(text).hostname))


def number(account: Account, number: str, fields: Fields) -> Resource:
    """Twilio's JSON of an IncomingPhoneNumber."""
    sid = sid_of("PN", account, number)
    texts = dict.fromkeys(
        (
            "address_sid", "identity_sid", "bundle_sid", "trunk_sid", "emergency_address_sid", "sms_application_sid",
            "voice_application_sid", "sms_url", "sms_fallback_url", "voice_url", "voice_fallback_url",
            "status_callback",
        )
    )  # fmt: skip
    methods = dict.fromkeys(
        ("sms_method", "sms_fallback_method", "voice_method", "voice_fallback_method", "status_callback_method"), "POST"
    )
    when = format_datetime(SINCE)
    return {
        **texts, **methods, "sid": sid, "account_sid": account.sid, "phone_number": number, "friendly_name": number,
        "address_requirements": "none", "api_version": API_VERSION, "beta": False, "capabilities": _SMS,
        "date_created": when, "date_updated": when, "origin": "twilio", "status": "in-use",
        "voice_caller_id_lookup": False, "voice_receive_mode": "voice", "emergency_status": "Inactive",
        "emergency_address_status": "unregistered", **fields,
        "uri": f"/{API_VERSION}/Accounts/{account.sid}/IncomingPhoneNumbers/{sid}.json",
    }  # fmt: skip


def short_code(account: Account, code: str, fields: Fields) -> Resource:
    """Twilio's JSON of a ShortCode."""
    sid, when = sid_of("SC", account, code), format_datetime(SINCE)
    return {
        "sid": sid, "account_sid": account.sid, "short_code": code, "friendly_name": code, "api_version": API_VERSION,
        "date_created": when, "date_updated": when, "sms_url": None, "sms_method": "POST", "sms_fallback_url": None,
        "sms_fallback_method": "POST", **fields,
        "uri": f"/{API_VERSION}/Accounts/{account.sid}/SMS/ShortCodes/{sid}.json",
    }  # fmt: skip
