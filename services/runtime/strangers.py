"""The way to hosts that a stranger's URL names: to public addresses alone, by names, redirects and DNS alike.

A name is resolved once, each of its addresses is judged, and the connection goes to what was judged: what DNS says a
moment later changes nothing. A redirect is a URL as any other. No credentials, no cookies. Where the environment has a
proxy for the URL, it is the proxy that resolves and connects; then the name is judged as written, and by our own DNS as
far as that knows it.
"""

import asyncio
import socket
import ssl
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import asynccontextmanager
from typing import NamedTuple
from urllib.parse import urljoin, urlsplit

import aiohttp
from aiohttp.abc import AbstractResolver, ResolveResult
from yarl import URL

from services.domain.public_url import is_public, not_public
from services.runtime.line import proxy_of

_MOST_REDIRECTS = 5
_REDIRECTS = frozenset({301, 302, 303, 307, 308})
# Slow DNS must not hold up what else is done in threads.
_LOOKUPS = 8
_CONNECTIONS = 32
# Where a proxy resolves, our own DNS is asked beside it.
_LOOKUP_S = 2.0

# Each address of a name, with its family.
Lookup = Callable[[str, int], Sequence[tuple[int, str]]]


class Barred(Exception):
    """It may not be asked for: words that follow the URL's name."""


def lookup(host: str, port: int) -> Sequence[tuple[int, str]]:
    """By the system's resolver. Raises OSError."""
    found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    return [(family, str(address[0])) for family, _, _, _, address in found]


class Where(NamedTuple):
    """How a name is resolved, to which addresses one may go, and whether in the clear."""

    lookup: Lookup = lookup
    permitted: Callable[[str], bool] = is_public
    http: bool = False


def loopback_too(where: Where) -> Where:
    """The same, and this machine: where Twilio itself is played on it."""
    return where._replace(permitted=lambda address: _is_loopback(address) or where.permitted(address), http=True)


def _is_loopback(address: str) -> bool:
    return address.startswith("127.") or address == "::1"


class Strangers:
    """Connections of one service. `tls`: by what hosts are believed; None: as the system does."""

    def __init__(self, timeout_s: float, where: Where | None = None, tls: ssl.SSLContext | None = None) -> None:
        self._where = where or Where()
        timeout = aiohttp.ClientTimeout(total=timeout_s)
        believed: ssl.SSLContext | bool = tls or True

        def session(resolver: AbstractResolver | None) -> aiohttp.ClientSession:
            connector = aiohttp.TCPConnector(
                limit=_CONNECTIONS, resolver=resolver, use_dns_cache=False, force_close=True, ssl=believed
            )
            return aiohttp.ClientSession(
                connector=connector, timeout=timeout, cookie_jar=aiohttp.DummyCookieJar(), auto_decompress=False
            )

        self._judged = Judged(self._where)
        self._direct = session(self._judged)
        self._proxied = session(None)

    async def close(self) -> None:
        await self._direct.close()
        await self._proxied.close()
        await self._judged.close()

    @asynccontextmanager
    async def asked(
        self, method: str, url: str, headers: Mapping[str, str] | None = None
    ) -> AsyncIterator[aiohttp.ClientResponse]:
        """The answer at the end of all redirects. Raises Barred, what aiohttp raises, TimeoutError, OSError."""
        for _ in range(_MOST_REDIRECTS + 1):
            async with self.asked_once(method, url, headers) as answer:
                location = answer.headers.get("Location")
                if answer.status not in _REDIRECTS or location is None:
                    yield answer
                    return
                url = _joined(url, location)
        raise Barred(f"redirects more than {_MOST_REDIRECTS} times")

    @asynccontextmanager
    async def asked_once(
        self, method: str, url: str, headers: Mapping[str, str] | None = None, data: bytes | None = None
    ) -> AsyncIterator[aiohttp.ClientResponse]:
        """The answer of this very URL, a redirect too. Raises as `asked` does."""
        proxy = proxy_of(url)
        await self._judge(url, proxy)
        own = {"Accept-Encoding": "identity", **(headers or {})}
        async with (self._proxied if proxy else self._direct).request(
            method, URL(url, encoded=True), headers=own, data=data, proxy=proxy, allow_redirects=False
        ) as answer:
            yield answer

    async def _judge(self, url: str, proxy: str | None) -> None:
        fault = self._fault(url)
        if fault is not None:
            raise Barred(fault)
        if proxy is not None:
            parts = urlsplit(url)
            await self._judge_as_we_know_it(parts.hostname or "", parts.port or 443)

    def _fault(self, url: str) -> str | None:
        host = urlsplit(url).hostname or ""
        if self._where.http and (_is_loopback(host) or host == "localhost"):
            return None
        if url[:6].lower() != "https:":
            return "leads to a URL without https"
        return not_public(url)

    async def _judge_as_we_know_it(self, host: str, port: int) -> None:
        try:
            async with asyncio.timeout(_LOOKUP_S):
                await self._judged.resolve(host, port)
        except (OSError, TimeoutError):
            # Behind a proxy one often knows no public name, or is not answered at all.
            return


def _joined(url: str, location: str) -> str:
    try:
        return urljoin(url, location)
    except ValueError:
        raise Barred("redirects to what is no URL") from None


class Judged(AbstractResolver):
    """Addresses that one may go to. One that may not be bars the name: of several anyone might be taken.

    A thread that asks for a name is kept by it until DNS answers, also when nobody waits any more: so a name has one.
    """

    def __init__(self, where: Where) -> None:
        self._where = where
        self._pool = ThreadPoolExecutor(_LOOKUPS, thread_name_prefix="strangers-dns")
        self._asking: dict[tuple[str, int], asyncio.Future[Sequence[tuple[int, str]]]] = {}

    async def resolve(
        self, host: str, port: int = 0, family: socket.AddressFamily = socket.AF_UNSPEC
    ) -> list[ResolveResult]:
        found = await self._asked(host, port)
        if not found:
            raise OSError(f"{host} has no address")
        if not all(self._where.permitted(address) for _, address in found):
            raise Barred("leads to a loopback or private address, which is not on the Internet")
        flags = socket.AI_NUMERICHOST | socket.AI_NUMERICSERV
        return [
            ResolveResult(hostname=host, host=address, port=port, family=kind, proto=0, flags=flags)
            for kind, address in found
            if family in (socket.AF_UNSPEC, kind)
        ]

    async def _asked(self, host: str, port: int) -> Sequence[tuple[int, str]]:
        place = host, port
        asking = self._asking.get(place)
        if asking is None:
            loop = asyncio.get_running_loop()
            asking = self._asking[place] = loop.run_in_executor(self._pool, self._where.lookup, host, port)

            def ended(one: "asyncio.Future[Sequence[tuple[int, str]]]") -> None:
                del self._asking[place]
                # Its error is told to who waits; where nobody does, that is no news.
                _ = one.cancelled() or one.exception()

            asking.add_done_callback(ended)
        return await asyncio.shield(asking)

    async def close(self) -> None:
        self._pool.shutdown(wait=False, cancel_futures=True)
