"""Reading Twilio's list: pages, dates, what passes and what does not. Twilio is one that answers what it is told."""

from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Any

import pytest
from aiohttp import encode_basic_auth, web
from pydantic import SecretStr

from services.embedded.ports import pick
from services.operations.backfill import listing
from services.operations.backfill.errors import BackfillError
from services.operations.backfill.listing import Account
from services.operations.backfill.window import Window
from services.runtime.tenants.settings import TenantSettings

ACCOUNT = "AC" + "a" * 32
WINDOW = Window("2026-11-20T06:00:00.000Z", "2026-11-20T18:00:00.000Z")
PATH = f"/2010-04-01/Accounts/{ACCOUNT}/Messages"


def message(sid: str, sent: str | None = "Fri, 20 Nov 2026 12:00:00 +0000", **other: Any) -> dict[str, Any]:
    return {
        "sid": sid, "account_sid": ACCOUNT, "direction": "outbound-api", "status": "delivered", "body": "secret",
        "from": "+14155550100", "to": "+14155550123", "date_sent": sent, "num_media": "0", "num_segments": "1",
        "date_created": "Fri, 20 Nov 2026 11:59:58 +0000", "error_code": None, "messaging_service_sid": None,
    } | other  # fmt: skip


def page(messages: list[dict[str, Any]], following: str | None = None) -> web.Response:
    return web.json_response({"messages": messages, "next_page_uri": following, "page": 0, "page_size": 1000})


class Scripted:
    """Answers in turn; notes what it was asked for."""

    def __init__(self) -> None:
        self.answers: list[web.Response] = []
        self.asked: list[web.Request] = []

    async def handle(self, request: web.Request) -> web.Response:
        self.asked.append(request)
        return self.answers.pop(0)


Told = list[int]


@pytest.fixture
def twilio() -> Scripted:
    return Scripted()


@pytest.fixture
async def account(twilio: Scripted, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Account]:
    for name in ("NO_PROXY", "no_proxy"):
        monkeypatch.setenv(name, "127.0.0.1")
    monkeypatch.setattr(listing, "_WAITS_S", (0.01, 0.01))
    app = web.Application()
    app.router.add_route("*", "/{path:.*}", twilio.handle)
    runner = web.AppRunner(app, access_log=None, shutdown_timeout=0.1)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    yield Account("acme", _tenant(), f"http://127.0.0.1:{runner.addresses[0][1]}")
    await runner.cleanup()


def _tenant() -> TenantSettings:
    return TenantSettings(
        account_sid=ACCOUNT,
        auth_tokens=[SecretStr("token")],
        api_key_sid="SK" + "c" * 32,
        api_key_secret=SecretStr("key"),
        contact_secret=SecretStr("unused"),
    )


async def test_every_page_is_read_and_what_is_dated_elsewhere_left_out(account: Account, twilio: Scripted) -> None:
    early, late = "Fri, 20 Nov 2026 05:59:59 +0000", "Fri, 20 Nov 2026 18:00:00 +0000"
    twilio.answers = [
        page([message("SM1"), message("SM2", late)], f"{PATH}.json?Page=1&PageToken=PASM2"),
        page([message("SM3", direction="inbound", body="hi", num_media="2"), message("SM4", None)]),
    ]
    twilio.answers[1:1] = [page([message("SM5", early)], f"{PATH}.json?Page=2&PageToken=PASM5")]
    told: Told = []
    found = await account.messages(WINDOW, told.append)
    assert [one.sid for one in found] == ["SM1", "SM3", "SM4"]
    assert told == [2, 3, 5]
    ours, theirs, undated = found
    assert (ours.inbound, ours.body, ours.at) == (False, "", "2026-11-20T12:00:00.000Z")
    assert (theirs.inbound, theirs.body, theirs.num_media) == (True, "hi", 2)
    assert undated.at == "2026-11-20T11:59:58.000Z"
    first, *others = twilio.asked
    assert first.path == f"{PATH}.json"
    assert dict(first.query) == {
        "DateSent>": "2026-11-19T23:59:59Z", "DateSent<": "2026-11-21T00:00:00Z", "PageSize": "1000",
    }  # fmt: skip
    assert [request.query["PageToken"] for request in others] == ["PASM2", "PASM5"]
    assert {request.headers["Authorization"] for request in twilio.asked} == {encode_basic_auth("SK" + "c" * 32, "key")}


async def test_what_passes_is_asked_again(account: Account, twilio: Scripted) -> None:
    twilio.answers = [
        web.json_response({"code": 20429}, status=429), web.Response(status=503), page([message("SM1")]),
    ]  # fmt: skip
    assert [one.sid for one in await account.messages(WINDOW, lambda _: None)] == ["SM1"]


async def test_one_message_is_fetched_or_gone(account: Account, twilio: Scripted) -> None:
    gone = web.json_response({"code": 20404, "message": "not found", "status": 404}, status=404)
    twilio.answers = [web.json_response(message("SM1", None, status="failed", error_code=30036)), gone]
    found = await account.message("SM1")
    assert found is not None
    assert (found.status, found.error_code) == ("failed", 30036)
    assert await account.message("SM2") is None
    assert [request.path for request in twilio.asked] == [f"{PATH}/SM1.json", f"{PATH}/SM2.json"]


Ask = Callable[[Account], Awaitable[object]]


@pytest.mark.parametrize("ask", [lambda one: one.messages(WINDOW, print), lambda one: one.message("SM1")])
@pytest.mark.parametrize(
    ("answer", "sentence"),
    [
        (lambda: web.json_response({"code": 20003, "status": 401}, status=401), "does not let tenant acme in (401)"),
        (lambda: web.json_response({"code": 20429, "status": 429}, status=429), "Twilio answers 429"),
        (lambda: web.Response(status=502, text="<html>"), "answers 502 time and again"),
        (lambda: web.json_response({"code": 20005, "status": 403}, status=403), "refuses to list"),
        (lambda: web.Response(text="<html>"), "does not speak Twilio's API; check twilio.api"),
    ],
)
async def test_what_does_not_pass_is_a_sentence(
    account: Account, twilio: Scripted, ask: Ask, answer: Callable[[], web.Response], sentence: str
) -> None:
    twilio.answers = [answer() for _ in range(3)]
    with pytest.raises(BackfillError) as told:
        await ask(account)
    assert sentence in str(told.value)
    assert "\x1b" not in str(told.value)


async def test_a_twilio_that_is_away_is_a_sentence(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("NO_PROXY", "no_proxy"):
        monkeypatch.setenv(name, "127.0.0.1")
    monkeypatch.setattr(listing, "_WAITS_S", (0.01,))
    url = f"http://127.0.0.1:{pick()}"
    with pytest.raises(BackfillError, match=f"no Twilio answers at {url}"):
        await Account("acme", _tenant(), url).messages(WINDOW, lambda _: None)
