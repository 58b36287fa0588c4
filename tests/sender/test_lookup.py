"""One question to Lookup: what each of its answers comes to, and how long its account is left alone after it."""

import time
from collections.abc import AsyncIterator
from typing import Any

import pytest
from aiohttp import web
from pydantic import SecretStr

from services.embedded import ports
from services.runtime.line import Line
from services.runtime.tenants.live import Tenants
from services.runtime.tenants.settings import TenantSettings
from services.sender.lookup import Answer, look_up
from services.sender.lookups import Lookups

LANDLINE = '{"line_type_intelligence": {"type": "landline", "carrier_name": "Acme Tel"}}'
TENANT = TenantSettings(
    account_sid="AC" + "1" * 32, auth_tokens=[SecretStr("t" * 32)], contact_secret=SecretStr("s" * 32)
)


class Lookup:
    """Answers as it is told to; remembers what it was asked."""

    def __init__(self) -> None:
        self.status, self.text, self.headers = 200, LANDLINE, dict[str, str]()
        self.asked: list[str] = []
        self.url = ""

    async def answer(self, request: web.BaseRequest) -> web.Response:
        self.asked.append(request.path_qs)
        return web.Response(status=self.status, text=self.text, headers=self.headers)


@pytest.fixture
async def lookup() -> AsyncIterator[Lookup]:
    twilio, port = Lookup(), ports.pick()
    runner = web.ServerRunner(web.Server(twilio.answer))
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", port).start()
    twilio.url = f"http://127.0.0.1:{port}"
    yield twilio
    await runner.cleanup()


@pytest.fixture
async def line() -> AsyncIterator[Line]:
    made = Line(5.0, 2)
    yield made
    await made.close()


async def test_what_is_known_of_a_number_is_read_and_the_number_is_in_the_path(lookup: Lookup, line: Line) -> None:
    found = await look_up(line, lookup.url, "acme", TENANT, "+14155550123")
    assert found.line is not None
    assert found.line.type == "landline"
    assert lookup.asked == ["/v2/PhoneNumbers/+14155550123?Fields=line_type_intelligence"]


@pytest.mark.parametrize(
    ("answers", "expected"),
    [
        ((401, "{}", {}), Answer(refused=401)),
        ((403, "{}", {}), Answer(refused=403)),
        ((429, "{}", {"Retry-After": "7"}), Answer(too_many=True, again_s=7.0)),
        ((429, "no JSON", {}), Answer(too_many=True)),
        ((500, "{}", {}), Answer()),
        ((200, "no JSON", {}), Answer()),
        ((200, "[1]", {}), Answer()),
    ],
)
async def test_without_an_answer_it_says_why(lookup: Lookup, line: Line, answers: Any, expected: Answer) -> None:
    lookup.status, lookup.text, lookup.headers = answers
    assert await look_up(line, lookup.url, "acme", TENANT, "+14155550123") == expected


async def test_that_there_is_no_such_number_is_an_answer(lookup: Lookup, line: Line) -> None:
    lookup.status, lookup.text = 404, '{"code": 20404}'
    found = await look_up(line, lookup.url, "acme", TENANT, "+14155550123")
    assert found.line is not None
    assert (found.line.type, found.line.error) == (None, 20404)


async def test_where_nobody_listens_there_is_no_answer_and_the_log_has_no_number(
    line: Line, caplog: pytest.LogCaptureFixture
) -> None:
    assert await look_up(line, f"http://127.0.0.1:{ports.pick()}", "acme", TENANT, "+14155550123") == Answer()
    assert "acme: Lookup cannot be reached" in caplog.text
    assert "4155550123" not in caplog.text


@pytest.mark.parametrize(("status", "rest_s"), [(401, 600.0), (429, 7.0), (500, None)])
async def test_an_account_that_gets_no_answer_is_left_alone(
    lookup: Lookup, line: Line, status: int, rest_s: float | None
) -> None:
    lookup.status, lookup.text, lookup.headers = status, "{}", {"Retry-After": "7"}
    lookups: Any = Lookups(Tenants(), line, lookup.url, 2)
    began = time.monotonic()
    assert await lookups._fetch("acme", TENANT, "+14155550123") is None
    if rest_s is None:
        assert lookups._paused == {}
    else:
        assert began + rest_s <= lookups._paused["acme"] <= time.monotonic() + rest_s
    assert ("acme" in lookups._refused) == (status == 401)
