import asyncio

import aiohttp
import pytest
from aiohttp import web

from services.runtime import http
from services.runtime.http import PortTaken, operations, operations_by_path, serve


async def get(url: str) -> tuple[int, str, str]:
    async with aiohttp.ClientSession() as session, session.get(url) as response:
        return response.status, await response.text(), response.headers["Content-Type"]


async def test_operations() -> None:
    reasons: list[str] = []
    app = web.Application()
    app.add_routes(operations(lambda: reasons, lambda: {"spool_bytes": 7}))
    server = await serve(app, "127.0.0.1", 0)
    assert await get(f"{server.url}/healthz") == (200, '{"status": "ok"}', "application/json; charset=utf-8")
    status, text, _ = await get(f"{server.url}/readyz")
    assert (status, text) == (200, '{"status": "ready", "reasons": [], "spool_bytes": 7}')
    reasons.append("restoring tables")
    status, text, _ = await get(f"{server.url}/readyz")
    assert (status, text) == (503, '{"status": "unready", "reasons": ["restoring tables"], "spool_bytes": 7}')
    status, text, kind = await get(f"{server.url}/metrics")
    assert status == 200
    assert kind.startswith("text/plain; version=")
    assert "process_cpu_seconds_total" in text
    await server.close()


async def test_a_server_without_a_router() -> None:
    handlers = operations_by_path(list)

    async def handle(request: web.BaseRequest) -> web.Response:
        return await handlers[request.path](request)

    server = await serve(web.Server(handle), "127.0.0.1", 0)
    assert (await get(f"{server.url}/healthz"))[0] == 200
    await server.close()


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
    monkeypatch.setattr(http._Malformed, "at", float("-inf"))
    server = await serve(web.Server(operations_by_path(list)["/healthz"]), "127.0.0.1", 0)
    reader, writer = await asyncio.open_connection("127.0.0.1", server.port)
    writer.write(b"GET /healthz HTTP/1.1\r\nHost: x\r\n" + b"secret" * 3000 + b"\r\n\r\n")
    assert (await reader.read()).startswith(b"HTTP/1.0 400 ")
    writer.close()
    await server.close()
    (record,) = [record for record in caplog.records if record.name == "aiohttp.server"]
    assert record.getMessage().startswith("malformed HTTP is answered with 400: ")
    assert "secret" not in caplog.text
    assert "Traceback" not in caplog.text
