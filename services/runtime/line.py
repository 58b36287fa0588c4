"""The way to Twilio's hosts, or to what speaks their API: connections, credentials, region and proxy.

The twilio package says which headers a call has. The call itself goes past it: its async client ignores its own
time-out and proxy settings (9.13), and looks for a proxy in a thread at every call.
"""

import base64
from collections.abc import Mapping
from typing import NamedTuple
from urllib.parse import urlsplit
from urllib.request import getproxies, proxy_bypass

import aiohttp
from aiohttp.client_reqrep import ConnectionKey
from aiohttp.connector import Connection
from aiohttp.tracing import Trace
from twilio.rest import Client

from services.runtime.posting import Posting
from services.runtime.regions import NOT_FROM_THE_ENVIRONMENT, Region, regional

# Of the whole time-out.
_CONNECT_SHARE = 0.5
# More than Twilio asks for; what asks for longer is no rate limit.
_LONGEST_RETRY_AFTER_S = 3600.0


class Line:
    """The connections to Twilio's hosts; shared by all tenants."""

    def __init__(self, timeout_s: float, connections: int) -> None:
        connect_s = timeout_s * _CONNECT_SHARE
        self.session = aiohttp.ClientSession(
            connector=_Silent(limit=connections),
            # `connect` includes waiting for a connection of the pool, and the handshake with TLS or a proxy.
            timeout=aiohttp.ClientTimeout(total=timeout_s, connect=connect_s, sock_connect=connect_s),
            cookie_jar=aiohttp.DummyCookieJar(),
        )

    def posting(self, by: "Way") -> Posting | None:
        """The short way for POSTs; None where a proxy stands in it."""
        return Posting(self.session, by.base_url, by.headers) if by.proxy is None else None

    async def close(self) -> None:
        await self.session.close()


class _Silent(aiohttp.TCPConnector):
    """Keeps no connection on which something came that nobody had asked for, such as a balancer's 408: it would be
    taken for the answer to the next call. That rests on aiohttp's inner parts, hence the bounds on its version."""

    async def _get(self, key: ConnectionKey, traces: list[Trace]) -> Connection | None:
        while (found := await super()._get(key, traces)) is not None:
            if found.protocol is None or not found.protocol.should_close:
                break
            found.close()
        return found


class Way(NamedTuple):
    """An account's way to one host: its base URL, the headers of a call, and the environment's proxy."""

    base_url: str
    headers: Mapping[str, str]
    proxy: str | None


def way(method: str, credentials: tuple[str, str], account_sid: str, base_url: str, region: Region) -> Way:
    """`base_url`: the host's in us1; `credentials`: user and password."""
    client = Client(*credentials, account_sid, environment=NOT_FROM_THE_ENVIRONMENT)
    url = regional(base_url, region)
    return Way(url, {**client.get_headers(method, None), "Authorization": _basic(*credentials)}, proxy_of(url))


def retry_after_s(header: str | None) -> float | None:
    """For how many seconds Twilio asks to be left alone, an hour at most; None where it names none."""
    try:
        return min(max(0.0, float(header)), _LONGEST_RETRY_AFTER_S) if header else None
    except ValueError:
        return None


def _basic(user: str, password: str) -> str:
    return f"Basic {base64.b64encode(f'{user}:{password}'.encode()).decode()}"


def proxy_of(url: str) -> str | None:
    """The environment's proxy on the way to `url`."""
    target = urlsplit(url)
    if proxy_bypass(target.hostname or ""):
        return None
    return getproxies().get(target.scheme)
