"""The Messages resource over HTTP: who asks, which fault strikes, then what the service says."""

from aiohttp import web
from multidict import MultiDict, MultiMapping

from services.simulator import creation, errors, listing
from services.simulator.accounts import Account
from services.simulator.errors import Refusal
from services.simulator.guard import guarded, not_found, refused
from services.simulator.message import API_VERSION, FINAL, Message, resource
from services.simulator.service import Created, Simulator


class MessagesApi:
    """Twilio's `/2010-04-01/Accounts/{AccountSid}/Messages` on a simulator."""

    def __init__(self, simulator: Simulator) -> None:
        self._simulator = simulator

    def routes(self) -> list[web.RouteDef]:
        many = f"/{API_VERSION}/Accounts/{{account_sid}}/Messages.json"
        one = f"/{API_VERSION}/Accounts/{{account_sid}}/Messages/{{sid}}.json"
        return [
            web.post(many, guarded(self._simulator, self._create)),
            web.get(many, guarded(self._simulator, self._list)),
            web.get(one, guarded(self._simulator, self._fetch)),
            web.post(one, guarded(self._simulator, self._update)),
            web.delete(one, guarded(self._simulator, self._delete)),
        ]

    async def _create(self, request: web.Request, account: Account) -> web.StreamResponse:
        created = self._simulator.create(account, creation.read(_texts(await request.post())))
        if isinstance(created, Refusal):
            return refused(created)
        faults, dice = self._simulator.dice.faults, self._simulator.dice
        failed = dice.happens(faults.error_after)
        response = refused(errors.SERVER_ERROR) if failed else _shown(created.message, 201)
        if created.plan.before_response:
            await self._simulator.begin(created).wait()
            return response
        return await self._answer_then_begin(request, response, created)

    async def _answer_then_begin(
        self, request: web.Request, response: web.Response, created: Created
    ) -> web.StreamResponse:
        """Only the fault may let a callback overtake the answer, so the answer is written out first."""
        try:
            await response.prepare(request)
            await response.write_eof()
        finally:
            self._simulator.begin(created)
        return response

    async def _list(self, request: web.Request, account: Account) -> web.StreamResponse:
        messages = self._simulator.store.of_account(account.sid)
        try:
            query = listing.read(request.query)
            return web.json_response(listing.page_of(messages, account.sid, query, self._simulator.redaction.shown))
        except listing.ListingError as error:
            return refused(errors.INVALID_PARAMETER.about(str(error)))

    async def _fetch(self, request: web.Request, account: Account) -> web.StreamResponse:
        message = self._found(request, account)
        return not_found(request) if message is None else _shown(self._simulator.redaction.shown(message), 200)

    async def _update(self, request: web.Request, account: Account) -> web.StreamResponse:
        message = self._found(request, account)
        if message is None:
            return not_found(request)
        outcome = self._updated(message, _texts(await request.post()))
        return refused(outcome) if isinstance(outcome, Refusal) else _shown(outcome, 200)

    def _updated(self, message: Message, form: MultiMapping[str]) -> Message | Refusal:
        """Cancel or redact: the only updates there are."""
        if (status := form.get("Status")) is not None:
            if status != "canceled":
                return errors.INVALID_PARAMETER.about("Status")
            cancelable = message.status == "scheduled"
            return self._simulator.lifecycle.cancel(message.sid) if cancelable else errors.NOT_CANCELABLE
        if form.get("Body") != "":
            return errors.INVALID_PARAMETER.about("Body may only be updated to the empty string")
        return self._simulator.store.redact(message.sid) if message.status in FINAL else errors.NOT_DELIVERED_YET

    async def _delete(self, request: web.Request, account: Account) -> web.StreamResponse:
        message = self._found(request, account)
        if message is None:
            return not_found(request)
        if message.status not in FINAL:
            return refused(errors.NOT_DELIVERED_YET)
        self._simulator.store.delete(message.sid)
        return web.Response(status=204)

    def _found(self, request: web.Request, account: Account) -> Message | None:
        return self._simulator.store.find(account.sid, request.match_info["sid"])


def _shown(message: Message, status: int) -> web.Response:
    return web.json_response(resource(message), status=status)


def _texts(form: MultiMapping[str | bytes | bytearray | web.FileField]) -> MultiDict[str]:
    """The form's text fields; Twilio's API takes no files."""
    return MultiDict((name, value) for name, value in form.items() if isinstance(value, str))
