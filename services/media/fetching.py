"""A file that somebody sent, from Twilio: credentials go to Twilio's own host alone, and across no redirect."""

import asyncio
import re
from collections.abc import Mapping
from typing import Any, NamedTuple
from urllib.parse import urljoin

import aiohttp
import msgspec
from yarl import URL

from services.runtime.line import Line, way
from services.runtime.regions import regional
from services.runtime.strangers import Barred, Strangers
from services.runtime.tenants.settings import TenantSettings

_MEDIUM = re.compile(
    r"/2010-04-01/Accounts/(?P<account>AC[0-9a-fA-F]{32})/Messages/(?:SM|MM)[0-9a-fA-F]{32}/Media/ME[0-9a-fA-F]{32}",
    re.ASCII,
)
_REDIRECTS = frozenset({301, 302, 303, 307, 308})
_GONE = frozenset({404, 410})
_REFUSED = frozenset({401, 403})
_LONGEST_LIST = 1 << 20


class TwilioAway(Exception):
    """No answer that could be used; `refused`: Twilio does not give it to these credentials."""

    def __init__(self, why: str, refused: bool = False) -> None:
        super().__init__(why)
        self.refused = refused


class Unfetchable(Exception):
    """It will never be fetched: a sentence."""


class Gone(Exception):
    """Twilio has it no more."""


class _TooLong(ValueError):
    """An answer has more bytes than are taken."""


class File(NamedTuple):
    content: bytes
    declared: str | None


class _Listed(msgspec.Struct):
    uri: str
    content_type: str | None = None


class _List(msgspec.Struct):
    media_list: list[_Listed]


_list = msgspec.json.Decoder(_List)


class Fetching:
    """`base_url`: Twilio's API in us1. `most`: bytes of one file."""

    def __init__(self, line: Line, strangers: Strangers, base_url: str, most: int) -> None:
        self._line = line
        self._strangers = strangers
        self._base_url = base_url
        self._most = most

    async def fetch(self, tenant: TenantSettings, url: str, longest_s: float) -> File:
        """The file. Raises TwilioAway, Unfetchable, Gone."""
        account, there = self._at_twilio(tenant, url)
        try:
            async with asyncio.timeout(longest_s):
                return await self._fetched(tenant, account, there)
        except Barred as error:
            raise Unfetchable(f"Twilio's redirect {error}") from error
        except (aiohttp.ClientError, OSError, TimeoutError, ValueError) as error:
            raise TwilioAway(type(error).__name__) from error

    async def listed(self, tenant: TenantSettings, account: str, message_sid: str) -> list[tuple[str, str | None]]:
        """The URLs of a message's media with their types, as Twilio lists them. Raises TwilioAway, Gone."""
        path = f"/2010-04-01/Accounts/{account}/Messages/{message_sid}/Media.json?PageSize=50"
        try:
            status, body = await self._call("GET", tenant, account, self._root(tenant) + path)
            _judge(status)
            found = _list.decode(body).media_list
        except (aiohttp.ClientError, OSError, TimeoutError, ValueError) as error:
            raise TwilioAway(type(error).__name__) from error
        return [(self._root(tenant) + one.uri.removesuffix(".json"), one.content_type) for one in found]

    async def delete(self, tenant: TenantSettings, url: str) -> None:
        """Take it away at Twilio; what is not there is taken away. Raises TwilioAway, Unfetchable."""
        account, there = self._at_twilio(tenant, url)
        try:
            status, _ = await self._call("DELETE", tenant, account, f"{there}.json")
        except (aiohttp.ClientError, OSError, TimeoutError, ValueError) as error:
            raise TwilioAway(type(error).__name__) from error
        if status not in _GONE and not 200 <= status < 300:
            raise TwilioAway(f"it answers {status}", refused=status in _REFUSED)

    def _root(self, tenant: TenantSettings) -> str:
        return regional(self._base_url, tenant.region).rstrip("/")

    def _at_twilio(self, tenant: TenantSettings, url: str) -> tuple[str, str]:
        """Whose it is by its URL, and where it lies in the account's region. Raises Unfetchable for another host's."""
        roots = (self._root(tenant), self._base_url.rstrip("/"))
        paths = (url.removeprefix(root) for root in roots if url.startswith(root))
        found = next((match for path in paths if (match := _MEDIUM.fullmatch(path))), None)
        if found is None:
            raise Unfetchable("its URL is none of Twilio's media")
        if found["account"] not in {tenant.account_sid, *tenant.subaccounts}:
            raise Unfetchable("it is of an account that is none of the tenant's")
        return found["account"], self._root(tenant) + found[0]

    def _headers(self, method: str, tenant: TenantSettings, account: str) -> tuple[Mapping[str, str], str | None]:
        credentials = tenant.accounts.get(account, tenant.credentials)
        found = way(method, credentials, account, self._base_url, tenant.region)
        return found.headers, found.proxy

    async def _call(self, method: str, tenant: TenantSettings, account: str, url: str) -> tuple[int, bytes]:
        headers, proxy = self._headers(method, tenant, account)
        async with self._line.session.request(
            method, URL(url, encoded=True), headers=headers, proxy=proxy, allow_redirects=False
        ) as answer:
            return answer.status, await _whole(answer, _LONGEST_LIST)

    async def _fetched(self, tenant: TenantSettings, account: str, url: str) -> File:
        headers, proxy = self._headers("GET", tenant, account)
        async with self._line.session.get(
            URL(url, encoded=True), headers={**headers, "Accept": "*/*"}, proxy=proxy, allow_redirects=False
        ) as answer:
            location = answer.headers.get("Location")
            if answer.status not in _REDIRECTS or not location:
                _judge(answer.status)
                return await self._read(answer)
        # Without credentials from here on: the link is signed, and whose host it is nobody knows.
        async with self._strangers.asked("GET", urljoin(url, location)) as answer:
            _judge(answer.status)
            return await self._read(answer)

    async def _read(self, answer: aiohttp.ClientResponse) -> File:
        try:
            return File(await _whole(answer, self._most), answer.headers.get("Content-Type"))
        except _TooLong:
            raise Unfetchable(f"it has more than {self._most:,} bytes (media.max_bytes)") from None


async def _whole(answer: aiohttp.ClientResponse, most: int) -> bytes:
    """However many pieces it comes in. Raises _TooLong."""
    parts: list[bytes] = []
    size = 0
    async for part in answer.content.iter_chunked(1 << 16):
        size += len(part)
        if size > most:
            raise _TooLong
        parts.append(part)
    return b"".join(parts)


def _judge(status: int) -> Any:
    if status in _GONE:
        raise Gone
    if not 200 <= status < 300:
        raise TwilioAway(f"it answers {status}", refused=status in _REFUSED)
