"""The create call of a message: what is posted, and what of the answer is kept."""

from typing import Any, Protocol

import msgspec

from services.domain.messages.commands import CommandAccepted
from services.domain.messages.effects import MessageCreated
from services.domain.outbox.facts import Unknown
from services.runtime.line import Line
from services.runtime.tenants.settings import TenantSettings
from services.sender.form import form
from services.sender.transport import Refusal, Taken, Transport

_LONGEST_REASON = 500


class Gateway(Protocol):
    """Creates messages for one tenant."""

    async def create(self, command: CommandAccepted, status_callback: str | None) -> MessageCreated | Refusal | Unknown:
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


class TwilioGateway:
    """One tenant's account. `base_url`: Twilio's API in us1."""

    def __init__(self, tenant: TenantSettings, line: Line, base_url: str) -> None:
        self._transport = Transport(tenant, line, base_url)
        self._url = self._transport.to(f"/2010-04-01/Accounts/{tenant.account_sid}/Messages.json")

    async def create(self, command: CommandAccepted, status_callback: str | None) -> MessageCreated | Refusal | Unknown:
        try:
            said = form(command, status_callback)
        except UnicodeEncodeError:
            return Refusal(code=None, reason="the command holds half a character: nothing was posted")
        answer = await self._transport.post(self._url, said)
        return _created(answer.body) if isinstance(answer, Taken) else answer


def _created(body: bytes) -> MessageCreated | Unknown:
    try:
        message = _message.decode(body)
    except (msgspec.MsgspecError, ValueError, RecursionError) as error:
        return Unknown(reason=f"Twilio's answer cannot be read: {type(error).__name__}")
    if not message.sid:
        return Unknown(reason="Twilio's answer names no message")
    segments = str(message.num_segments)
    return MessageCreated(
        sid=message.sid,
        account_sid=_said(message.account_sid or ""),
        status=_said(message.status or ""),
        from_=_said(message.from_ or ""),
        segments=int(segments) if segments.isdecimal() else None,
    )


def _said(text: object) -> str:
    """What Twilio, or whoever answers in its place, says: as it can be written to the log, and not without end."""
    return str(text)[:_LONGEST_REASON].encode("utf-8", "replace").decode()
