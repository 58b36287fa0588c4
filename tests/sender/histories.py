"""Commands and what becomes of them, for tests to be read as histories."""

from collections.abc import Iterable
from typing import Any, cast

from services.domain.due import Due
from services.domain.gate.question import Question
from services.domain.gate.receipt import Receipt
from services.domain.gate.view import View
from services.domain.messages.commands import CommandAccepted, Options
from services.domain.messages.effects import EFFECTS, MessageCreated
from services.domain.messages.events import MessageSent, OutcomeReached
from services.domain.outbox.accepted import CancelAccepted, ResolutionAccepted
from services.domain.outbox.entry import Entry, due, row_key
from services.domain.outbox.facts import (
    Attempted,
    Attempting,
    Checked,
    Created,
    Judged,
    Refused,
    Released,
    Settled,
    Unknown,
)
from services.domain.outbox.fold import Outbox
from services.domain.outbox.verdicts import Verdict
from services.domain.results import CommandResult, result

# As the sender has it.
OUTBOX = Outbox((EFFECTS,), result)
Event = Any
Derived = CommandResult | MessageSent | OutcomeReached

CONTACT = "acme|c0ffee"
COMMAND = "order-18473"


def at(second: float) -> str:
    return f"2026-02-21T18:{int(second) // 60:02}:{second % 60:06.3f}Z"


def accepted(command_id: str = COMMAND, content: str = "hello", **other: Any) -> CommandAccepted:
    """An accepted command; its fingerprint and event id are of its content, as intake makes them."""
    fields: dict[str, Any] = {
        "event_id": f"accepted {command_id} {content}",
        "tenant": "acme",
        "command_id": command_id,
        "contact": CONTACT,
        "accepted_at": at(0),
        "sequence": 0,
        "not_after": at(3000),
        "fingerprint": f"print of {content}",
        "channel": "sms",
        "country": "US",
        "to": "+14155550123",
        "from_": "+14155550100",
        "messaging_service_sid": None,
        "body": content,
        "media_urls": [],
        "content_sid": None,
        "content_variables": {},
        "urgent": False,
        "options": Options(),
    }
    return CommandAccepted(**fields | other)


def receipt(second: float = 0) -> Receipt:
    """What a decision was made of."""
    question = Question(
        tenant="acme",
        channel="sms",
        sender="+14155550100",
        scopes=["sender:+14155550100"],
        template=False,
        not_after=at(3000),
    )
    return Receipt(question=question, view=View(now=at(second)), offsets={"twilio.inbound.v1": 7})


def judged(verdict: Verdict, second: float = 5, command_id: str = COMMAND) -> Judged:
    return Judged(order_key=CONTACT, command_id=command_id, at=at(second), verdict=verdict, receipt=receipt(second))


def attempting(
    attempt: int, second: float = 1, command_id: str = COMMAND, purpose: str | None = "utility"
) -> Attempting:
    return Attempting(
        order_key=CONTACT,
        command_id=command_id,
        at=at(second),
        attempt=attempt,
        deadline=at(second + 5),
        purpose=purpose,
    )


def attempted(
    attempt: int, outcome: Created | Refused | Unknown, second: float = 2, command_id: str = COMMAND
) -> Attempted:
    return Attempted(order_key=CONTACT, command_id=command_id, at=at(second), attempt=attempt, outcome=outcome)


def created(sid: str = "SM1") -> MessageCreated:
    return MessageCreated(sid=sid, account_sid="AC1", status="queued", from_="+14155550100", segments=1)


def refused(code: int | None = 21211, retry_at: str | None = None, fault: Any = None) -> Refused:
    return Refused(code=code, reason="Twilio said so", retry_at=retry_at, fault=fault)


def released(condition: str, second: float = 8, command_id: str = COMMAND) -> Released:
    return Released(order_key=CONTACT, command_id=command_id, at=at(second), condition=condition)


def canceled(second: float = 3, command_id: str = COMMAND) -> CancelAccepted:
    """Somebody does not want it any more."""
    return CancelAccepted(
        event_id=f"cancel {command_id} {second}",
        tenant="acme",
        command_id=command_id,
        contact=CONTACT,
        accepted_at=at(second),
        by="ann",
        note="they called",
    )


def outcome(
    sid: str = "SM1",
    second: float = 9,
    command_id: str | None = COMMAND,
    status: str = "delivered",
    code: int | None = None,
) -> OutcomeReached:
    """What a signed status callback led to."""
    return OutcomeReached(
        event_id=f"outcome {sid} {status} {code}",
        tenant="acme",
        at=at(second),
        contact=CONTACT,
        command_id=command_id,
        message_sid=sid,
        sender="+14155550100",
        status=status,
        error_code=code,
        error_status=status if code else None,
        error_at=at(second) if code else None,
    )


def settled(sid: str = "SM1", second: float = 9, command_id: str = COMMAND) -> Settled:
    """What was found out about a command otherwise."""
    return Settled(
        order_key=CONTACT,
        command_id=command_id,
        at=at(second),
        created=MessageCreated(sid=sid, status="sent", from_="+14155550100"),
        how="looking at Twilio's list",
    )


def resolved(sid: str | None = "SM1", second: float = 9, command_id: str = COMMAND) -> ResolutionAccepted:
    """What a person found out; without a message: that none was sent."""
    return ResolutionAccepted(
        event_id=f"resolution {sid} {second}",
        tenant="acme",
        command_id=command_id,
        contact=CONTACT,
        accepted_at=at(second),
        outcome="sent" if sid else "not_sent",
        by="ann",
        sid=sid,
        note="asked them",
    )


def checked(sid: str = "SM1", second: float = 9, refused: str | None = None, said: float | None = None) -> Checked:
    """The message of what a person found out at `said` was looked up at `second`."""
    said = second if said is None else said
    return Checked(
        order_key=CONTACT, command_id=COMMAND, at=at(second), resolution=f"resolution {sid} {said}", refused=refused,
        created=None if refused else MessageCreated(sid=sid, status="sent", from_="+14155550100"),
    )  # fmt: skip


def woken(entry: Entry, now: str) -> Due | None:
    """What a row is given once the time has come that it asked for."""
    asked = due(entry)
    return Due(key=row_key(entry), at=asked) if asked is not None and asked <= now else None


def fold(entry: Entry | None, event: Event) -> tuple[Entry | None, list[Derived]]:
    """Join one event, as the sender does."""
    after, told = OUTBOX.fold(entry, event)
    return after, cast(list[Derived], told)


def history(events: Iterable[Event], entry: Entry | None = None) -> tuple[Entry | None, list[Derived]]:
    """The row after these events, and all that they led to."""
    told: list[Derived] = []
    for event in events:
        entry, derived = fold(entry, event)
        told += derived
    return entry, told


def steps(told: Iterable[Derived]) -> list[str]:
    """The steps of the results among these events."""
    return [one.step for one in told if isinstance(one, CommandResult)]
