"""The door to Twilio: one call, one outcome. Failures are values; whether nothing was created is part of them.

The twilio package says what the call is: its path and its headers; the host is that of the tenant's region. The call
itself goes past the package: its async client ignores its own time-out and proxy settings (9.13), looks for a proxy in
a thread at every call, and builds a whole message of which five fields are wanted. A test holds the two requests equal.

Time-outs are of two kinds: before there is a connection nothing was posted, and after that nobody knows.
"""

import base64
import logging
from typing import Any, Protocol
from urllib.parse import urlsplit
from urllib.request import getproxies, proxy_bypass

import aiohttp
import msgspec
from twilio.rest import Client
from yarl import URL

from services.domain.messages.commands import CommandAccepted
from services.domain.messages.errors import explain
from services.domain.messages.outbox import Created, Refused, Unknown
from services.runtime.regions import NOT_FROM_THE_ENVIRONMENT, regional
from services.runtime.tenants.settings import TenantSettings
from services.runtime.unknown_codes import notice
from services.sender.answers import refusal_of
from services.sender.form import form

logger = logging.getLogger(__name__)

_REQUEST_TIMEOUT = 408
_TOO_MANY_REQUESTS = 429
_SERVER_ERROR = 500
# Of the whole time-out.
_CONNECT_SHARE = 0.5
# More than Twilio asks for; what asks for longer is no rate limit, and the command has a not_after.
_LONGEST_RETRY_AFTER_S = 3600.0
_LONGEST_REASON = 500


class Refusal(Refused, frozen=True, kw_only=True):
    """Nothing was created. `retryable`: the same call may succeed later, not before `retry_after` seconds.

    `called`: an attempt was made to reach Twilio; `reached`: it was Twilio that said so. `too_many`: it was one call
    too many.
    """

    retryable: bool = False
    retry_after: float | None = None
    called: bool = True
    reached: bool = True
    too_many: bool = False


class Gateway(Protocol):
    """Creates messages for one tenant."""

    async def create(self, command: CommandAccepted, status_callback: str | None) -> Created | Refusal | Unknown:
        """Call Twilio once."""
        ...


class _Message(msgspec.Struct, rename={"from_": "from"}):
    """What is wanted of a created message. Only the sid must be what it should: the rest must not hide it."""

    sid: str
    account_sid: Any = None
    status: Any = None
    from_: Any = None
    num_segments: Any = None


_message = msgspec.json.Decoder(_Message)


class Line:
    """The connections to Twilio, or to anything that speaks its API under `base_url`, which is us1's; shared by all
    tenants."""

    def __init__(self, base_url: str, timeout_s: float, connections: int) -> None:
        connect_s = timeout_s * _CONNECT_SHARE
        self.base_url = base_url
        self.session = aiohttp.ClientSession(
            connector=aiohttp.TCPConnector(limit=connections),
            # `connect` includes waiting for a connection of the pool, and the handshake with TLS or a proxy.
            timeout=aiohttp.ClientTimeout(total=timeout_s, connect=connect_s, sock_connect=connect_s),
            cookie_jar=aiohttp.DummyCookieJar(),
        )

    async def close(self) -> None:
        await self.session.close()


class TwilioGateway:
    """One tenant's account, with the credentials that it has now. It owns nothing: it may be replaced at any time."""

    def __init__(self, tenant: TenantSettings, line: Line) -> None:
        user, password = tenant.credentials
        client = Client(user, password, tenant.account_sid, environment=NOT_FROM_THE_ENVIRONMENT)
        url = f"{regional(line.base_url, tenant.region)}/2010-04-01/Accounts/{tenant.account_sid}/Messages.json"
        self._line = line
        self._url = URL(url)
        self._headers = {**client.get_headers("POST", None), "Authorization": _basic(user, password)}
        self._proxy = _proxy(url)

    async def create(self, command: CommandAccepted, status_callback: str | None) -> Created | Refusal | Unknown:
        try:
            said = form(command, status_callback)
        except UnicodeEncodeError:
            return Refusal(code=None, reason="the command holds half a character: nothing was posted")
        try:
            async with self._line.session.post(
                self._url, data=said, headers=self._headers, proxy=self._proxy, allow_redirects=False
            ) as answer:
                body = await answer.read()
            if 200 <= answer.status < 300:
                return _created(body)
            return _refused(answer.status, body, answer.headers.get("Retry-After"))
        except (aiohttp.ClientConnectorError, aiohttp.ClientHttpProxyError, aiohttp.ConnectionTimeoutError) as error:
            # No connection, so no request: nothing can have been created.
            return Refusal(
                code=None, reason=f"Twilio cannot be reached ({type(error).__name__})", retryable=True, reached=False
            )
        except TimeoutError:
            return Unknown(reason="Twilio did not answer in time")
        except (aiohttp.ClientError, OSError, ValueError) as error:
            return Unknown(reason=f"Twilio's answer was lost: {type(error).__name__}")
        except Exception as error:
            # Something that a package made of an answer. The call was made, so its end must be told all the same.
            logger.exception("the answer to a create call cannot be read")
            return Unknown(reason=f"Twilio's answer cannot be read: {type(error).__name__}")


def _basic(user: str, password: str) -> str:
    return f"Basic {base64.b64encode(f'{user}:{password}'.encode()).decode()}"


def _proxy(url: str) -> str | None:
    """The environment's proxy on the way to `url`."""
    target = urlsplit(url)
    if proxy_bypass(target.hostname or ""):
        return None
    return getproxies().get(target.scheme)


def _created(body: bytes) -> Created | Unknown:
    message = _message.decode(body)
    if not message.sid:
        return Unknown(reason="Twilio's answer names no message")
    segments = str(message.num_segments)
    return Created(
        message_sid=message.sid,
        account_sid=_said(message.account_sid or ""),
        status=_said(message.status or ""),
        from_=_said(message.from_ or ""),
        segments=int(segments) if segments.isdecimal() else None,
    )


def _refused(status: int, body: bytes, retry_after: str | None) -> Refusal | Unknown:
    code, reason = refusal_of(status, body)
    if status >= _SERVER_ERROR or status == _REQUEST_TIMEOUT:
        return Unknown(reason=f"Twilio may have created the message: it answered {reason}")
    notice(code)
    if status == _TOO_MANY_REQUESTS:
        wait = _seconds(retry_after)
        return Refusal(code=code or 20429, reason=reason, retryable=True, retry_after=wait, too_many=True)
    return Refusal(code=code, reason=reason, retryable=explain(code).retryable)


def _said(text: object) -> str:
    """What Twilio, or whoever answers in its place, says: as it can be written to the log, and not without end."""
    return str(text)[:_LONGEST_REASON].encode("utf-8", "replace").decode()


def _seconds(header: str | None) -> float | None:
    try:
        return min(max(0.0, float(header)), _LONGEST_RETRY_AFTER_S) if header else None
    except ValueError:
        return None
