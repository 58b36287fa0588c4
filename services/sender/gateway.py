"""The door to Twilio: one call, one outcome. Failures are values; whether nothing was created is part of them.

The twilio package says what the call is: its host, its headers, what an error is. The call itself goes past the
package: its async client ignores its own time-out and proxy settings (9.13), looks for a proxy in a thread at every
call, and builds a whole message of which five fields are wanted. A test holds the two requests equal.

Time-outs are of two kinds: before there is a connection nothing was posted, and after that nobody knows.
"""

import base64
import logging
from typing import Any, Protocol
from urllib.parse import urlsplit
from urllib.request import getproxies, proxy_bypass

import aiohttp
import msgspec
from twilio.base.version import Version
from twilio.http.response import Response
from twilio.rest import Client
from yarl import URL

from services.domain.messages.commands import CommandAccepted
from services.domain.messages.errors import explain
from services.domain.messages.outbox import Created, Refused, Unknown
from services.runtime.config import TenantSettings
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

    `reached`: it was Twilio that said so; otherwise there was no connection. `too_many`: it was one call too many.
    """

    retryable: bool = False
    retry_after: float | None = None
    reached: bool = True
    too_many: bool = False


class Gateway(Protocol):
    """Creates messages for one tenant."""

    async def create(self, command: CommandAccepted, status_callback: str) -> Created | Refusal | Unknown:
        """Call Twilio once."""
        ...

    async def close(self) -> None: ...


class _Message(msgspec.Struct, rename={"from_": "from"}):
    """What is wanted of a created message. Only the sid must be what it should: the rest must not hide it."""

    sid: str
    account_sid: Any = None
    status: Any = None
    from_: Any = None
    num_segments: Any = None


_message = msgspec.json.Decoder(_Message)


class TwilioGateway:
    """One tenant's account at Twilio, or at anything that speaks its API under `base_url`."""

    def __init__(self, tenant: TenantSettings, base_url: str, timeout_s: float, connections: int) -> None:
        if tenant.api_key_sid and tenant.api_key_secret:
            user, password = tenant.api_key_sid, tenant.api_key_secret.get_secret_value()
        else:
            user, password = tenant.account_sid, tenant.auth_tokens[0].get_secret_value()
        client = Client(user, password, tenant.account_sid)
        url = client.get_hostname(f"{base_url}/2010-04-01/Accounts/{tenant.account_sid}/Messages.json")
        self._url = URL(url)
        connect_s = timeout_s * _CONNECT_SHARE
        self._session = aiohttp.ClientSession(
            connector=aiohttp.TCPConnector(limit=connections),
            headers={**client.get_headers("POST", None), "Authorization": _basic(user, password)},
            # `connect` includes waiting for a connection of the pool, and the handshake with TLS or a proxy.
            timeout=aiohttp.ClientTimeout(total=timeout_s, connect=connect_s, sock_connect=connect_s),
            cookie_jar=aiohttp.DummyCookieJar(),
            proxy=_proxy(url),
        )

    async def create(self, command: CommandAccepted, status_callback: str) -> Created | Refusal | Unknown:
        try:
            said = form(command, status_callback)
            async with self._session.post(self._url, data=said, allow_redirects=False) as answer:
                body = await answer.read()
            if 200 <= answer.status < 300:
                return _created(body)
            return _refused(answer.status, body, answer.headers.get("Retry-After"))
        except (aiohttp.ClientConnectorError, aiohttp.ClientHttpProxyError, aiohttp.ConnectionTimeoutError) as error:
            # No connection, so no request: nothing can have been created.
            return Refusal(code=None, reason=f"Twilio cannot be reached: {error}", retryable=True, reached=False)
        except TimeoutError:
            return Unknown(reason="Twilio did not answer in time")
        except (aiohttp.ClientError, OSError, ValueError) as error:
            return Unknown(reason=f"Twilio's answer was lost: {type(error).__name__}")
        except Exception as error:
            # Something that a package made of an answer. The call was made, so its end must be told all the same.
            logger.exception("the answer to a create call cannot be read")
            return Unknown(reason=f"Twilio's answer cannot be read: {type(error).__name__}")

    async def close(self) -> None:
        await self._session.close()


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
    if status >= _SERVER_ERROR or status == _REQUEST_TIMEOUT:
        return Unknown(reason=f"Twilio answered {status}: it may have created the message")
    error = Version.exception("POST", "", Response(status, body.decode("utf-8", "replace")), "Unable to create record")
    code = getattr(error, "code", None)
    if not isinstance(code, int) or code == status:
        # The package puts the HTTP status where the body (a proxy's, say) names no code.
        code = None
    reason = _said(getattr(error, "msg", None) or getattr(error, "detail", None) or f"HTTP {status}")
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
