"""What hangs on a message (media, feedback), and the account itself with its balance.

Held against Twilio's OpenAPI. Not confirmed: whether feedback needs ProvideFeedback at the create (here it does not),
whether a deleted medium still counts in `num_media` (here it does), and whether a medium may be deleted before its
message has ended (here it may: nothing is to rely on a refusal).
"""

from aiohttp import web

from services.simulator import errors
from services.simulator.accounts import Account
from services.simulator.files import sid_of
from services.simulator.guard import guarded, not_found, refused
from services.simulator.message import API_VERSION, Message, rfc2822
from services.simulator.moments import now
from services.simulator.service import Simulator

_ACCOUNT = f"/{API_VERSION}/Accounts/{{account_sid}}"
_MESSAGE = f"{_ACCOUNT}/Messages/{{sid}}"
_BALANCE = "100.00"


class SubresourcesApi:
    """The resources, each behind authentication and faults."""

    def __init__(self, simulator: Simulator) -> None:
        self._simulator = simulator

    def routes(self) -> list[web.RouteDef]:
        return [
            web.get(f"{_MESSAGE}/Media.json", guarded(self._simulator, self._media)),
            web.get(f"{_MESSAGE}/Media/{{medium}}.json", guarded(self._simulator, self._medium)),
            web.delete(f"{_MESSAGE}/Media/{{medium}}.json", guarded(self._simulator, self._delete_medium)),
            web.post(f"{_MESSAGE}/Feedback.json", guarded(self._simulator, self._feedback)),
            web.get(f"{_ACCOUNT}/Balance.json", guarded(self._simulator, self._balance)),
            web.get(f"{_ACCOUNT}.json", guarded(self._simulator, self._account, "account")),
        ]

    async def _media(self, request: web.Request, account: Account) -> web.StreamResponse:
        message = self._message(request, account)
        if message is None:
            return not_found(request)
        uri = f"{message.uri}/Media.json?PageSize=50&Page=0"
        found = self._left(message)
        page = {"page": 0, "page_size": 50, "start": 0, "end": max(len(found) - 1, 0), "uri": uri, "media_list": found}
        ends = {"first_page_uri": uri, "next_page_uri": None, "previous_page_uri": None}
        return web.json_response(page | ends)

    async def _medium(self, request: web.Request, account: Account) -> web.StreamResponse:
        found = self._one(request, account)
        return not_found(request) if found is None else web.json_response(found)

    async def _delete_medium(self, request: web.Request, account: Account) -> web.StreamResponse:
        found = self._one(request, account)
        if found is None:
            return not_found(request)
        self._simulator.files.deleted.add((request.match_info["sid"], request.match_info["medium"]))
        return web.Response(status=204)

    async def _feedback(self, request: web.Request, account: Account) -> web.StreamResponse:
        message = self._message(request, account)
        if message is None:
            return not_found(request)
        outcome = str((await request.post()).get("Outcome", "confirmed"))
        if outcome not in ("confirmed", "unconfirmed"):
            return refused(errors.INVALID_PARAMETER.about("Outcome"))
        answer = {
            "account_sid": account.sid,
            "message_sid": message.sid,
            "outcome": outcome,
            "date_created": rfc2822(now()),
            "date_updated": rfc2822(now()),
            "uri": f"{message.uri}/Feedback.json",
        }
        # The OpenAPI knows 200 alone.
        return web.json_response(answer)

    async def _balance(self, _: web.Request, account: Account) -> web.StreamResponse:
        return web.json_response({"account_sid": account.sid, "balance": _BALANCE, "currency": "USD"})

    async def _account(self, _: web.Request, account: Account) -> web.StreamResponse:
        uri, standing = f"/{API_VERSION}/Accounts/{account.sid}", self._simulator.holdings.standing(account)
        answer = {
            "sid": account.sid,
            "owner_account_sid": account.sid,
            "friendly_name": account.tenant,
            "status": standing.status,
            "type": standing.type,
            # Twilio shows it; a simulator's log and tests are better off without.
            "auth_token": None,
            "date_created": rfc2822(now()),
            "date_updated": rfc2822(now()),
            "subresource_uris": {"messages": f"{uri}/Messages.json", "balance": f"{uri}/Balance.json"},
            "uri": f"{uri}.json",
        }
        return web.json_response(answer)

    def _message(self, request: web.Request, account: Account) -> Message | None:
        return self._simulator.store.find(account.sid, request.match_info["sid"])

    def _left(self, message: Message) -> list[dict[str, object]]:
        media = [self._json(message, place) for place in range(len(message.media))]
        return [one for one in media if (message.sid, str(one["sid"])) not in self._simulator.files.deleted]

    def _one(self, request: web.Request, account: Account) -> dict[str, object] | None:
        message = self._message(request, account)
        media = self._left(message) if message else []
        return next((one for one in media if one["sid"] == request.match_info["medium"]), None)

    def _json(self, message: Message, place: int) -> dict[str, object]:
        sid = sid_of(message.sid, place)
        file = self._simulator.files.of(sid)
        return {
            "sid": sid,
            "account_sid": message.account_sid,
            "parent_sid": message.sid,
            # Of what lies elsewhere nothing is fetched, so nothing is known.
            "content_type": file.declared if file else "image/jpeg",
            "date_created": rfc2822(message.created_at),
            "date_updated": rfc2822(message.created_at),
            "uri": f"{message.uri}/Media/{sid}.json",
        }
