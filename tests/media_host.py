"""A host of media over TLS, for tests: what it serves, and how it misbehaves."""

import asyncio
import shutil
import socket
import ssl
import subprocess
from collections import Counter
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import NamedTuple

import pytest
from aiohttp import web

from services.runtime.strangers import Where

NAME = "cdn.example.com"
PHOTO = b"\xff\xd8\xff\xe0" + b"p" * 996


class Certificate(NamedTuple):
    certificate: Path
    key: Path

    def believed(self) -> ssl.SSLContext:
        return ssl.create_default_context(cafile=str(self.certificate))


def certificate(folder: Path) -> Certificate:
    """For NAME and names beside it."""
    if shutil.which("openssl") is None:
        pytest.skip("no openssl on this machine; Debian's package of this name has it")
    made = Certificate(folder / "media-cert.pem", folder / "media-key.pem")
    key = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-keyout", str(made.key)]
    names = ["-subj", f"/CN={NAME}", "-addext", f"subjectAltName=DNS:{NAME},DNS:*.example.com"]
    command = ["openssl", "req", "-x509", *key, "-out", str(made.certificate), *names]
    subprocess.run(command, check=True, capture_output=True, timeout=30)
    return made


class MediaHost:
    """`asked`: (method, path) of each request. `under_way`, `most`: requests at once, now and ever."""

    def __init__(self) -> None:
        self.asked: Counter[tuple[str, str]] = Counter()
        self.headers: list[dict[str, str]] = []
        self.port = 0
        self.held = asyncio.Event()
        self.failing = True
        self.under_way = self.most = 0

    def url(self, path: str, host: str = NAME) -> str:
        return f"https://{host}:{self.port}{path}"

    async def handle(self, request: web.Request) -> web.StreamResponse:
        self.asked[request.method, request.path] += 1
        self.headers.append(dict(request.headers))
        self.under_way += 1
        self.most = max(self.most, self.under_way)
        try:
            return await self._answer(request)
        finally:
            self.under_way -= 1

    async def _answer(self, request: web.Request) -> web.StreamResponse:
        head = request.method == "HEAD"
        match request.path:
            case "/head-alone.jpg":
                return web.Response(status=200 if head else 403, body=PHOTO, content_type="image/jpeg")
            case "/get-alone.jpg" if head:
                return web.Response(status=403)
            case "/untyped":
                return web.Response(body=PHOTO, headers={"Content-Type": ""})
            case "/octets.jpg":
                return web.Response(body=PHOTO, content_type="application/octet-stream")
            case "/page.jpg":
                return web.Response(text="<html>not here</html>", content_type="text/html")
            case "/missing.jpg":
                return web.Response(status=404)
            case "/failing.jpg" if self.failing:
                return web.Response(status=503)
            case "/big.jpg":
                size = 6 << 20
                return web.Response(
                    status=206, body=b"\xff", content_type="image/jpeg", headers={"Content-Range": f"bytes 0-0/{size}"}
                )
            case "/held.jpg":
                await self.held.wait()
            case "/chunked.jpg" if not head:
                stream = web.StreamResponse(headers={"Content-Type": "image/jpeg"})
                stream.enable_chunked_encoding()
                await stream.prepare(request)
                await stream.write(PHOTO)
                return stream
            case "/to":
                return web.Response(status=302, headers={"Location": request.query["url"]})
            case "/round":
                return web.Response(status=302, headers={"Location": "/round"})
        return web.Response(body=PHOTO, content_type="image/jpeg")


async def _drip(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """A byte now and then, and never a whole line."""
    try:
        writer.write(b"HTTP/1.1 200 OK\r\nX-Slow: ")
        while True:
            writer.write(b"a")
            await writer.drain()
            await asyncio.sleep(0.05)
    except (ConnectionError, asyncio.CancelledError):
        writer.close()


@asynccontextmanager
async def serving(by: Certificate) -> AsyncIterator[MediaHost]:
    host, context = MediaHost(), ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    context.load_cert_chain(by.certificate, by.key)
    app = web.Application()
    app.router.add_route("*", "/{path:.*}", host.handle)
    runner = web.AppRunner(app, access_log=None, shutdown_timeout=0.1)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0, ssl_context=context).start()
    host.port = runner.addresses[0][1]
    try:
        yield host
    finally:
        await runner.cleanup()


@asynccontextmanager
async def dripping(by: Certificate) -> AsyncIterator[int]:
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    context.load_cert_chain(by.certificate, by.key)
    server = await asyncio.start_server(_drip, "127.0.0.1", 0, ssl=context)
    try:
        yield server.sockets[0].getsockname()[1]
    finally:
        server.close()


def here(*also: str) -> Where:
    """Every name is this machine, and that counts as public; so do addresses named."""
    return Where(
        lookup=lambda _, __: [(socket.AF_INET, "127.0.0.1")], permitted=lambda one: one in ("127.0.0.1", *also)
    )


def dns(*answers: str) -> Callable[[str, int], list[tuple[int, str]]]:
    """Each time it is asked, the next of these; the last for ever."""
    left = list(answers)

    def lookup(_: str, __: int) -> list[tuple[int, str]]:
        address = left.pop(0) if len(left) > 1 else left[0]
        return [(socket.AF_INET6 if ":" in address else socket.AF_INET, address)]

    return lookup
