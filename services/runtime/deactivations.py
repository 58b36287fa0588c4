"""Twilio's list of the US numbers that carriers took back on a day: where its file is, and what stands in it."""

import json
from collections.abc import AsyncIterator, Iterator, Mapping
from datetime import date
from typing import Any
from urllib.parse import urlsplit

import aiohttp
from yarl import URL

from services.runtime.line import Line, proxy_of, way
from services.runtime.tenants.settings import TenantSettings

NO_LIST = "its file is no list of numbers"
# Of one line; of one reading, so that others have the event loop.
_LONGEST_LINE = 64
_CHUNK = 8192
_FILE_S, _SILENT_S = 1800.0, 60.0
_OK, _REDIRECTS, _NOT_FOUND = 200, frozenset({302, 303, 307, 308}), 404
# Twilio's codes for a day that has no list: too long ago, or not yet.
_NONE_OF_THAT_DAY = (30113, 30114)


class Unread(Exception):
    """The list cannot be read now. The text names no URL: that of the file is a key to it."""


class Lists:
    """`base_url`: of Messaging in us1."""

    def __init__(self, line: Line, base_url: str) -> None:
        self._line = line
        self._base_url = base_url

    async def of(self, settings: TenantSettings, day: date) -> AsyncIterator[bytes] | None:
        """The lines of a day's list; None: there is none. Raises Unread, and so do the lines."""
        named = await self._named(settings, day)
        return self._lines(named) if named is not None else None

    async def _named(self, settings: TenantSettings, day: date) -> URL | None:
        """Where the file of a day is; None: there is none."""
        leads = way("GET", settings.credentials, settings.account_sid, self._base_url, settings.region)
        url = URL(f"{leads.base_url}/v1/Deactivations") % {"Date": day.isoformat()}
        try:
            async with self._line.session.get(
                url, headers=leads.headers, proxy=leads.proxy, allow_redirects=False
            ) as answer:
                body, status, location = await answer.read(), answer.status, answer.headers.get("Location")
        except (aiohttp.ClientError, OSError, TimeoutError) as error:
            raise Unread(f"Twilio cannot be reached ({type(error).__name__})") from error
        if status == _NOT_FOUND or _says_none(body):
            return None
        if status != _OK and status not in _REDIRECTS:
            raise Unread(f"Twilio refuses it ({status})")
        return _file(_redirect_to(body) or location or "", urlsplit(leads.base_url).scheme)

    async def _lines(self, url: URL) -> AsyncIterator[bytes]:
        """Line by line. The URL opens the file by itself: it gets no credentials of ours, and leads nowhere else."""
        timeout = aiohttp.ClientTimeout(total=_FILE_S, sock_connect=_SILENT_S, sock_read=_SILENT_S)
        rest = b""
        try:
            async with self._line.session.get(
                url, proxy=proxy_of(str(url)), allow_redirects=False, timeout=timeout
            ) as answer:
                if answer.status != _OK:
                    raise Unread(f"its file is not given ({answer.status})")
                async for chunk in answer.content.iter_chunked(_CHUNK):
                    *lines, rest = (rest + chunk).split(b"\n")
                    for line in _filled(lines):
                        yield line
                    if len(rest) > _LONGEST_LINE:
                        raise Unread(NO_LIST)
        except (aiohttp.ClientError, OSError, TimeoutError) as error:
            raise Unread(f"its file cannot be read to the end ({type(error).__name__})") from error
        for line in _filled([rest]):
            yield line


def _filled(lines: list[bytes]) -> Iterator[bytes]:
    return (line for line in lines if line.strip())


def _redirect_to(body: bytes) -> str | None:
    told = _object(body).get("redirect_to")
    return told if isinstance(told, str) else None


def _says_none(body: bytes) -> bool:
    return _object(body).get("code") in _NONE_OF_THAT_DAY


def _object(body: bytes) -> Mapping[str, Any]:
    try:
        found = json.loads(body)
    except (ValueError, RecursionError):
        return {}
    return found if isinstance(found, dict) else {}


def _file(text: str, scheme: str) -> URL:
    """The file's URL, signed as it stands. By TLS, where Twilio itself is called so."""
    try:
        url = URL(text, encoded=True)
    except ValueError as error:
        raise Unread("Twilio names no file") from error
    if url.scheme not in ("https", scheme) or not url.host or url.user:
        raise Unread("Twilio names no file")
    return url
