"""Malformed HTTP to an ingress: refused or closed, never a 500; a good request is answered afterwards."""

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
import pytest_asyncio

from services.ingress import app
from services.runtime import connections, room
from services.runtime.config import Settings
from tests.fuzz import malformed
from tests.fuzz.malformed import answered, corpus, statuses
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
        answers = await asyncio.gather(*(answered(chosen.ingress.port, sent) for sent in corpus().values()))
        for name, answer in zip(corpus(), answers, strict=True):
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
    monkeypatch.setitem(connections.CONNECTION, "keepalive_timeout", 0.2)
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
    monkeypatch.setattr(room, "MAX_CONNECTIONS", 5)
    held = [await asyncio.open_connection("127.0.0.1", chosen.ingress.port) for _ in range(20)]

    async def closed() -> bool:
        return sum([await _is_closed(reader) for reader, _ in held]) >= 15

    await eventually(closed, what="the older ones are closed")
    assert await caller.post(MESSAGES, [("Body", "Hi")]) == 200
    assert statuses(await answered(chosen.ingress.port, b"GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n")) == [404]
    for _, writer in held:
        writer.close()


HALF = malformed.LINE + b"Content-Length: 9\r\n\r\nBody"


@pytest.mark.parametrize("half", [HALF, malformed.FORM, b"POST"], ids=["body", "head", "line"])
async def test_who_sends_slowly_keeps_nobody_out(
    caller: Caller, chosen: Settings, monkeypatch: pytest.MonkeyPatch, half: bytes
) -> None:
    """What is half sent is idle: the oldest goes first, whatever trickles in. Valid webhooks are answered meanwhile."""
    monkeypatch.setattr(room, "MAX_CONNECTIONS", 5)
    # A connection that has brought a webhook is kept before all others.
    assert await caller.post(MESSAGES, [("Body", "Hi")]) == 200
    held = [await asyncio.open_connection("127.0.0.1", chosen.ingress.port) for _ in range(20)]
    for _, writer in held:
        writer.write(half)
    for _ in range(10):
        for reader, writer in held:
            if not reader.at_eof() and reader.exception() is None:
                writer.write(b"A")
        assert await caller.post(MESSAGES, [("Body", "Hi")]) == 200
    # The first to come are the first to go.
    open_still = [index for index, (reader, _) in enumerate(held) if not await _is_closed(reader)]
    assert len(open_still) <= 5
    assert all(index >= 15 for index in open_still)
    for _, writer in held:
        writer.close()


@pytest.mark.parametrize("half", [HALF, malformed.FORM], ids=["body", "head"])
async def test_half_a_request_is_waited_for_the_less_the_fuller_it_is(
    caller: Caller, chosen: Settings, monkeypatch: pytest.MonkeyPatch, half: bytes
) -> None:
    monkeypatch.setattr(room, "MAX_CONNECTIONS", 3)
    monkeypatch.setattr(room, "LEAST_PATIENCE_S", 0.1)
    slow = [await asyncio.open_connection("127.0.0.1", chosen.ingress.port) for _ in range(2)]
    for _, writer in slow:
        writer.write(half)
    # With one of Twilio's they are all: the slow ones go although nobody else comes.
    assert await caller.post(MESSAGES, [("Body", "Hi")]) == 200
    for reader, writer in slow:
        async with asyncio.timeout(10):
            assert await _ends(reader)
        writer.close()
    assert await caller.post(MESSAGES, [("Body", "Hi")]) == 200


def test_patience_falls_with_the_room() -> None:
    waits = [room.patience_s(fullness) for fullness in (0.0, 0.5, 0.75, 1.0, 1.5)]
    assert waits == [12.0, 12.0, 6.5, 1.0, 1.0]
    assert waits[0] > app.READ_S


async def test_one_address_has_its_bound(tmp_path: Path) -> None:
    chosen = settings(tmp_path, connections_per_address=3)
    async with running(chosen) as caller:
        held = [await asyncio.open_connection("127.0.0.1", chosen.ingress.port) for _ in range(10)]

        async def closed() -> bool:
            return sum([await _is_closed(reader) for reader, _ in held]) >= 7

        await eventually(closed, what="the older ones are closed")
        assert await caller.post(MESSAGES, [("Body", "Hi")]) == 200
        for _, writer in held:
            writer.close()


@pytest.mark.parametrize("ending", [b"", b"\r\n"], ids=["half sent", "whole"])
async def test_a_head_is_bounded_as_a_whole(caller: Caller, chosen: Settings, ending: bytes) -> None:
    lines = b"".join(b"A%d: %s\r\n" % (number, b"x" * 8000) for number in range(5))
    sent = malformed.FORM + lines + ending
    assert len(sent) > connections.MOST_HEAD
    # Who still sends may be told by a reset.
    assert statuses(await answered(chosen.ingress.port, sent)) in ([431], [])
    # In pieces too.
    reader, writer = await asyncio.open_connection("127.0.0.1", chosen.ingress.port)
    for at in range(0, len(sent), 3000):
        writer.write(sent[at : at + 3000])
        await asyncio.sleep(0)
    assert await _ends(reader)
    writer.close()
    assert await caller.post(MESSAGES, [("Body", "Hi")]) == 200


async def test_a_request_of_thousands_of_chunks_ends(caller: Caller, chosen: Settings) -> None:
    head = malformed.FORM + b"Transfer-Encoding: chunked\r\n\r\n"
    assert statuses(await answered(chosen.ingress.port, head + b"1\r\na\r\n" * 2000)) in ([431], [])
    # Few of them are nobody's fault, and each request has its own.
    few = head + b"1\r\na\r\n" * 200 + b"0\r\n\r\n"
    assert statuses(await answered(chosen.ingress.port, few)) == [403]
    assert await caller.post(MESSAGES, [("Body", "Hi")]) == 200


async def test_a_request_in_crumbs_ends(caller: Caller, chosen: Settings) -> None:
    """Each read costs, however little it brings: who sends single bytes is not read to the end."""
    reader, writer = await asyncio.open_connection("127.0.0.1", chosen.ingress.port)
    writer.write(malformed.FORM + b"Content-Length: 60000\r\n\r\n")
    sent = 0
    while sent < 60_000 and not (reader.at_eof() or writer.is_closing()):
        writer.write(b"a")
        sent += 1
        await asyncio.sleep(0)
    assert sent < 60_000
    writer.close()
    # Pieces as a network makes them are nobody's fault.
    reader, writer = await asyncio.open_connection("127.0.0.1", chosen.ingress.port)
    large = malformed.sized(malformed.FORM, b"a" * 60_000)
    for at in range(0, len(large), 1000):
        writer.write(large[at : at + 1000])
        await asyncio.sleep(0)
    assert b" 403 " in await asyncio.wait_for(reader.readuntil(b"\r\n\r\n"), 20)
    writer.close()
    assert await caller.post(MESSAGES, [("Body", "Hi")]) == 200


async def test_what_waits_on_one_connection_is_bounded(caller: Caller, chosen: Settings) -> None:
    """Who sends one request after another without waiting holds little memory by it."""
    large = malformed.sized(malformed.FORM, b"a" * 60_000)
    reader, writer = await asyncio.open_connection("127.0.0.1", chosen.ingress.port)
    writer.write(large * 30)
    assert await _ends(reader)
    writer.close()
    # Some small ones are nobody's fault.
    small = malformed.sized(malformed.FORM, b"a=b")
    reader, writer = await asyncio.open_connection("127.0.0.1", chosen.ingress.port)
    writer.write(small * 10)
    for _ in range(10):
        head = await asyncio.wait_for(reader.readuntil(b"\r\n\r\n"), 20)
        assert b" 403 " in head
        await reader.readexactly(int(head.lower().partition(b"content-length:")[2].split()[0]))
    writer.close()
    assert await caller.post(MESSAGES, [("Body", "Hi")]) == 200


async def test_a_client_that_goes_away_is_counted(
    caller: Caller, chosen: Settings, caplog: pytest.LogCaptureFixture
) -> None:
    before = connections.GONE._value.get()
    chunk = malformed.FORM + b"Transfer-Encoding: chunked\r\n\r\n3\r\na="
    for sent in (HALF, malformed.FORM + b"Content-Length: 9\r\n\r\nBody", chunk, b"GET /healthz HTTP/1.1\r\n"):
        for end in ("abort", "close", "write_eof"):
            _, writer = await asyncio.open_connection("127.0.0.1", chosen.ingress.port)
            writer.write(sent)
            await writer.drain()
            await caller.ready()
            getattr(writer.transport, end)()
            writer.close()

    async def counted() -> bool:
        return connections.GONE._value.get() > before

    await eventually(counted, what="they are counted")
    assert await caller.post(MESSAGES, [("Body", "Hi")]) == 200
    assert [record for record in caplog.records if record.exc_info or record.name == "aiohttp.server"] == []


async def test_nothing_that_was_received_is_repeated(chosen: Settings, caller: Caller) -> None:
    for sent in (b"G\x1b[31mSECRET / HTTP/1.1\r\n\r\n", b"GET / HTTP/1.1\r\nSECRET\r\n\r\n", b"SECRET\r\n\r\n"):
        answer = await answered(chosen.ingress.port, sent)
        assert statuses(answer) == [400]
        assert b"SECRET" not in answer


async def _ends(reader: asyncio.StreamReader) -> bool:
    try:
        return await reader.read() is not None
    except ConnectionError:
        return True


async def _is_closed(reader: asyncio.StreamReader) -> bool:
    return reader.at_eof() or reader.exception() is not None


async def test_what_strangers_write_is_logged_seldom(
    caller: Caller, chosen: Settings, caplog: pytest.LogCaptureFixture
) -> None:
    before = connections.MALFORMED._value.get()
    for _ in range(50):
        await answered(chosen.ingress.port, corpus()["a header without a colon"])
    assert connections.MALFORMED._value.get() == before + 50
    assert len([one for one in caplog.records if one.name == "aiohttp.server"]) < 25
