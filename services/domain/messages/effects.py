"""What follows from the steps of a send command, and what settles it, in the outbox's words."""

from services.domain.errors import explain
from services.domain.identity import derived_event_id
from services.domain.messages.aftermath import ended, overrules
from services.domain.messages.commands import KIND, CommandAccepted
from services.domain.messages.events import MessageSent, OutcomeReached
from services.domain.outbox.effects import Effects, Heard
from services.domain.outbox.entry import Entry
from services.domain.outbox.facts import Created, Refused
from services.domain.outbox.steps import Step
from services.domain.results import CommandResult, result

# What a refusal says of the person that gates do not go by.
_IDLE = frozenset({None, "marketing_capped"})


class MessageCreated(Created, frozen=True, kw_only=True):
    """Twilio took the message. `account_sid` and `segments` are known from its answer to the call alone."""

    status: str
    from_: str
    account_sid: str = ""
    segments: int | None = None


def _result(step: Step) -> CommandResult:
    command = step.accepted
    if not isinstance(command, CommandAccepted):
        return result(step, message_sid=step.sid, message_status=step.status)
    return result(step, segments=command.segments, encoding=command.encoding, estimate=command.estimate)


def _created(entry: Entry[CommandAccepted], created: MessageCreated, at: str, source: str) -> tuple[MessageSent]:
    command = entry.command
    named = command.template.name if command and command.template else None
    sent = MessageSent(
        event_id=derived_event_id(source, "sent", created.sid),
        tenant=entry.tenant,
        sent_at=at,
        contact=entry.order_key,
        command_id=entry.command_id,
        account_sid=created.account_sid,
        message_sid=created.sid,
        message_status=created.status,
        from_=created.from_,
        to=command.to if command else "",
        segments=created.segments,
        country=command.country if command else None,
        label=command.label if command else None,
        template=named or (command.content_sid if command else None),
        messaging_service_sid=command.messaging_service_sid if command else None,
    )
    return (sent,)


def _refused(entry: Entry[CommandAccepted], refused: Refused, at: str, source: str) -> tuple[OutcomeReached, ...]:
    """Of the person, where the refusal tells something of them."""
    if refused.code is None or (tells := explain(refused.code).tells) in _IDLE:
        return ()
    command = entry.command
    service = command.messaging_service_sid if command else None
    outcome = OutcomeReached(
        event_id=derived_event_id(source, "outcome", str(refused.code)),
        tenant=entry.tenant,
        at=at,
        contact=entry.order_key,
        command_id=entry.command_id,
        message_sid="",
        sender=(command.from_ if command else None) or service or "",
        messaging_service_sid=service,
        status="failed",
        error_code=refused.code,
        created_at=at if tells == "window_closed" else None,
        channel=command.channel if command else None,
    )
    return (outcome,)


def _heard(event: OutcomeReached) -> Heard:
    """A callback proves that there is a message; one that names none is a note of ours."""
    created = MessageCreated(sid=event.message_sid, status=event.status, from_=event.sender)
    return Heard(event.event_id, event.at, created if event.message_sid else None, "a status callback", ended(event))


EFFECTS = Effects(
    kind=KIND,
    command=CommandAccepted,
    result=_result,
    created=_created,
    refused=_refused,
    ended="message",
    overrules=overrules,
    heard={OutcomeReached: _heard},
)
