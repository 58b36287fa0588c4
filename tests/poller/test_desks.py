"""A ticket on its way to a desk, over TLS: by the environment's proxy, and to nothing private."""

import asyncio
import threading
from collections.abc import AsyncIterator

import pytest
from aiohttp import web
from aiohttp.test_utils import TestServer
from pydantic import SecretStr

from services.poller.desks import Answered, Desks
from services.runtime.strangers import Strangers, Where
from services.runtime.tenants.sections.keywords import DeskSettings
from tests.corporate_proxy import proxying
from tests.domain.test_tickets import HEARD
from tests.media_host import NAME, Certificate, MediaHost, certificate, dns, here, serving

SECRET = SecretStr("what acme signs its tickets with 0123456789")


@pytest.fixture(scope="module")
def by(tmp_path_factory: pytest.TempPathFactory) -> Certificate:
    return certificate(tmp_path_factory.mktemp("desk"))


@pytest.fixture
async def host(by: Certificate) -> AsyncIterator[MediaHost]:
    async with serving(by) as found:
        yield found


@pytest.fixture(autouse=True)
def _no_proxy(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("http_proxy", "https_proxy", "all_proxy", "no_proxy"):
        monkeypatch.delenv(name, raising=False)
        monkeypatch.delenv(name.upper(), raising=False)


async def posted(by: Certificate, url: str, where: Where, private: bool = False) -> Answered:
    desks = Desks(Strangers(5.0, where, by.believed()))
    try:
        return await desks.post(DeskSettings(url=url, secret=SECRET, private=private), HEARD)
    finally:
        await desks.close()


def unknown(_: str, __: int) -> list[tuple[int, str]]:
    raise OSError("behind a proxy nobody else resolves")


async def test_a_desk_is_reached_by_the_proxy_which_resolves_its_name(
    by: Certificate, host: MediaHost, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with proxying(host.port) as proxy:
        monkeypatch.setenv("https_proxy", proxy.url)
        assert await posted(by, host.url("/tickets"), Where(lookup=unknown)) == Answered("taken", "HTTP 200")
        assert proxy.asked == [f"{NAME}:{host.port}"]
        # It sees a tunnel alone: the signature is the desk's, and nothing of ours goes to the proxy.
        [headers] = host.headers
        assert headers["Idempotency-Key"] == HEARD.event_id
        assert headers["Switchboard-Signature"].startswith("v1=")


async def test_a_dns_that_answers_nothing_does_not_keep_it_from_the_proxy(
    by: Certificate, host: MediaHost, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Where all goes by a proxy, what asks DNS itself is often dropped without a word."""
    over = threading.Event()

    def silent(_: str, __: int) -> list[tuple[int, str]]:
        over.wait(30)
        raise OSError

    async with proxying(host.port) as proxy:
        monkeypatch.setenv("https_proxy", proxy.url)
        try:
            found = await asyncio.wait_for(posted(by, host.url("/tickets"), Where(lookup=silent)), 20)
        finally:
            over.set()
    assert found == Answered("taken", "HTTP 200")


@pytest.mark.parametrize(
    ("url", "answers"),
    [
        ("https://127.0.0.1/tickets", "1.1.1.1"),
        ("https://169.254.169.254/latest/", "1.1.1.1"),
        ("https://[64:ff9b::7f00:1]/", "1.1.1.1"),
        ("https://localhost/", "1.1.1.1"),
        ("https://desk.internal/", "1.1.1.1"),
        ("https://desk.corp/", "1.1.1.1"),
        # By our own DNS, where that knows it.
        ("https://desk.example.com/", "10.0.0.1"),
    ],
)
async def test_the_proxy_is_not_asked_for_what_is_private_by_name_or_by_our_dns(
    by: Certificate, host: MediaHost, monkeypatch: pytest.MonkeyPatch, url: str, answers: str
) -> None:
    async with proxying(host.port) as proxy:
        monkeypatch.setenv("https_proxy", proxy.url)
        found = await posted(by, url, Where(lookup=dns(answers)))
        assert found.outcome == "failed"
        assert "private: true" in found.answer
        assert (proxy.asked, host.headers) == ([], [])


async def test_no_proxy_is_honoured_and_then_the_connection_goes_to_what_was_judged(
    by: Certificate, host: MediaHost, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with proxying(host.port) as proxy:
        monkeypatch.setenv("https_proxy", proxy.url)
        monkeypatch.setenv("no_proxy", "example.com")
        assert (await posted(by, host.url("/tickets"), here())).outcome == "taken"
        assert (await posted(by, host.url("/tickets"), Where(lookup=dns("10.0.0.1")))).outcome == "failed"
        assert proxy.asked == []


async def test_a_redirect_is_no_yes_and_a_proxy_that_is_gone_is_no_answer(
    by: Certificate, host: MediaHost, monkeypatch: pytest.MonkeyPatch
) -> None:
    there = host.url(f"/to?url=https://other.example.com:{host.port}/tickets")
    assert await posted(by, there, here()) == Answered("refused", "HTTP 302")
    assert len(host.headers) == 1
    async with proxying(1) as proxy:
        monkeypatch.setenv("https_proxy", proxy.url)
        found = await asyncio.wait_for(posted(by, host.url("/tickets"), Where(lookup=unknown)), 10)
    assert found.outcome == "failed"
    assert found.answer.startswith("no answer")


async def test_a_private_desk_goes_by_the_proxy_too_unless_no_proxy_names_it(
    by: Certificate, monkeypatch: pytest.MonkeyPatch
) -> None:
    seen: list[str] = []

    async def answer(request: web.Request) -> web.Response:
        seen.append(str(request.url.host))
        return web.Response()

    app = web.Application()
    app.router.add_post("/{any:.*}", answer)
    async with TestServer(app) as proxy, TestServer(app) as desk:
        monkeypatch.setenv("http_proxy", str(proxy.make_url("/")))
        assert (await posted(by, "http://desk.corp/tickets", here(), private=True)).outcome == "taken"
        monkeypatch.setenv("no_proxy", "127.0.0.1")
        assert (await posted(by, str(desk.make_url("/tickets")), here(), private=True)).outcome == "taken"
    assert seen == ["desk.corp", "127.0.0.1"]
