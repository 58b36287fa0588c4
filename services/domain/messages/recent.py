"""The recent fold: what was last said and sent to a contact, for the people who are asked about it."""

import msgspec
from msgspec.structs import replace

from services.domain.messages.commands import CommandAccepted
from services.domain.messages.events import InboundReceived, OutcomeReached

# A row is written whole at each message.
KEPT = 20


class Line(msgspec.Struct, frozen=True, kw_only=True):
    """One message: `received` with its MessageSid, `asked` with its command id, or how one of ours ended."""

    at: str
    what: str
    message_sid: str | None = None
    command_id: str | None = None
    ours: str = ""
    error_code: int | None = None


class Recent(msgspec.Struct, frozen=True, kw_only=True):
    """The latest lines of a contact by event id, in order. Key: contact. No texts: those are in the log."""

    contact: str
    lines: dict[str, Line]


def fold(state: Recent | None, event: msgspec.Struct) -> tuple[Recent | None, list[msgspec.Struct]]:
    """Note a message. Emits nothing."""
    match event:
        case InboundReceived():
            line = Line(at=event.received_at, what="received", message_sid=event.message_sid, ours=event.to)
        case CommandAccepted():
            line = Line(at=event.accepted_at, what="asked", command_id=event.command_id, ours=event.sender)
        case OutcomeReached():
            line = Line(
                at=event.at,
                what=event.status,
                message_sid=event.message_sid or None,
                command_id=event.command_id,
                ours=event.sender,
                error_code=event.error_code,
            )
        case _:
            return state, []
    known = state or Recent(contact=event.contact, lines={})
    lines = {**known.lines, event.event_id: line}
    latest = sorted(lines.items(), key=lambda item: (item[1].at, item[0]))[-KEPT:]
    return replace(known, lines=dict(latest)), []
