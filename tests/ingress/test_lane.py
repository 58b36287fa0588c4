"""The short way answers as aiohttp's own way does, and keeps what a connection promises: order, limits, a good end.

Kafka is away: every 2xx is a line in the spool. A request in one piece goes the short way; the same one in two pieces,
or with another before it, goes aiohttp's.
"""

import asyncio
import re
import socket
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
import pytest_asyncio

from services.ingress import lane, turns
from services.ingress.answer import Answer
from services.ingress.main import run
from services.runtime import room
from services.runtime.config import Settings
from services.runtime.tenants.live import Tenants
from tests.ingress.rig import FORM, PUBLIC, running, settings
from tests.ingress.signing import ACCOUNT, FORGED, Pairs, form, sign
from tests.waiting import eventually

STATUS = "/twilio/acme/status"
MESSAGES = "/twilio/acme/messages"
PAIRS: Pairs = [("AccountSid", ACCOUNT), ("MessageSid", "SM1"), ("Body", "help")]


def request(target: str, version: str = "1.1", signature: str | None = None, **more: str) -> bytes:
    """A signed form; `more` are headers."""
    body = form(PAIRS)
    fixed = {
        "Host": "x",
        "Content-Type": FORM,
        "Content-Length": str(len(body)),
        "X-Twilio-Signature": signature or sign(PUBLIC + target, PAIRS),
    }
    named = fixed | {name.replace("_", "-"): value for name, value in more.items()}
    head = "".join(f"{name}: {value}\r\n" for name, value in named.items())
    return f"POST {target} HTTP/{version}\r\n{head}\r\n".encode() + body


class Line:
    """A connection, read answer by answer."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._reader, self.writer = reader, writer

    async def answer(self) -> tuple[str, dict[str, str], bytes]:
        """Status line, headers but the date, body."""
        async with asyncio.timeout(20):
            head = (await self._reader.readuntil(b"\r\n\r\n")).decode()
            first, *lines = head.strip().split("\r\n")
            headers = dict(line.split(": ", 1) for line in lines)
            assert re.fullmatch(r"\w{3}, \d\d \w{3} \d{4} \d\d:\d\d:\d\d GMT", headers.pop("Date"))
            body = await self._reader.readexactly(int(headers.get("Content-Length", 0)))
        return first, headers, body

    async def status(self) -> int:
        return int((await self.answer())[0].split()[1])

    async def ended(self) -> bool:
        async with asyncio.timeout(20):
            return await self._reader.read() == b""


async def line(chosen: Settings) -> Line:
    return Line(*await asyncio.open_connection("127.0.0.1", chosen.ingress.port))


@pytest_asyncio.fixture
async def chosen(tmp_path: Path) -> AsyncIterator[Settings]:
    found = settings(tmp_path, max_body_bytes=2000)
    async with running(found):
        yield found


@pytest.fixture
def taken(monkeypatch: pytest.MonkeyPatch) -> list[bool]:
    """Whether each message that was looked at went the short way."""
    seen: list[bool] = []
    take = lane._Connection._take

    def noting(self: lane._Connection, waiter: "asyncio.Future[None]") -> bool:
        seen.append(take(self, waiter))
        return seen[-1]

    monkeypatch.setattr(lane._Connection, "_take", noting)
    return seen


@pytest.mark.parametrize(
    "sent",
    [
        request(STATUS),
        request(MESSAGES),
        request(STATUS, signature=FORGED),
        request("/twilio/nobody/status"),
        request("/twilio/acme/calls"),
        request(STATUS, Content_Type="text/plain"),
    ],
)
async def test_both_ways_answer_alike(chosen: Settings, taken: list[bool], sent: bytes) -> None:
    connection = await line(chosen)
    connection.writer.write(sent)
    short = await connection.answer()
    connection.writer.write(sent[:-5])
    await eventually_seen(taken, 2)
    connection.writer.write(sent[-5:])
    assert await connection.answer() == short
    assert taken == [True, False]
    connection.writer.close()


async def eventually_seen(taken: list[bool], count: int) -> None:
    async def seen() -> bool:
        return len(taken) >= count

    await eventually(seen, what="ingress has read it")


@pytest.mark.parametrize(
    ("sent", "status"),
    [
        (request(STATUS, version="1.0"), 204),
        (request(STATUS, Connection="close"), 204),
        (b"GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n", 404),
        (b"POST /healthz HTTP/1.1\r\nHost: x\r\nContent-Length: 0\r\n\r\n", 404),
        (request(STATUS).replace(form(PAIRS), b"a" * 2001).replace(str(len(form(PAIRS))).encode(), b"2001"), 413),
        (request(STATUS, Content_Encoding="gzip"), 415),
        (b"no HTTP at all\r\n\r\n", 400),
    ],
)
async def test_what_is_not_plain_goes_aiohttps_way(
    chosen: Settings, taken: list[bool], sent: bytes, status: int
) -> None:
    connection = await line(chosen)
    connection.writer.write(sent)
    assert await connection.status() == status
    assert taken == [False]
    connection.writer.close()


async def test_chunks_and_a_body_that_was_announced_first(chosen: Settings) -> None:
    body = form(PAIRS)
    length = f"Content-Length: {len(body)}".encode()
    chunked = request(STATUS).replace(length, b"Transfer-Encoding: chunked")
    connection = await line(chosen)
    connection.writer.write(chunked.removesuffix(body) + b"%x\r\n%b\r\n0\r\n\r\n" % (len(body), body))
    assert await connection.status() == 204
    connection.writer.write(request(STATUS, Expect="100-continue").removesuffix(body))
    connection.writer.write(body)
    assert await connection.status() == 204
    connection.writer.close()


async def test_pipelined_requests_are_answered_in_order(chosen: Settings, taken: list[bool]) -> None:
    connection = await line(chosen)
    # The first goes the short way; while it waits for the spool, more come: by one write each, and by one for all.
    connection.writer.write(request(STATUS))
    await eventually_seen(taken, 1)
    connection.writer.write(request(MESSAGES) + request(STATUS, signature=FORGED) + request(STATUS))
    assert [await connection.status() for _ in range(4)] == [204, 200, 403, 204]
    connection.writer.write(request(MESSAGES))
    assert await connection.status() == 200
    connection.writer.close()


async def test_what_is_pipelined_waits_for_the_answer_before_it(tmp_path: Path, held: "asyncio.Event") -> None:
    chosen = settings(tmp_path)
    async with running(chosen):
        connection = await line(chosen)
        connection.writer.write(request(STATUS))
        await held.wait()
        connection.writer.write(b"GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n")
        assert [await connection.status() for _ in range(2)] == [204, 404]
        connection.writer.close()


async def test_a_shutdown_lets_a_request_finish_and_then_closes(tmp_path: Path, held: "asyncio.Event") -> None:
    chosen, stop = settings(tmp_path), asyncio.Event()
    async with running(settings(tmp_path / "other")):
        task = asyncio.create_task(run(chosen, Tenants(chosen.tenants), stop))

        async def listens() -> bool:
            try:
                (await line(chosen)).writer.close()
            except ConnectionRefusedError:
                return False
            return True

        await eventually(listens, what="ingress listens")
        connection = await line(chosen)
        connection.writer.write(request(STATUS))
        await held.wait()
        stop.set()
        assert await connection.status() == 204
        assert await connection.ended()
        await task


async def test_a_client_that_goes_before_its_answer_is_forgotten(tmp_path: Path, held: "asyncio.Event") -> None:
    chosen = settings(tmp_path)
    async with running(chosen) as caller:
        connection = await line(chosen)
        connection.writer.write(request(STATUS))
        await held.wait()
        connection.writer.transport.abort()
        assert await caller.post(STATUS, PAIRS) == 204


@pytest.fixture
def held(monkeypatch: pytest.MonkeyPatch) -> "asyncio.Event":
    """Set once a request is on the short way, whose answer then is half a second late."""
    begun = asyncio.Event()
    answer = lane._Connection._answer

    def late(self: lane._Connection, given: Answer) -> None:
        begun.set()
        asyncio.get_running_loop().call_later(0.5, answer, self, given)

    monkeypatch.setattr(lane._Connection, "_answer", late)
    return begun


async def test_who_never_reads_its_answers_is_not_answered_without_bound(tmp_path: Path) -> None:
    held: list[asyncio.Transport] = []
    made = lane._Connection.connection_made

    def connection_made(self: lane._Connection, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        held.append(transport)
        # Else the kernel would hold megabytes of answers for us.
        transport.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, 4096)
        made(self, transport)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(lane._Connection, "connection_made", connection_made)
        # Else most would be pipelined, while the refusals rest.
        patch.setattr(turns, "REST_S", 0.0)
        chosen = settings(tmp_path)
        async with running(chosen):
            with socket.socket() as client:
                client.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
                client.connect(("127.0.0.1", chosen.ingress.port))
                client.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
                client.setblocking(False)
                await _send_alone(client, request(STATUS, signature=FORGED), 5000)
                assert held[-1].get_write_buffer_size() < 256 * 1024


async def _send_alone(client: socket.socket, each: bytes, times: int) -> None:
    """Send requests one by one, so that none is pipelined, for as long as they are taken."""
    loop = asyncio.get_running_loop()
    for _ in range(times):
        try:
            async with asyncio.timeout(1):
                await loop.sock_sendall(client, each)
        except TimeoutError:
            return
        for _turn in range(6):
            await asyncio.sleep(0)


async def test_a_request_on_the_short_way_makes_no_room_for_others(
    tmp_path: Path, held: "asyncio.Event", monkeypatch: pytest.MonkeyPatch
) -> None:
    chosen = settings(tmp_path)
    async with running(chosen):
        monkeypatch.setattr(room, "MAX_CONNECTIONS", 1)
        connection = await line(chosen)
        connection.writer.write(request(STATUS))
        await held.wait()
        refused = [await line(chosen) for _ in range(3)]
        assert all([await one.ended() for one in refused])
        assert await connection.status() == 204
        # Idle now: the next one has its place.
        other = await line(chosen)
        other.writer.write(request(STATUS))
        assert await other.status() == 204
        assert await connection.ended()
