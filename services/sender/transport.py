"""One call to one of Twilio's hosts, one outcome; it knows no product. Whether nothing was done is part of the outcome.

The twilio package says which headers a call has; the host is that of the tenant's region. The call itself goes past the
package: its async client ignores its own time-out and proxy settings (9.13), looks for a proxy in a thread at every
call, and builds a whole resource of which five fields are wanted. A test holds the two requests equal.

Time-outs are of two kinds: before there is a connection nothing was posted, and after that nobody knows.
"""

import base64
import logging
from typing import NamedTuple
from urllib.parse import urlsplit
from urllib.request import getproxies, proxy_bypass

import aiohttp
from twilio.rest import Client
from yarl import URL

from services.domain.messages.errors import explain
from services.domain.messages.outbox import Refused, Unknown
from services.runtime.regions import NOT_FROM_THE_ENVIRONMENT, regional
from services.runtime.tenants.settings import TenantSettings
from services.runtime.unknown_codes import notice
from services.sender.answers import refusal_of

logger = logging.getLogger(__name__)

_REQUEST_TIMEOUT = 408
_TOO_MANY_REQUESTS = 429
_SERVER_ERROR = 500
# Of the whole time-out.
_CONNECT_SHARE = 0.5
# More than Twilio asks for; what asks for longer is no rate limit, and the command has a not_after.
_LONGEST_RETRY_AFTER_S = 3600.0


class Refusal(Refused, frozen=True, kw_only=True):
    """Nothing was done. `retryable`: the same call may succeed later, not before `retry_after` seconds.

    `called`: an attempt was made to reach Twilio; `reached`: it was Twilio that said so. `too_many`: it was one call
    too many.
    """

    retryable: bool = False
    retry_after: float | None = None
    called: bool = True
    reached: bool = True
    too_many: bool = False


class Taken(NamedTuple):
    """Twilio did what it was told; `body` is its answer."""

    body: bytes


class Line:
    """The connections to Twilio's hosts, or to what speaks their API; shared by all tenants."""

    def __init__(self, timeout_s: float, connections: int) -> None:
        connect_s = timeout_s * _CONNECT_SHARE
        self.session = aiohttp.ClientSession(
            connector=aiohttp.TCPConnector(limit=connections),
            # `connect` includes waiting for a connection of the pool, and the handshake with TLS or a proxy.
            timeout=aiohttp.ClientTimeout(total=timeout_s, connect=connect_s, sock_connect=connect_s),
            cookie_jar=aiohttp.DummyCookieJar(),
        )

    async def close(self) -> None:
        await self.session.close()


class Transport:
    """One tenant's way to one host, with the credentials that it has now. It owns nothing: it may be replaced at any
    time. `base_url`: the host's in us1."""

    def __init__(self, tenant: TenantSettings, line: Line, base_url: str) -> None:
        user, password = tenant.credentials
        client = Client(user, password, tenant.account_sid, environment=NOT_FROM_THE_ENVIRONMENT)
        self._line = line
        self._base_url = regional(base_url, tenant.region)
        self._headers = {**client.get_headers("POST", None), "Authorization": _basic(user, password)}
        self._proxy = _proxy(self._base_url)

    def to(self, path: str) -> URL:
        """The URL of a resource, made once: `path` begins with a slash."""
        return URL(f"{self._base_url}{path}")

    async def post(self, url: URL, form: bytes) -> Taken | Refusal | Unknown:
        """Post a form once. Redirects are not followed."""
        try:
            async with self._line.session.post(
                url, data=form, headers=self._headers, proxy=self._proxy, allow_redirects=False
            ) as answer:
                body = await answer.read()
            if 200 <= answer.status < 300:
                return Taken(body)
            return _refused(answer.status, body, answer.headers.get("Retry-After"))
        except (aiohttp.ClientConnectorError, aiohttp.ClientHttpProxyError, aiohttp.ConnectionTimeoutError) as error:
            # No connection, so no request: nothing can have been done.
            return Refusal(
                code=None, reason=f"Twilio cannot be reached ({type(error).__name__})", retryable=True, reached=False
            )
        except TimeoutError:
            return Unknown(reason="Twilio did not answer in time")
        except (aiohttp.ClientError, OSError, ValueError) as error:
            return Unknown(reason=f"Twilio's answer was lost: {type(error).__name__}")
        except Exception as error:
            # Something that a package made of an answer. The call was made, so its end must be told all the same.
            logger.exception("the answer to a call cannot be read")
            return Unknown(reason=f"Twilio's answer cannot be read: {type(error).__name__}")


def _basic(user: str, password: str) -> str:
    return f"Basic {base64.b64encode(f'{user}:{password}'.encode()).decode()}"


def _proxy(url: str) -> str | None:
    """The environment's proxy on the way to `url`."""
    target = urlsplit(url)
    if proxy_bypass(target.hostname or ""):
        return None
    return getproxies().get(target.scheme)


def _refused(status: int, body: bytes, retry_after: str | None) -> Refusal | Unknown:
    code, reason = refusal_of(status, body)
    if status >= _SERVER_ERROR or status == _REQUEST_TIMEOUT:
        return Unknown(reason=f"Twilio may have done it all the same: it answered {reason}")
    notice(code)
    if status == _TOO_MANY_REQUESTS:
        wait = _seconds(retry_after)
        return Refusal(code=code or 20429, reason=reason, retryable=True, retry_after=wait, too_many=True)
    return Refusal(code=code, reason=reason, retryable=explain(code).retryable)


def _seconds(header: str | None) -> float | None:
    try:
        return min(max(0.0, float(header)), _LONGEST_RETRY_AFTER_S) if header else None
    except ValueError:
        return None
