"""What stands before every resource: who asks, in which region, and which fault strikes before anything is done.

As Twilio documents it, a credential of another region fails to authenticate. Not confirmed by anybody: that it is told
as any other wrong credential is, by 401 and 20003; and what a region knows of an account that has nothing in it.
"""

import asyncio
from collections.abc import Awaitable, Callable

from aiohttp import web

from services.simulator import errors
from services.simulator.accounts import Account, basic_credentials
from services.simulator.errors import Refusal
from services.simulator.holdings import Product
from services.simulator.service import Simulator

Handler = Callable[[web.Request, Account], Awaitable[web.StreamResponse]]
_RETRY_AFTER_S = 1


def guarded(
    simulator: Simulator, handler: Handler, product: Product = "messages"
) -> Callable[[web.Request], Awaitable[web.StreamResponse]]:
    """The handler behind authentication and those faults that strike before anything is done."""

    async def handle(request: web.Request) -> web.StreamResponse:
        account = _caller(simulator, request)
        if account is None:
            return refused(errors.AUTHENTICATE)
        if (closed := _shut(simulator, request, account, product)) is not None:
            return refused(closed)
        dice = simulator.dice
        await asyncio.sleep(dice.latency_s())
        if dice.happens(dice.faults.rate_limited):
            return refused(errors.TOO_MANY_REQUESTS)
        if dice.happens(dice.faults.error_before):
            return refused(errors.UNAVAILABLE)
        return await handler(request, account)

    return handle


def _shut(simulator: Simulator, request: web.Request, account: Account, product: Product) -> Refusal | None:
    """What the account, or these credentials, may not use.

    A standard API key reaches no account resource (20003). Not confirmed: what a suspended account may still read, and
    what a restricted key is told; here the account alone, and 20003 too.
    """
    standing, user = simulator.holdings.standing(account), basic_credentials(request.headers.get("Authorization"))
    if product in standing.forbidden or (product == "account" and user is not None and user[0].startswith("SK")):
        return errors.AUTHENTICATE
    return errors.NOT_ACTIVE if standing.status != "active" and product != "account" else None


REGIONS = ("ie1", "au1")


def path_of(request: web.Request) -> str:
    """The path as Twilio's host of a region has it: here the region's name stands before it."""
    region = _region(request)
    return request.path.removeprefix(f"/{region}") if region != "us1" else request.path


def _region(request: web.Request) -> str:
    first = request.path.split("/", 2)[1]
    return first if first in REGIONS else "us1"


def _caller(simulator: Simulator, request: web.Request) -> Account | None:
    """The account in the path; where there is none in it, the one whose credentials they are."""
    credentials = basic_credentials(request.headers.get("Authorization"))
    if credentials is None:
        return None
    named = request.match_info.get("account_sid", credentials[0])
    accounts = [simulator.accounts[named]] if named in simulator.accounts else list(simulator.accounts.values())
    if "account_sid" in request.match_info and named not in simulator.accounts:
        return None
    here = (account for account in accounts if account.region == _region(request))
    return next((account for account in here if account.opened_by(*credentials)), None)


def refused(refusal: Refusal) -> web.Response:
    """Twilio's error answer, with the headers that go with its status."""
    headers = {
        401: {"WWW-Authenticate": 'Basic realm="Twilio API"'},
        429: {"Retry-After": str(_RETRY_AFTER_S)},
    }.get(refusal.status)
    return web.json_response(refusal.body(), status=refusal.status, headers=headers)


def not_found(request: web.Request) -> web.Response:
    return refused(errors.NOT_FOUND.about(request.path))
