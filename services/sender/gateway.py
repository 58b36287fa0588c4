"""The door to Twilio: one call, one outcome. Failures are values; whether nothing was created is part of them.

The twilio package's async client ignores its own time-out and proxy settings (9.13), and by naming no time-out in each
request it undoes one set on the session; so the session is ours and names the time-outs itself. Retries of its own
would send twice and are off.

Time-outs are of two kinds: before there is a connection nothing was posted, and after that nobody knows.
"""

import json
import logging
from contextvars import ContextVar
from typing import Any, Protocol

import aiohttp
from twilio.base import values
from twilio.base.exceptions import TwilioException
from twilio.http.async_http_client import AsyncTwilioHttpClient
from twilio.http.response import Response
from twilio.rest import Client

from services.domain.messages.commands import CommandAccepted
from services.domain.messages.errors import explain
from services.domain.messages.outbox import Created, Refused, Unknown
from services.runtime.config import TenantSettings

logger = logging.getLogger(__name__)

_REQUEST_TIMEOUT = 408
_TOO_MANY_REQUESTS = 429
_SERVER_ERROR = 500
# Of the whole time-out.
_CONNECT_SHARE = 0.5
# More than Twilio asks for; what asks for longer is no rate limit, and the command has a not_after.
_LONGEST_RETRY_AFTER_S = 3600.0
# The answer as it came, of the call that this task makes: the package's exceptions do not carry its headers.
_answer: ContextVar[Response | None] = ContextVar("answer", default=None)


class Refusal(Refused, frozen=True, kw_only=True):
    """Nothing was created. `retryable`: the same call may succeed later, not before `retry_after` seconds."""

    retryable: bool = False
    retry_after: float | None = None


class Gateway(Protocol):
    """Creates messages for one tenant."""

    async def create(self, command: CommandAccepted, status_callback: str) -> Created | Refusal | Unknown:
        """Call Twilio once."""
        ...

    async def close(self) -> None: ...


class _Timed:
    """An aiohttp session as the package uses it, with time-outs that it cannot undo."""

    def __init__(self, timeout_s: float, connections: int) -> None:
        connect_s = timeout_s * _CONNECT_SHARE
        # `connect` includes waiting for a connection of the pool, and the handshake with TLS or a proxy.
        self._timeout = aiohttp.ClientTimeout(total=timeout_s, connect=connect_s, sock_connect=connect_s)
        self._session = aiohttp.ClientSession(connector=aiohttp.TCPConnector(limit=connections), trust_env=True)

    async def request(self, **kwargs: Any) -> aiohttp.ClientResponse:
        return await self._session.request(**kwargs | {"timeout": self._timeout})

    async def close(self) -> None:
        await self._session.close()


class _Client(AsyncTwilioHttpClient):
    def __init__(self, timeout_s: float, connections: int) -> None:
        super().__init__(pool_connections=False)
        self.session = _Timed(timeout_s, connections)

    async def request(self, *args: Any, **kwargs: Any) -> Response:
        response: Response = await super().request(*args, **kwargs)
        _answer.set(response)
        return response


class TwilioGateway:
    """One tenant's account at Twilio, or at anything that speaks its API under `base_url`."""

    def __init__(self, tenant: TenantSettings, base_url: str, timeout_s: float, connections: int) -> None:
        self._http = _Client(timeout_s, connections)
        if tenant.api_key_sid and tenant.api_key_secret:
            user, password = tenant.api_key_sid, tenant.api_key_secret.get_secret_value()
        else:
            user, password = tenant.account_sid, tenant.auth_tokens[0].get_secret_value()
        client = Client(user, password, tenant.account_sid, http_client=self._http)
        client.api.base_url = base_url
        self._messages = client.messages

    async def create(self, command: CommandAccepted, status_callback: str) -> Created | Refusal | Unknown:
        _answer.set(None)
        try:
            message = await self._messages.create_async(**_parameters(command, status_callback))
            return _created(message)
        except TwilioException as error:
            return _refused(error, _answer.get())
        except (aiohttp.ClientConnectorError, aiohttp.ConnectionTimeoutError) as error:
            # No connection, so no request: nothing can have been created.
            return Refusal(code=None, reason=f"Twilio cannot be reached: {error}", retryable=True)
        except TimeoutError:
            return Unknown(reason="Twilio did not answer in time")
        except (aiohttp.ClientError, ValueError) as error:
            return Unknown(reason=f"Twilio's answer was lost: {type(error).__name__}")
        except Exception as error:
            # Something that the package made of an answer. The call was made, so its end must be told all the same.
            logger.exception("the answer to a create call cannot be read")
            return Unknown(reason=f"Twilio's answer cannot be read: {type(error).__name__}")

    async def close(self) -> None:
        await self._http.close()


def _created(message: Any) -> Created | Unknown:
    if not message.sid:
        return Unknown(reason="Twilio's answer names no message")
    segments = str(message.num_segments)
    return Created(
        message_sid=message.sid,
        account_sid=message.account_sid or "",
        status=str(message.status or ""),
        from_=message.from_ or "",
        segments=int(segments) if segments.isdecimal() else None,
    )


def _refused(error: TwilioException, answer: Response | None) -> Refusal | Unknown:
    status = answer.status_code if answer is not None else None
    if status is None or status >= _SERVER_ERROR or status == _REQUEST_TIMEOUT:
        return Unknown(reason=f"Twilio answered {status}: it may have created the message")
    code = getattr(error, "code", None)
    if not isinstance(code, int) or code == status:
        # The package puts the HTTP status where the body (a proxy's, say) names no code.
        code = None
    reason = str(getattr(error, "msg", None) or getattr(error, "detail", None) or f"HTTP {status}")
    if status == _TOO_MANY_REQUESTS:
        wait = _seconds((answer.headers or {}).get("Retry-After")) if answer is not None else None
        return Refusal(code=code or 20429, reason=reason, retryable=True, retry_after=wait)
    return Refusal(code=code, reason=reason, retryable=explain(code).retryable)


def _seconds(header: str | None) -> float | None:
    try:
        return min(max(0.0, float(header)), _LONGEST_RETRY_AFTER_S) if header else None
    except ValueError:
        return None


def _parameters(command: CommandAccepted, status_callback: str) -> dict[str, Any]:
    def given(value: Any) -> Any:
        return values.unset if value in (None, [], {}) else value

    options = command.options
    return {
        "to": command.to,
        "from_": given(command.from_),
        "messaging_service_sid": given(command.messaging_service_sid),
        "body": given(command.body),
        "media_url": given(command.media_urls),
        "content_sid": given(command.content_sid),
        "content_variables": json.dumps(command.content_variables) if command.content_variables else values.unset,
        "status_callback": status_callback,
        **{name: given(getattr(options, name)) for name in options.__struct_fields__},
    }
