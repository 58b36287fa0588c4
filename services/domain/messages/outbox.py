"""The outbox fold: what has become of each command. pending → attempted → settled; between them deferred or ambiguous.

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
from services.domain.messages.aftermath import MessageEnded, ended, overrules
from services.domain.messages.commands import (
    TERMINAL,
    CancelAccepted,
    CommandAccepted,
    CommandResult,
    ResolutionAccepted,
    StepName,
)
from services.domain.messages.errors import explain
from services.domain.messages.events import MessageSent, OutcomeReached
from services.domain.messages.gate import Receipt, Verdict, early, expired


class Entry(msgspec.Struct, frozen=True, kw_only=True):
    """A command as the sender remembers it. Key: contact and command id.

    `command` is dropped once it is settled; the fingerprint stays until `forget_at`, so that its id is known as used.
    It is empty while only a cancel has come. What is deferred waits until `until`, or until what `condition` names is
    over; `released_at` is when it was over. `cancel`: what ends it should it ever wait again.
    """

    tenant: str
    command_id: str
    contact: str
    fingerprint: str
    state: Literal["pending", "deferred", "attempted", "ambiguous", "settled"]
    command: CommandAccepted | None
    attempt: int = 0
    until: str | None = None
    condition: str | None = None
    released_at: str | None = None
    deadline: str | None = None
    message_sid: str | None = None
    forget_at: str | None = None
    ambiguous_at: str | None = None
    # Fingerprints of other contents that came under this id, each told once.
    others: tuple[str, ...] = ()
    # What it was told to wait for, each once; and the cancels that were answered.
    waited_for: tuple[str, ...] = ()
    cancel: CancelAccepted | None = None
    answered: tuple[str, ...] = ()
    # Messages that are said to be this command's, and that nobody has looked up yet.
    claims: tuple[ResolutionAccepted, ...] = ()
    # Event ids of the same content, each answered; how far it has come, and how its message ended.
    taken: tuple[str, ...] = ()
    last_step: StepName | None = None
    last_code: int | None = None
    message: MessageEnded | None = None


class Judged(msgspec.Struct, frozen=True, kw_only=True):
    """The gate refused or deferred a pending command. Without a receipt it is its lane that is stopped."""

    contact: str
    command_id: str
    at: str
    verdict: Verdict
    receipt: Receipt | None = None


class Released(msgspec.Struct, frozen=True, kw_only=True):
    """What a deferred command waited for is over."""

    contact: str
    command_id: str
    at: str
    condition: str


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
    """Twilio refused, or was never reached: nothing was created. `retry_at` when it will be tried again.

    A `retry_at` that is not later than the attempt's end: nobody was called, and the command keeps its place. So it
    does where somebody else is at `fault`: then its lane stops.
    """

    code: int | None
    reason: str
    retry_at: str | None = None
    fault: Literal["house", "account", "sender"] | None = None


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


class Checked(msgspec.Struct, frozen=True, kw_only=True):
    """The message of a resolution was looked up at Twilio. `refused`: why it is not this command's; null: it is."""

    contact: str
    command_id: str
    at: str
    resolution: str
    refused: str | None = None
    status: str = ""
    sender: str = ""


FACTS = (
    CommandAccepted,
    ResolutionAccepted,
    CancelAccepted,
    OutcomeReached,
    Judged,
    Released,
    Attempting,
    Attempted,
    Settled,
    Checked,
)
Fact = (
    CommandAccepted
    | ResolutionAccepted
    | CancelAccepted
    | OutcomeReached
    | Judged
    | Released
    | Attempting
    | Attempted
    | Settled
    | Checked
)
Event = Fact | Due
Derived = CommandResult | MessageSent | OutcomeReached
# What a refusal says of the person that gates go by.
_TELLING = frozenset({"opted_out", "window_closed"})
# Answers to what came beside: they are no step of the command's own.
_BESIDE: frozenset[StepName] = frozenset(
    {"repeated", "duplicate", "cancel_remembered", "cancel_too_late", "resolution_refused", "message"}
)
# How long a command id is known as used.
REMEMBER_DAYS = 30
# Of each id; a producer that gives all its commands one id must not make a row without end.
REMEMBER_OTHERS = 16
# Of one command; one more is refused at once, so that none that waits is dropped.
MOST_CLAIMS = 8
# What rows are listed under: those whose attempt has no known end; and what the names begin with of all that may go,
# and of all that are deferred.
IN_DOUBT = "doubt"
IN_A_LANE = "lane "
DEFERRED = "waits "
_NOT_YET = "no such command has come yet; it is canceled when it comes"
_UNDER_WAY = "it is being sent; should Twilio not take it, it is canceled"
_IN_DOUBT = "it may have been sent; it is not tried again"
# Of those that wait for a time alone.
FOR_A_TIME = "time"


def row_key(event: Fact | Entry) -> str:
    """The key of a command's row: within its contact's partition, `{contact} {command id}`."""
    return f"{event.contact} {event.command_id or ''}"


def contact_of(key: str) -> str:
    """The contact in a row's key. There is no blank in a contact key; in a command id there may be."""
    return key.partition(" ")[0]


def due(entry: Entry) -> str | None:
    """A command that waits expires, or waits no more for a time; one that is settled is forgotten."""
    if entry.state in ("pending", "deferred") and entry.command is not None:
        # Valid until that very moment.
        end = later(entry.command.not_after, 0.001)
        return end if entry.until is None else min(end, entry.until)
    return entry.forget_at


def is_open(entry: Entry) -> bool:
    """Is it still to be sent, or just being sent?"""
    return entry.state in ("pending", "deferred", "attempted")


def lists(entry: Entry) -> tuple[str, ...]:
    """The names that a row is listed under: its contact's order while it is not settled, then what it waits for.

    That is its lane, in the order of acceptance or release; or, from its attempt on, that its end be known. What is
    deferred stands in no order, and is listed under what holds it.
    """
    command = entry.command
    if entry.state == "settled" or command is None:
        return ()
    if entry.state == "deferred":
        return (f"{held_by(entry.condition or FOR_A_TIME)}{entry.until or ''}",)
    number = f"{command.sequence:020}"
    ordered = f"{in_contact(entry.contact)}{_rank(command.urgent)} {command.accepted_at} {number}"
    if entry.state != "pending":
        return ordered, IN_DOUBT
    place = f"{entry.released_at or command.accepted_at} {number}"
    return ordered, f"{in_lane(entry.tenant, command.sender, command.urgent)}{place}"


def held_by(condition: str) -> str:
    """What names begin with under which commands are listed that one condition holds."""
    return f"{DEFERRED}{condition}\n"


def condition_of(name: str) -> str | None:
    """The condition in a name that a row is listed under; None for a time alone."""
    condition = name.removeprefix(DEFERRED).partition("\n")[0]
    return None if condition == FOR_A_TIME else condition


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
    after, derived = _joined(entry, event)
    for told in derived:
        if after is not None and isinstance(told, CommandResult) and told.step not in _BESIDE:
            after = replace(after, last_step=told.step, last_code=told.code)
    return after, derived


def _joined(entry: Entry | None, event: Event) -> tuple[Entry | None, list[Derived]]:
    if isinstance(event, CommandAccepted):
        return _accepted(entry, event)
    if isinstance(event, CancelAccepted):
        return _cancel(entry, event)
    if entry is None:
        return None, []
    match event:
        case Judged():
            return _judged(entry, event)
        case Released():
            return _released(entry, event)
        case Attempting():
            return _attempting(entry, event)
        case Attempted():
            return _attempted(entry, event)
        case OutcomeReached():
            return _outcome(entry, event)
        case Settled():
            return _found_out(entry, event)
        case ResolutionAccepted():
            return _resolved(entry, event)
        case Checked():
            return _checked(entry, event)
        case Due():
            return _due(entry, event)


def _accepted(entry: Entry | None, command: CommandAccepted) -> tuple[Entry, list[Derived]]:
    if entry is None or not entry.fingerprint:
        fresh = Entry(
            tenant=command.tenant,
            command_id=command.command_id,
            contact=command.contact,
            fingerprint=command.fingerprint,
            state="pending",
            command=command,
            taken=(command.event_id,),
        )
        return _begun(fresh if entry is None else replace(fresh, answered=entry.answered), command, entry)
    if command.fingerprint == entry.fingerprint:
        return _repeated(entry, command)
    if command.fingerprint in entry.others:
        return entry, []
    told = replace(entry, others=(*entry.others, command.fingerprint)[-REMEMBER_OTHERS:])
    reason = "this command id was used before with other content; nothing is sent for this one"
    duplicate = _result(told, "duplicate", command.accepted_at, command.event_id)
    return told, [replace(duplicate, reason=reason, remedy="Give each command an id of its own.")]


def _repeated(entry: Entry, command: CommandAccepted) -> tuple[Entry, list[Derived]]:
    """The same fact again says nothing new; the same command, produced again, is told how far it has come."""
    if command.event_id in entry.taken:
        return entry, []
    entry = replace(entry, taken=(*entry.taken, command.event_id)[-REMEMBER_OTHERS:])
    ended = entry.message
    repeated = replace(
        _result(entry, "repeated", command.accepted_at, command.event_id),
        last_step=entry.last_step,
        message_sid=ended.message_sid if ended else entry.message_sid,
        message_status=ended.status if ended else None,
        code=(ended.error_code if ended else None) or entry.last_code,
        reason="this command was taken before; nothing more is sent for this one",
    )
    return entry, [repeated]


def _begun(entry: Entry, command: CommandAccepted, before: Entry | None) -> tuple[Entry, list[Derived]]:
    """A command has come: it may go, waits for its time, or was canceled before."""
    at = command.accepted_at
    accepted = _result(entry, "accepted", at, command.event_id)
    told: list[Derived] = [replace(accepted, segments=command.segments, encoding=command.encoding)]
    if before is not None and before.cancel is not None:
        ended, canceled = _canceled(entry, before.cancel, max(at, before.cancel.accepted_at))
        return ended, [*told, canceled]
    if command.not_before is None or command.not_before <= at:
        return entry, told
    waiting, deferred = _deferred(entry, at, early(command.not_before), None)
    return waiting, [*told, *deferred]


def _judged(entry: Entry, event: Judged) -> tuple[Entry, list[Derived]]:
    if entry.state != "pending" or event.verdict.decision == "allow":
        return entry, []
    step: StepName = event.verdict.decision
    if step == "deferred":
        return _deferred(entry, event.at, event.verdict, event.receipt)
    return _settled(entry, event.at), [_verdict(entry, step, event.at, event.verdict, event.receipt)]


def _deferred(entry: Entry, at: str, verdict: Verdict, receipt: Receipt | None) -> tuple[Entry, list[Derived]]:
    """It waits, out of the order of its contact and lane; or stays in both, where the lane is stopped. Told once."""
    if verdict.until is not None or verdict.condition is not None:
        entry = replace(entry, state="deferred", until=verdict.until, condition=verdict.condition, deadline=None)
    reason = _reason(verdict)
    if reason in entry.waited_for:
        return entry, []
    told = _verdict(entry, "deferred", at, verdict, receipt)
    return replace(entry, waited_for=(*entry.waited_for, reason)[-REMEMBER_OTHERS:]), [told]


def _reason(verdict: Verdict) -> str:
    """What tells one reason to wait from another."""
    return f"{verdict.rule} {verdict.condition or ''}"


def _released(entry: Entry, event: Released) -> tuple[Entry, list[Derived]]:
    if entry.state != "deferred" or entry.condition != event.condition:
        return entry, []
    return _freed(entry, event.at), []


def _freed(entry: Entry, at: str) -> Entry:
    """It may go again: in its contact's order by acceptance, in its lane by the time of its release."""
    return replace(entry, state="pending", until=None, condition=None, released_at=at)


def _cancel(entry: Entry | None, cancel: CancelAccepted) -> tuple[Entry, list[Derived]]:
    if entry is None:
        return _remembered(cancel)
    if cancel.event_id in entry.answered:
        return entry, []
    at, answered = cancel.accepted_at, (*entry.answered, cancel.event_id)[-REMEMBER_OTHERS:]
    entry = replace(entry, answered=answered)
    if not entry.fingerprint:
        forget_at = max(entry.forget_at or "", later(at, REMEMBER_DAYS * 86_400))
        return replace(entry, forget_at=forget_at), [_answer(entry, "cancel_remembered", cancel, _NOT_YET)]
    if entry.state in ("pending", "deferred"):
        ended, canceled = _canceled(entry, cancel, at)
        return ended, [canceled]
    if entry.state == "attempted":
        return replace(entry, cancel=cancel), [_answer(entry, "cancel_too_late", cancel, _UNDER_WAY)]
    why = _IN_DOUBT if entry.state == "ambiguous" else "it has ended before"
    return entry, [_answer(entry, "cancel_too_late", cancel, why)]


def _remembered(cancel: CancelAccepted) -> tuple[Entry, list[Derived]]:
    entry = Entry(
        tenant=cancel.tenant,
        command_id=cancel.command_id,
        contact=cancel.contact,
        fingerprint="",
        state="settled",
        command=None,
        forget_at=later(cancel.accepted_at, REMEMBER_DAYS * 86_400),
        cancel=cancel,
        answered=(cancel.event_id,),
    )
    return entry, [_answer(entry, "cancel_remembered", cancel, _NOT_YET)]


def _canceled(entry: Entry, cancel: CancelAccepted, at: str) -> tuple[Entry, CommandResult]:
    return _settled(entry, at), replace(
        _result(entry, "canceled", at, cancel.event_id),
        category="canceled",
        reason=f"canceled by {cancel.by}{f': {cancel.note}' if cancel.note else ''}",
    )


def _answer(entry: Entry, step: StepName, cancel: CancelAccepted, why: str) -> CommandResult:
    """What a cancel is told that ended nothing."""
    return replace(_result(entry, step, cancel.accepted_at, cancel.event_id), category="canceled", reason=why)


def _due(entry: Entry, event: Due) -> tuple[Entry | None, list[Derived]]:
    asked = due(entry)
    if asked is None or asked > event.at:
        return entry, []
    if entry.command is None:
        return None, []
    if entry.until == asked:
        return _freed(entry, event.at), []
    # Nothing but the time was looked at. Its id is remembered from when it came: it may have been too late already.
    verdict = expired(entry.command.not_after)
    return _settled(entry, max(event.at, entry.command.accepted_at)), [
        _verdict(entry, "expired", event.at, verdict, None)
    ]


def _verdict(entry: Entry, step: StepName, at: str, verdict: Verdict, receipt: Receipt | None) -> CommandResult:
    reason = f":{_reason(verdict)}" if step == "deferred" else ""
    return replace(
        _result(entry, step, at, f"{entry.fingerprint}{reason}"),
        category=verdict.rule,
        reason=verdict.reason,
        remedy=verdict.remedy,
        receipt=receipt,
    )


def _attempting(entry: Entry, event: Attempting) -> tuple[Entry, list[Derived]]:
    if entry.state != "pending" or event.attempt != entry.attempt + 1:
        return entry, []
    attempted = replace(entry, state="attempted", attempt=event.attempt, deadline=event.deadline)
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
        case Refused() as refused if refused.retry_at is not None or refused.fault is not None:
            return _given_back(entry, event.at, source, refused)
        case Refused() as refused:
            failed = _settled(entry, event.at)
            derived: list[Derived] = [_refusal(failed, "failed", event.at, source, refused)]
            if refused.code is not None and explain(refused.code).tells in _TELLING:
                derived.append(_of_the_person(entry, event.at, source, refused.code))
            return failed, derived


def _given_back(entry: Entry, at: str, source: str, refused: Refused) -> tuple[Entry, list[Derived]]:
    """Nothing was created, and it is to be tried again: now in its place, or out of the order after a while."""
    waiting = replace(entry, state="pending", deadline=None)
    if entry.cancel is not None:
        ended, canceled = _canceled(entry, entry.cancel, at)
        return ended, [_refusal(waiting, "retrying", at, source, refused), canceled]
    if refused.fault is not None:
        info = explain(refused.code)
        held = Verdict("deferred", refused.fault, refused.reason, info.remedy)
        waiting, told = _deferred(waiting, at, held, None)
        if told:
            return waiting, [replace(one, code=refused.code) for one in told if isinstance(one, CommandResult)]
    elif refused.retry_at is not None and refused.retry_at > at:
        waiting = replace(waiting, state="deferred", until=refused.retry_at)
    return waiting, [_refusal(waiting, "retrying", at, source, refused)]


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


def _outcome(entry: Entry, event: OutcomeReached) -> tuple[Entry, list[Derived]]:
    """What is heard of a message: proof that there is one, and how it ended, also where all else says there is none."""
    entry, derived = _found_out(entry, _by_callback(entry, event))
    end = ended(event)
    # Only a cancel has come: what was before it is forgotten.
    if end is None or not entry.fingerprint or not overrules(end, entry.message):
        return entry, derived
    info = explain(end.error_code) if end.error_code else None
    told = replace(
        _result(entry, "message", event.at, event.event_id),
        message_sid=end.message_sid,
        message_status=end.status,
        code=end.error_code,
        category=info.category if info else None,
        remedy=info.remedy if info else None,
    )
    return replace(entry, message=end), [*derived, told]


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
    if event.outcome == "sent":
        return _claimed(entry, event)
    how = _by_whom(event)
    result = _result(entry, "failed", event.accepted_at, f"{entry.fingerprint}:{entry.attempt}")
    return _settled(entry, event.accepted_at), [
        replace(
            result,
            category="ambiguous",
            reason=f"not sent, as found out by {how}",
            remedy="If it is still wanted, produce it again under a new command id.",
        )
    ]


def _claimed(entry: Entry, event: ResolutionAccepted) -> tuple[Entry, list[Derived]]:
    """Anybody who may produce may say so: it counts once Twilio has said that it is a message to this person."""
    if event.event_id in (*entry.answered, *(one.event_id for one in entry.claims)):
        return entry, []
    if len(entry.claims) >= MOST_CLAIMS:
        return _refuted(entry, event, event.accepted_at, "others wait to be looked up; say it again in a minute")
    return replace(entry, claims=(*entry.claims, event)), []


def _checked(entry: Entry, event: Checked) -> tuple[Entry, list[Derived]]:
    claim = next((one for one in entry.claims if one.event_id == event.resolution), None)
    if claim is None:
        return entry, []
    if event.refused is not None:
        return _refuted(entry, claim, event.at, event.refused)
    found = Settled(
        contact=entry.contact,
        command_id=entry.command_id,
        at=event.at,
        message_sid=claim.message_sid or "",
        how=_by_whom(claim),
        status=event.status,
        sender=event.sender,
    )
    return _found_out(entry, found)


def _refuted(entry: Entry, claim: ResolutionAccepted, at: str, why: str) -> tuple[Entry, list[Derived]]:
    answered = (*entry.answered, claim.event_id)[-REMEMBER_OTHERS:]
    kept = replace(entry, answered=answered, claims=tuple(one for one in entry.claims if one is not claim))
    told = _result(entry, "resolution_refused", at, claim.event_id)
    return kept, [replace(told, category="ambiguous", reason=f"{claim.message_sid}, said by {_by_whom(claim)}: {why}")]


def _by_whom(event: ResolutionAccepted) -> str:
    return f"{event.by}{f': {event.note}' if event.note else ''}"


def _settled(entry: Entry, at: str, message_sid: str | None = None) -> Entry:
    return replace(
        entry,
        state="settled",
        command=None,
        until=None,
        condition=None,
        released_at=None,
        cancel=None,
        deadline=None,
        ambiguous_at=None,
        claims=(),
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


def _of_the_person(entry: Entry, at: str, source: str, code: int) -> OutcomeReached:
    command = entry.command
    service = command.messaging_service_sid if command else None
    return OutcomeReached(
        event_id=derived_event_id(source, "outcome", str(code)),
        tenant=entry.tenant,
        at=at,
        contact=entry.contact,
        command_id=entry.command_id,
        message_sid="",
        sender=(command.from_ if command else None) or service or "",
        messaging_service_sid=service,
        status="failed",
        error_code=code,
        created_at=at if explain(code).tells == "window_closed" else None,
    )
