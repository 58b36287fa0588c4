import asyncio
import socket
from collections.abc import AsyncIterator

import aiohttp
import pytest
import pytest_asyncio
from aiohttp import web
from prometheus_client import CollectorRegistry, Gauge

from services.runtime import connections, http, room
from services.runtime.http import PortTaken, operations, serve
from services.runtime.room import BoundedServer
from tests.waiting import eventually


async def get(url: str) -> tuple[int, str, str]:
    async with aiohttp.ClientSession() as session, session.get(url) as response:
        return response.status, await response.text(), response.headers["Content-Type"]


async def _fine(_: web.BaseRequest) -> web.Response:
    return web.Response(text="fine")


async def test_operations() -> None:
    reasons: list[str] = []
    degraded: list[str] = []
    server = await serve(operations(lambda: reasons, lambda: {"spool_bytes": 7}, lambda: degraded), "127.0.0.1", 0)
    assert await get(f"{server.url}/healthz") == (200, '{"status": "ok"}', "application/json; charset=utf-8")
    status, text, _ = await get(f"{server.url}/readyz")
    assert (status, text) == (200, '{"status": "ready", "reasons": [], "spool_bytes": 7}')
    reasons.append("restoring tables")
    status, text, _ = await get(f"{server.url}/readyz")
    assert (status, text) == (503, '{"status": "unready", "reasons": ["restoring tables"], "spool_bytes": 7}')
    degraded.append("Twilio cannot call us")
    status, text, _ = await get(f"{server.url}/readyz")
    assert (status, text[:67]) == (503, '{"status": "unready", "reasons": ["restoring tables", "Twilio canno')
    reasons.clear()
    status, text, _ = await get(f"{server.url}/readyz")
    assert (status, text) == (200, '{"status": "degraded", "reasons": ["Twilio cannot call us"], "spool_bytes": 7}')
    status, text, kind = await get(f"{server.url}/metrics")
    assert status == 200
    assert kind.startswith("text/plain; version=")
    assert "process_cpu_seconds_total" in text
    await server.close()


async def test_a_service_exports_its_own_metrics_only() -> None:
    """All services' are loaded in every process: their zeros would say of a sender that it can't reach Kafka."""
    own, others = CollectorRegistry(), CollectorRegistry()
    Gauge("switchboard_mine", "Mine", registry=own)
    Gauge("switchboard_not_mine", "Another's", registry=others)
    server = await serve(operations(lambda: ["starting"], degraded=lambda: ["a", "b"], own=[own]), "127.0.0.1", 0)
    _, text, _ = await get(f"{server.url}/metrics")
    await server.close()
    assert "switchboard_mine 0.0" in text
    assert "switchboard_not_mine" not in text
    assert "switchboard_ready 0.0" in text
    assert "switchboard_degraded 2.0" in text
    assert "_created" not in text


@pytest.mark.parametrize("coding", ["gzip", "deflate", "br", "identity", "x"])
async def test_nothing_is_unpacked_on_any_port(coding: str) -> None:
    """Operations, questions and the simulator are served so."""
    server = await serve(operations(list), "127.0.0.1", 0)
    async with aiohttp.ClientSession() as session:
        packed = session.post(f"{server.url}/healthz", data=b"\x1f\x8b" * 100, headers={"Content-Encoding": coding})
        async with packed as response:
            assert response.status == 415
    await server.close()


async def test_a_server_without_a_router() -> None:
    server = await serve(BoundedServer(_fine, **connections.CONNECTION), "127.0.0.1", 0)
    assert (await get(f"{server.url}/any"))[0] == 200
    await server.close()


class Holding:
    """A server of two connections at most. A request for `/slow` waits until `let_go` is set."""

    def __init__(self) -> None:
        self.let_go = asyncio.Event()
        self.slow = 0
        self.web = BoundedServer(self._handle, **connections.CONNECTION)

    async def _handle(self, request: web.BaseRequest) -> web.Response:
        if request.path == "/slow":
            self.slow += 1
            await self.let_go.wait()
        return web.Response(text="done")

    async def wait_for_slow(self, count: int) -> None:
        async def there() -> bool:
            return self.slow == count

        await eventually(there, 20, "the slow requests are under way")


class Line:
    """A connection, and what is asked on it."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._reader, self.writer = reader, writer

    def ask(self, path: str) -> None:
        self.writer.write(f"GET {path} HTTP/1.1\r\nHost: x\r\n\r\n".encode())

    async def answered(self) -> bool:
        """Whether there is an answer; else the connection was closed."""
        try:
            async with asyncio.timeout(20):
                return (await self._reader.readuntil(b"done")).startswith(b"HTTP/1.1 200 ")
        except (ConnectionError, asyncio.IncompleteReadError):
            return False


async def line(server: http.Server) -> Line:
    return Line(*await asyncio.open_connection("127.0.0.1", server.port))


@pytest_asyncio.fixture
async def holding(monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[tuple[Holding, http.Server]]:
    monkeypatch.setattr(room, "MAX_CONNECTIONS", 2)
    held = Holding()
    server = await serve(held.web, "127.0.0.1", 0)
    yield held, server
    held.let_go.set()
    await server.close()


@pytest.mark.parametrize("begun", [b"", b"GET /healthz HTTP/1.1\r\nHost:"], ids=["silent", "half a request"])
async def test_the_longest_idle_makes_room(holding: tuple[Holding, http.Server], begun: bytes) -> None:
    held, server = holding
    idle = [await line(server) for _ in range(2)]
    for one in idle:
        one.ask("/")
        assert await one.answered()
    # What was opened first was asked on last.
    idle[0].ask("/")
    assert await idle[0].answered()
    for one in reversed(idle):
        # Half a request counts from its first byte.
        one.writer.write(begun)
        await asyncio.sleep(0.01)
    health = await line(server)
    health.ask("/healthz")
    assert await health.answered()
    assert not await idle[1].answered()
    assert len(held.web.connections) == 2
    assert (await get(f"{server.url}/healthz"))[0] == 200
    assert not await idle[0].answered()


async def test_each_of_those_that_come_at_once_is_made_room_for(holding: tuple[Holding, http.Server]) -> None:
    held, server = holding
    idle = [await line(server) for _ in range(2)]
    for one in idle:
        one.ask("/")
        assert await one.answered()
    # Both stand at the door before the loop turns.
    come = [socket.create_connection(("127.0.0.1", server.port)) for _ in range(2)]
    for one in [Line(*await asyncio.open_connection(sock=each)) for each in come]:
        one.ask("/healthz")
        assert await one.answered()
    assert not any([await one.answered() for one in idle])
    assert len(held.web.connections) == 2


async def test_a_request_under_way_makes_no_room(holding: tuple[Holding, http.Server]) -> None:
    held, server = holding
    busy = await line(server)
    busy.ask("/slow")
    await held.wait_for_slow(1)
    for _ in range(5):
        other = await line(server)
        other.ask("/healthz")
        assert await other.answered()
    other.ask("/slow")
    await held.wait_for_slow(2)
    refused = await line(server)
    assert not await refused.answered()
    held.let_go.set()
    assert await busy.answered()
    assert await other.answered()


async def test_a_taken_port_says_which_and_what_to_do() -> None:
    first = await serve(web.Application(), "127.0.0.1", 0)
    with pytest.raises(PortTaken, match=rf"port {first.port} on 127\.0\.0\.1 .* set ingress\.port"):
        await serve(web.Application(), "127.0.0.1", first.port, "ingress.port")
    await first.close()
    again = await serve(web.Application(), "127.0.0.1", first.port)
    assert again.port == first.port
    await again.close()


async def test_what_is_no_http_is_one_line_without_its_bytes(
    caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    # One line a second, and a test before this one may have had it.
    monkeypatch.setattr(connections._Malformed, "at", float("-inf"))
    server = await serve(BoundedServer(_fine), "127.0.0.1", 0)
    reader, writer = await asyncio.open_connection("127.0.0.1", server.port)
    writer.write(b"GET /healthz HTTP/1.1\r\nHost: x\r\n" + b"secret" * 3000 + b"\r\n\r\n")
    assert (await reader.read()).startswith(b"HTTP/1.0 400 ")
    writer.close()
    await server.close()
    (record,) = [record for record in caplog.records if record.name == "aiohttp.server"]
    assert record.getMessage().startswith("malformed HTTP is answered with 400: ")
    assert "secret" not in caplog.text
    assert "Traceback" not in caplog.text
