"""The Messages resource over HTTP: who asks, which fault strikes, then what the service says."""

import asyncio
from collections.abc import Awaitable, Callable

from aiohttp import web
from multidict import MultiDict, MultiMapping

from services.simulator import creation, errors, listing
from services.simulator.accounts import Account, basic_credentials
from services.simulator.errors import Refusal
from services.simulator.message import API_VERSION, FINAL, Message, resource
from services.simulator.service import Created, Simulator

_Handler = Callable[[web.Request, Account], Awaitable[web.StreamResponse]]
_RETRY_AFTER_S = 1


class MessagesApi:
    """Twilio's `/2010-04-01/Accounts/{AccountSid}/Messages` on a simulator."""

    def __init__(self, simulator: Simulator) -> None:
        self._simulator = simulator

    def routes(self) -> list[web.RouteDef]:
        many = f"/{API_VERSION}/Accounts/{{account_sid}}/Messages.json"
        one = f"/{API_VERSION}/Accounts/{{account_sid}}/Messages/{{sid}}.json"
        return [
            web.post(many, self._guarded(self._create)),
            web.get(many, self._guarded(self._list)),
            web.get(one, self._guarded(self._fetch)),
            web.post(one, self._guarded(self._update)),
            web.delete(one, self._guarded(self._delete)),
        ]

    def _guarded(self, handler: _Handler) -> Callable[[web.Request], Awaitable[web.StreamResponse]]:
        """The handler behind authentication and those faults that strike before anything is done."""

        async def handle(request: web.Request) -> web.StreamResponse:
            account = self._caller(request)
            if account is None:
                return refused(errors.AUTHENTICATE)
            dice = self._simulator.dice
            await asyncio.sleep(dice.latency_s())
            if dice.happens(dice.faults.rate_limited):
                return refused(errors.TOO_MANY_REQUESTS)
            if dice.happens(dice.faults.error_before):
                return refused(errors.UNAVAILABLE)
            return await handler(request, account)

        return handle

    def _caller(self, request: web.Request) -> Account | None:
        account = self._simulator.accounts.get(request.match_info["account_sid"])
        credentials = basic_credentials(request.headers.get("Authorization"))
        known = account is not None and credentials is not None and account.opened_by(*credentials)
        return account if known else None

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
            return web.json_response(listing.page_of(messages, account.sid, listing.read(request.query)))
        except listing.ListingError as error:
            return refused(errors.INVALID_PARAMETER.about(str(error)))

    async def _fetch(self, request: web.Request, account: Account) -> web.StreamResponse:
        message = self._found(request, account)
        return not_found(request) if message is None else _shown(message, 200)

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


def refused(refusal: Refusal) -> web.Response:
    """Twilio's error answer, with the headers that go with its status."""
    headers = {
        401: {"WWW-Authenticate": 'Basic realm="Twilio API"'},
        429: {"Retry-After": str(_RETRY_AFTER_S)},
    }.get(refusal.status)
    return web.json_response(refusal.body(), status=refusal.status, headers=headers)


def not_found(request: web.Request) -> web.Response:
    return refused(errors.NOT_FOUND.about(request.path))


def _shown(message: Message, status: int) -> web.Response:
    return web.json_response(resource(message), status=status)


def _texts(form: MultiMapping[str | bytes | bytearray | web.FileField]) -> MultiDict[str]:
    """The form's text fields; Twilio's API takes no files."""
    return MultiDict((name, value) for name, value in form.items() if isinstance(value, str))
