"""A POST the short way says what aiohttp's own would say, and understands every answer that has a form of HTTP."""

import asyncio
import gzip
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager

import aiohttp
import pytest

from services.runtime.line import Line
from services.runtime.posting import Answer, Posting

HEADERS = {"User-Agent": "ours", "Content-Type": "application/x-www-form-urlencoded", "Authorization": "Basic eA=="}
OK = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"


class Host:
    """Answers each request on a connection by the next of `answers`; None: it hangs up."""

    def __init__(self, answers: Sequence[bytes | None]) -> None:
        self._answers = iter(answers)
        self.url = ""
        self.requests: list[bytes] = []
        self.connections = 0
        self.writers: list[asyncio.StreamWriter] = []
        self.ended = asyncio.Event()

    async def handle(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.connections += 1
        self.writers.append(writer)
        while head := await _head(reader):
            length = next(line for line in head.split(b"\r\n") if line.lower().startswith(b"content-length"))
            self.requests.append(head + await reader.readexactly(int(length.partition(b":")[2])))
            written = next(self._answers, None)
            if written is None:
                break
            writer.write(written)
            if b"close" in written:
                break
        writer.close()
        self.ended.set()


async def _head(reader: asyncio.StreamReader) -> bytes:
    try:
        return await reader.readuntil(b"\r\n\r\n")
    except (asyncio.IncompleteReadError, OSError):
        return b""


@asynccontextmanager
async def host(*answers: bytes | None) -> AsyncIterator[tuple[Host, Line, Posting]]:
    one = Host(answers)
    listening = await asyncio.start_server(one.handle, "127.0.0.1", 0)
    one.url = f"http://127.0.0.1:{listening.sockets[0].getsockname()[1]}"
    line = Line(5.0, 10)
    async with listening:
        yield one, line, Posting(line.session, one.url, HEADERS)
        await line.close()


async def test_it_says_what_aiohttps_own_request_says() -> None:
    async with host(OK, OK) as (one, line, posting):
        await posting.post("/2010/A b/ü.json?x=1", b"a=1&b=2")
        async with line.session.post(f"{one.url}/2010/A b/ü.json?x=1", data=b"a=1&b=2", headers=HEADERS) as answer:
            assert await answer.read() == b"ok"
    ours, theirs = one.requests
    assert ours.split(b"\r\n")[0] == theirs.split(b"\r\n")[0]
    assert sorted(ours.split(b"\r\n")) == sorted(theirs.split(b"\r\n"))


def _chunked(body: bytes) -> bytes:
    return b"%x\r\n%s\r\n0\r\n\r\n" % (len(body), body)


PACKED = gzip.compress(b"ok", mtime=0)


@pytest.mark.parametrize(
    "written",
    [
        OK,
        b"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\n" + OK,
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n" + _chunked(b"ok"),
        b"HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nContent-Length: %d\r\n\r\n" % len(PACKED) + PACKED,
        b"HTTP/1.1 200 OK\r\nConnection: close\r\n\r\nok",
        b"HTTP/1.0 200 OK\r\nConnection: close\r\n\r\nok",
    ],
)
async def test_an_answer_is_read_in_whatever_form_it_comes(written: bytes) -> None:
    async with host(written) as (_, _, posting):
        answer = await posting.post("/", b"")
    assert (answer.status, answer.body) == (200, b"ok")


async def test_a_connection_is_kept_for_the_next_and_headers_are_read_in_any_case() -> None:
    late = b"HTTP/1.1 429 x\r\nretry-AFTER: 7\r\nContent-Length: 0\r\n\r\n"
    async with host(OK, late, OK) as (one, _, posting):
        answers = [await posting.post("/", b"") for _ in range(3)]
    assert [one.status for one in answers] == [200, 429, 200]
    assert answers[1].headers.get("Retry-After") == "7"
    assert one.connections == 1


async def test_one_that_was_hung_up_is_not_used_again_and_nothing_is_posted_twice() -> None:
    async with host(OK, None, OK) as (one, _, posting):
        await posting.post("/", b"first")
        with pytest.raises(aiohttp.ClientError):
            await posting.post("/", b"second")
        assert (await posting.post("/", b"third")).body == b"ok"
    assert [request.rpartition(b"\r\n")[2] for request in one.requests] == [b"first", b"second", b"third"]
    assert one.connections == 2


UNASKED = b"HTTP/1.1 400 Bad Request\r\nContent-Length: 0\r\n\r\n"


@pytest.mark.parametrize("short_way", [True, False])
async def test_what_comes_on_a_connection_that_rests_is_no_answer_to_the_next_call(short_way: bool) -> None:
    """A balancer that gives a resting connection up may say so: who takes that for a refusal sends the message again,
    and the first was taken all the same."""
    async with host(OK, OK, OK) as (one, line, posting):
        await posting.post("/", b"first")
        one.writers[0].write(UNASKED)
        [resting] = [kept for kept, _ in next(iter(line.session.connector._conns.values()))]
        await _until(lambda: resting.should_close)
        if short_way:
            answered = (await posting.post("/", b"second")).status
        else:
            async with line.session.post(one.url, data=b"second") as answer:
                answered = answer.status
    assert answered == 200
    assert [request.rpartition(b"\r\n")[2] for request in one.requests] == [b"first", b"second"]
    assert one.connections == 2


async def test_one_whose_caller_went_away_is_closed_and_its_answer_is_no_others() -> None:
    async with host(b"", OK) as (one, _, posting):
        gone = asyncio.create_task(posting.post("/", b"gone"))
        await _until(lambda: one.requests)
        gone.cancel()
        await asyncio.gather(gone, return_exceptions=True)
        async with asyncio.timeout(5):
            await one.ended.wait()
        assert (await posting.post("/", b"next")).body == b"ok"
    assert one.connections == 2


async def test_a_closed_line_calls_nobody() -> None:
    async with host(OK) as (one, line, posting):
        await line.close()
        with pytest.raises(aiohttp.ClientConnectionError):
            await posting.post("/", b"")
    assert not one.requests


async def test_many_at_once_each_have_their_own_answer() -> None:
    def numbered(number: int) -> bytes:
        return b"HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\n%03d" % number

    async with host(*map(numbered, range(50))) as (one, _, posting):
        answers: list[Answer] = await asyncio.gather(*(posting.post("/", b"") for _ in range(50)))
    assert sorted(answer.body for answer in answers) == [b"%03d" % number for number in range(50)]
    assert one.connections <= 10


async def _until(condition: Callable[[], object]) -> None:
    async with asyncio.timeout(5):
        while not condition():  # noqa: ASYNC110 - it is on the other side of a socket
            await asyncio.sleep(0.005)
