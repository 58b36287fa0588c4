"""The outbox fold: what has become of each command. pending → attempted → settled, with `ambiguous` between.

Rows are folded from the log (commands, outcomes) and from what the sender itself does. The state machine holds the
promise: an attempt is on the log before the call, and nothing leads from `attempted` back to `pending` but the proof
that Twilio created nothing.
"""

from typing import Literal

import msgspec
from msgspec.structs import replace

from services.domain.clock import later
from services.domain.due import Due
from services.domain.identity import derived_event_id
from services.domain.messages.commands import (
    TERMINAL,
    CommandAccepted,
    CommandResult,
    ResolutionAccepted,
    StepName,
)
from services.domain.messages.errors import OPTED_OUT, explain
from services.domain.messages.events import MessageSent, OutcomeReached
from services.domain.messages.gate import Receipt, Verdict, expired


class Entry(msgspec.Struct, frozen=True, kw_only=True):
    """A command as the sender remembers it. Key: contact and command id.

    `command` is dropped once it is settled; the fingerprint stays until `forget_at`, so that its id is known as used.
    """

    tenant: str
    command_id: str
    contact: str
    fingerprint: str
    state: Literal["pending", "attempted", "ambiguous", "settled"]
    command: CommandAccepted | None
    attempt: int = 0
    not_before: str | None = None
    deadline: str | None = None
    message_sid: str | None = None
    forget_at: str | None = None
    ambiguous_at: str | None = None
    # Fingerprints of other contents that came under this id, each told once.
    others: tuple[str, ...] = ()


class Judged(msgspec.Struct, frozen=True, kw_only=True):
    """The gate refused a pending command."""

    contact: str
    command_id: str
    at: str
    verdict: Verdict
    receipt: Receipt


class Attempting(msgspec.Struct, frozen=True, kw_only=True):
    """A call is about to be made, if it can be made before `deadline`."""

    contact: str
    command_id: str
    at: str
    attempt: int
    deadline: str
    receipt: Receipt | None = None


class Created(msgspec.Struct, frozen=True, kw_only=True):
    """Twilio took the message."""

    message_sid: str
    account_sid: str
    status: str
    from_: str
    segments: int | None


class Refused(msgspec.Struct, frozen=True, kw_only=True):
    """Twilio refused, or was never reached: nothing was created. `retry_at` when it will be tried again."""

    code: int | None
    reason: str
    retry_at: str | None = None


class Unknown(msgspec.Struct, frozen=True, kw_only=True):
    """The call was made and its end is not known: the message may have been created."""

    reason: str


class Attempted(msgspec.Struct, frozen=True, kw_only=True):
    """How an attempt ended."""

    contact: str
    command_id: str
    at: str
    attempt: int
    outcome: Created | Refused | Unknown


class Settled(msgspec.Struct, frozen=True, kw_only=True):
    """It was found out otherwise how an ambiguous command ended: `how` says in which way."""

    contact: str
    command_id: str
    at: str
    message_sid: str
    how: str
    status: str = ""
    sender: str = ""


Fact = CommandAccepted | ResolutionAccepted | OutcomeReached | Judged | Attempting | Attempted | Settled
Event = Fact | Due
FACTS = (CommandAccepted, ResolutionAccepted, OutcomeReached, Judged, Attempting, Attempted, Settled)
Derived = CommandResult | MessageSent | OutcomeReached
# How long a command id is known as used.
REMEMBER_DAYS = 30
# Of each id; a producer that gives all its commands one id must not make a row without end.
REMEMBER_OTHERS = 16
# What rows are listed under: those whose attempt has no known end, and what the names of all that wait begin with.
IN_DOUBT = "doubt"
IN_A_LANE = "lane "


def row_key(event: Fact | Entry) -> str:
    """The key of a command's row: within its contact's partition, `{contact} {command id}`."""
    return f"{event.contact} {event.command_id or ''}"


def contact_of(key: str) -> str:
    """The contact in a row's key. There is no blank in a contact key; in a command id there may be."""
    return key.partition(" ")[0]


def due(entry: Entry) -> str | None:
    """A command that waits expires; one that is settled is forgotten."""
    if entry.state == "pending" and entry.command is not None:
        # Valid until that very moment.
        return later(entry.command.not_after, 0.001)
    return entry.forget_at


def is_open(entry: Entry) -> bool:
    """Is it still to be sent, or just being sent?"""
    return entry.state in ("pending", "attempted")


def lists(entry: Entry) -> tuple[str, ...]:
    """The names that a row is listed under: its contact's order while it is not settled, then what it waits for.

    That is its lane, in the order of acceptance; or, from its attempt on, that its end be known.
    """
    command = entry.command
    if entry.state == "settled" or command is None:
        return ()
    place = f"{command.accepted_at} {command.sequence:020}"
    ordered = f"{in_contact(entry.contact)}{_rank(command.urgent)} {place}"
    if entry.state != "pending":
        return ordered, IN_DOUBT
    return ordered, f"{in_lane(entry.tenant, command.sender, command.urgent)}{place}"


def in_contact(contact: str) -> str:
    """What names begin with under which a contact's open commands are listed: the urgent first, then as accepted."""
    return f"contact {contact} "


def in_lanes(tenant: str) -> str:
    """What names begin with under which a tenant's commands are listed that wait."""
    return f"{IN_A_LANE}{tenant}\n"


def in_lane(tenant: str, sender: str, urgent: bool) -> str:
    """The same, of one sender; the urgent ones or the others."""
    return f"{in_lanes(tenant)}{sender}\n{_rank(urgent)} "


def _rank(urgent: bool) -> str:
    # As words they sort the urgent first.
    return "urgent" if urgent else "usual"


def fold(entry: Entry | None, event: Event) -> tuple[Entry | None, list[Derived]]:
    """Join one event. What does not fit the state (late, repeated, of a forgotten command) changes nothing."""
    if isinstance(event, CommandAccepted):
        return _accepted(entry, event)
    if entry is None:
        return None, []
    match event:
        case Judged():
            return _judged(entry, event)
        case Attempting():
            return _attempting(entry, event)
        case Attempted():
            return _attempted(entry, event)
        case OutcomeReached():
            return _found_out(entry, _by_callback(entry, event))
        case Settled():
            return _found_out(entry, event)
        case ResolutionAccepted():
            return _resolved(entry, event)
        case Due():
            return _due(entry, event)


def _accepted(entry: Entry | None, command: CommandAccepted) -> tuple[Entry, list[Derived]]:
    if entry is None:
        fresh = Entry(
            tenant=command.tenant,
            command_id=command.command_id,
            contact=command.contact,
            fingerprint=command.fingerprint,
            state="pending",
            command=command,
        )
        return fresh, [_result(fresh, "accepted", command.accepted_at, command.event_id)]
    if command.fingerprint == entry.fingerprint or command.fingerprint in entry.others:
        return entry, []
    told = replace(entry, others=(*entry.others, command.fingerprint)[-REMEMBER_OTHERS:])
    reason = "this command id was used before with other content; nothing is sent for this one"
    duplicate = _result(told, "duplicate", command.accepted_at, command.event_id)
    return told, [replace(duplicate, reason=reason, remedy="Give each command an id of its own.")]


def _judged(entry: Entry, event: Judged) -> tuple[Entry, list[Derived]]:
    if entry.state != "pending" or event.verdict.decision == "allow":
        return entry, []
    step: StepName = event.verdict.decision
    return _settled(entry, event.at), [_verdict(entry, step, event.at, event.verdict, event.receipt)]


def _due(entry: Entry, event: Due) -> tuple[Entry | None, list[Derived]]:
    asked = due(entry)
    if asked is None or asked > event.at:
        return entry, []
    if entry.command is None:
        return None, []
    # Nothing but the time was looked at. Its id is remembered from when it came: it may have been too late already.
    verdict = expired(entry.command.not_after)
    return _settled(entry, max(event.at, entry.command.accepted_at)), [
        _verdict(entry, "expired", event.at, verdict, None)
    ]


def _verdict(entry: Entry, step: StepName, at: str, verdict: Verdict, receipt: Receipt | None) -> CommandResult:
    return replace(
        _result(entry, step, at, entry.fingerprint),
        category=verdict.rule,
        reason=verdict.reason,
        remedy=verdict.remedy,
        receipt=receipt,
    )


def _attempting(entry: Entry, event: Attempting) -> tuple[Entry, list[Derived]]:
    if entry.state != "pending" or event.attempt != entry.attempt + 1:
        return entry, []
    attempted = replace(entry, state="attempted", attempt=event.attempt, deadline=event.deadline, not_before=None)
    result = _result(attempted, "attempted", event.at, f"{entry.fingerprint}:{event.attempt}")
    return attempted, [replace(result, receipt=event.receipt)]


def _attempted(entry: Entry, event: Attempted) -> tuple[Entry, list[Derived]]:
    if entry.state != "attempted" or event.attempt != entry.attempt:
        return entry, []
    source = f"{entry.fingerprint}:{event.attempt}"
    match event.outcome:
        case Created() as created:
            sent = _settled(entry, event.at, created.message_sid)
            return sent, [_result(sent, "sent", event.at, source), _message(entry, created, event.at, source)]
        case Unknown(reason=reason):
            ambiguous = replace(entry, state="ambiguous", ambiguous_at=event.at)
            return ambiguous, [replace(_result(ambiguous, "ambiguous", event.at, source), reason=reason)]
        case Refused() as refused if refused.retry_at is not None:
            waiting = replace(entry, state="pending", not_before=refused.retry_at, deadline=None)
            return waiting, [_refusal(waiting, "retrying", event.at, source, refused)]
        case Refused() as refused:
            failed = _settled(entry, event.at)
            derived: list[Derived] = [_refusal(failed, "failed", event.at, source, refused)]
            if refused.code == OPTED_OUT:
                derived.append(_opted_out(entry, event.at, source))
            return failed, derived


def _found_out(entry: Entry, found: Settled) -> tuple[Entry, list[Derived]]:
    # A message that is known to be this command's is the proof that it was created. It also ends a pending command:
    # whatever was believed of its attempts, one more would be a second message.
    if entry.state == "settled" or not found.message_sid:
        return entry, []
    sent = _settled(entry, found.at, found.message_sid)
    source = f"{entry.fingerprint}:{entry.attempt}"
    result = replace(_result(sent, "sent", found.at, source), reason=f"settled by {found.how}")
    # Whoever found it tells of the message, not of its account.
    created = Created(
        message_sid=found.message_sid, account_sid="", status=found.status, from_=found.sender, segments=None
    )
    return sent, [result, _message(entry, created, found.at, source)]


def _by_callback(entry: Entry, event: OutcomeReached) -> Settled:
    return Settled(
        contact=entry.contact,
        command_id=entry.command_id,
        at=event.at,
        message_sid=event.message_sid,
        how="a status callback",
        status=event.status,
        sender=event.sender,
    )


def _resolved(entry: Entry, event: ResolutionAccepted) -> tuple[Entry, list[Derived]]:
    # Of a command that waits, or is being tried, nobody can know the end yet.
    if entry.state != "ambiguous":
        return entry, []
    how = f"{event.by}{f': {event.note}' if event.note else ''}"
    if event.outcome == "sent":
        found = Settled(
            contact=entry.contact,
            command_id=entry.command_id,
            at=event.accepted_at,
            message_sid=event.message_sid or "",
            how=how,
        )
        return _found_out(entry, found)
    result = _result(entry, "failed", event.accepted_at, f"{entry.fingerprint}:{entry.attempt}")
    return _settled(entry, event.accepted_at), [
        replace(
            result,
            category="ambiguous",
            reason=f"not sent, as found out by {how}",
            remedy="If it is still wanted, produce it again under a new command id.",
        )
    ]


def _settled(entry: Entry, at: str, message_sid: str | None = None) -> Entry:
    return replace(
        entry,
        state="settled",
        command=None,
        not_before=None,
        deadline=None,
        ambiguous_at=None,
        message_sid=message_sid,
        forget_at=later(at, REMEMBER_DAYS * 86_400),
    )


def _result(entry: Entry, step: StepName, at: str, source: str) -> CommandResult:
    return CommandResult(
        event_id=derived_event_id(source, "result", f"{entry.contact} {entry.command_id} {step}"),
        tenant=entry.tenant,
        command_id=entry.command_id,
        contact=entry.contact,
        at=at,
        step=step,
        terminal=step in TERMINAL,
        attempt=entry.attempt,
        message_sid=entry.message_sid,
    )


def _refusal(entry: Entry, step: StepName, at: str, source: str, refused: Refused) -> CommandResult:
    info = explain(refused.code)
    return replace(
        _result(entry, step, at, source),
        code=refused.code,
        category=info.category,
        reason=refused.reason,
        remedy=info.remedy,
    )


def _message(entry: Entry, created: Created, at: str, source: str) -> MessageSent:
    return MessageSent(
        event_id=derived_event_id(source, "sent", created.message_sid),
        tenant=entry.tenant,
        sent_at=at,
        contact=entry.contact,
        command_id=entry.command_id,
        account_sid=created.account_sid,
        message_sid=created.message_sid,
        message_status=created.status,
        from_=created.from_,
        to=entry.command.to if entry.command else "",
        segments=created.segments,
    )


def _opted_out(entry: Entry, at: str, source: str) -> OutcomeReached:
    return OutcomeReached(
        event_id=derived_event_id(source, "outcome", str(OPTED_OUT)),
        tenant=entry.tenant,
        at=at,
        contact=entry.contact,
        command_id=entry.command_id,
        message_sid="",
        sender=entry.command.sender if entry.command else "",
        status="failed",
        error_code=OPTED_OUT,
    )
