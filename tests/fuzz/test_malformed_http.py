"""Malformed HTTP to an ingress: refused or closed, never a 500; a good request is answered afterwards."""

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
import pytest_asyncio

from services.ingress import app, lane
from services.runtime import http
from services.runtime.config import Settings
from tests.fuzz import malformed
from tests.fuzz.malformed import CORPUS, answered, statuses
from tests.ingress.rig import Caller, running, settings
from tests.waiting import eventually

MESSAGES = "/twilio/acme/messages"
# KiB. What all of it at once may take, in a process that runs the tests as well: above all what it sends.
MOST_GROWTH = 150 * 1024


@pytest.fixture
def chosen(tmp_path: Path) -> Settings:
    return settings(tmp_path)


@pytest_asyncio.fixture
async def caller(chosen: Settings) -> AsyncIterator[Caller]:
    async with running(chosen) as caller:
        yield caller


async def test_it_is_refused_and_the_next_is_answered(caller: Caller, chosen: Settings) -> None:
    """All of it at once, and again; and that takes little memory."""
    before = _peak(cleared=True)
    for _ in range(2):
        answers = await asyncio.gather(*(answered(chosen.ingress.port, sent) for sent in CORPUS.values()))
        for name, answer in zip(CORPUS, answers, strict=True):
            assert all(400 <= status < 500 or status == 100 for status in statuses(answer)), (name, answer[:500])
        assert await caller.post(MESSAGES, [("Body", "Hi")]) == 200
    assert _peak() - before < MOST_GROWTH


def _peak(cleared: bool = False) -> int:
    """The most memory, in KiB, that this process had since it was last cleared."""
    if cleared:
        Path("/proc/self/clear_refs").write_text("5", encoding="ascii")
    status = Path("/proc/self/status").read_text(encoding="ascii")
    return next(int(line.split()[1]) for line in status.splitlines() if line.startswith("VmHWM:"))


async def test_a_slow_body_is_not_waited_for(caller: Caller, chosen: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(app, "READ_S", 0.2)
    assert await answered(chosen.ingress.port, malformed.FORM + b"Content-Length: 10\r\n\r\na=", 20) != b""
    slow = await answered(chosen.ingress.port, malformed.FORM + b"Transfer-Encoding: chunked\r\n\r\n3\r\na=", 20)
    assert statuses(slow) == [408]
    assert await caller.post(MESSAGES, [("Body", "Hi")]) == 200


def test_a_body_is_waited_for_less_long_than_twilio_waits() -> None:
    assert app.READ_S + 3 < 15


@pytest.mark.parametrize("sent", [b"", b"GET", b"GET / HTTP/1.1\r\nA: b\r\n"])
async def test_headers_that_never_end_are_not_waited_for(
    chosen: Settings, monkeypatch: pytest.MonkeyPatch, sent: bytes
) -> None:
    monkeypatch.setitem(http.CONNECTION, "keepalive_timeout", 0.2)
    async with running(chosen) as caller:
        reader, writer = await asyncio.open_connection("127.0.0.1", chosen.ingress.port)
        writer.write(sent)
        async with asyncio.timeout(20):
            assert await reader.read() == b""
        writer.close()
        assert await caller.post(MESSAGES, [("Body", "Hi")]) == 200


async def test_idle_connections_keep_nobody_out(
    caller: Caller, chosen: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Beyond the most, the one that has been idle the longest is closed."""
    monkeypatch.setattr(http, "MAX_CONNECTIONS", 5)
    held = [await asyncio.open_connection("127.0.0.1", chosen.ingress.port) for _ in range(20)]

    async def closed() -> bool:
        return sum([await _is_closed(reader) for reader, _ in held]) >= 15

    await eventually(closed, what="the older ones are closed")
    assert await caller.post(MESSAGES, [("Body", "Hi")]) == 200
    assert statuses(await answered(chosen.ingress.port, b"GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n")) == [200]
    for _, writer in held:
        writer.close()


async def test_busy_connections_are_not_closed_for_others(
    caller: Caller, chosen: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    handlers: list[lane._Connection] = []
    made = lane._Connection.connection_made

    def connection_made(self: lane._Connection, transport: asyncio.BaseTransport) -> None:
        made(self, transport)
        handlers.append(self)

    monkeypatch.setattr(lane._Connection, "connection_made", connection_made)
    monkeypatch.setattr(http, "MAX_CONNECTIONS", 5)
    head = b"POST /twilio/acme/messages HTTP/1.1\r\nHost: x\r\nX-Twilio-Signature: x\r\nContent-Length: 9\r\n\r\n"
    busy = [await asyncio.open_connection("127.0.0.1", chosen.ingress.port) for _ in range(5)]
    for _, writer in busy:
        # It is being read: its body has yet to come.
        writer.write(head)
        await writer.drain()
    await eventually(lambda: len(handlers) == 5 and not any(map(http._is_idle, handlers)), what="all are being read")
    reader, _ = await asyncio.open_connection("127.0.0.1", chosen.ingress.port)

    async def refused() -> bool:
        return await _is_closed(reader)

    await eventually(refused, what="the newcomer is closed")
    assert not any([await _is_closed(one) for one, _ in busy])
    for _, writer in busy:
        writer.write(b"Body=Hi!!")
    assert [statuses(await one.readuntil(b"\r\n\r\n")) for one, _ in busy] == [[415]] * 5
    for _, writer in busy:
        writer.close()


async def _is_closed(reader: asyncio.StreamReader) -> bool:
    return reader.at_eof() or reader.exception() is not None


async def test_what_strangers_write_is_logged_seldom(
    caller: Caller, chosen: Settings, caplog: pytest.LogCaptureFixture
) -> None:
    before = http.MALFORMED._value.get()
    for _ in range(50):
        await answered(chosen.ingress.port, CORPUS["a header without a colon"])
    assert http.MALFORMED._value.get() == before + 50
    assert len([one for one in caplog.records if one.name == "aiohttp.server"]) < 25
