"""Intake: public commands, of any key, become accepted ones keyed by contact, or one `rejected` result.

Stateless, so that a command produced twice is forwarded twice; the outbox knows it by its id.
"""

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

import msgspec

from services.contract.commands import Public, read_command, read_message_command, read_object
from services.domain.clock import iso
from services.domain.consent import intake as consent_intake
from services.domain.consent.commands import ConsentAccepted, RecordConsent
from services.domain.identity import derived_event_id, raw_event_id
from services.domain.messages import intake
from services.domain.messages.commands import (
    CommandAccepted,
    CommandResult,
    ResolutionAccepted,
    ResolveAmbiguous,
    SendMessage,
)
from services.domain.messages.intake import Rules
from services.runtime.config import Settings
from services.runtime.folding.fold import Record


class Requested(NamedTuple):
    """A public command as read: typed, or what is wrong with its form. `sequence` is its offset."""

    tenant: str
    command_id: str
    command: Public | list[str]
    at: str
    sequence: int
    # It says of itself that it is a resolution of another command.
    resolves: bool = False


Accepted = CommandAccepted | ConsentAccepted | ResolutionAccepted


def tenant_rules(settings: Settings) -> dict[str, Rules]:
    """What intake must know, by tenant."""
    return {
        name: Rules(
            contact_secret=tenant.contact_secret.get_secret_value().encode(),
            lifetime=settings.sender.not_after_s,
            default_region=tenant.default_region,
            default_messaging_service=tenant.routing.default_messaging_service_sid,
            messaging_service_by_country=tenant.routing.by_country,
        )
        for name, tenant in settings.tenants.items()
    }


def read_message(record: Record) -> Requested:
    """A record of `twilio.outbound.messages.v1`. Raises NotACommand for what is no JSON object: a dead letter."""
    found = read_object(record.value)
    return _requested(record, found, read_message_command(found))


def read_consent(record: Record) -> Requested:
    """A record of `twilio.consent.commands.v1`. Raises NotACommand."""
    found = read_object(record.value)
    return _requested(record, found, read_command(found, RecordConsent))


def _requested(record: Record, found: Mapping[str, Any], command: Public | list[str]) -> Requested:
    return Requested(
        tenant=_text(found.get("tenant")),
        command_id=_text(found.get("command_id")) or _position(record),
        command=command,
        at=iso(record.timestamp),
        sequence=record.offset,
        resolves=found.get("event_type") == "resolve_ambiguous",
    )


def refused(record: Record, detail: str) -> Sequence[CommandResult]:
    """The result of a record that is no command at all, told under its key or, without one, its position."""
    key = (record.key or b"").decode("utf-8", "replace")[:128] or _position(record)
    return (_rejected("", key, iso(record.timestamp), _position(record), [detail]),)


class Intake:
    """The intake fold, with the tenants' rules."""

    def __init__(self, rules: Mapping[str, Rules]) -> None:
        self._rules = rules

    def __call__(self, _: Any, event: Requested) -> tuple[None, Sequence[Accepted | CommandResult]]:
        """Forward, or reject with every fault at once."""
        outcome = self._judge(event)
        if isinstance(outcome, list):
            rejected = _rejected(event.tenant, event.command_id, event.at, f"{event.at} {event.sequence}", outcome)
            # A resolution names another command; that it was wrong is no end of that one.
            return None, (msgspec.structs.replace(rejected, terminal=not event.resolves),)
        # A send is told of by the outbox once it is remembered there. A consent is where it belongs: every command
        # taken from now on is judged by it.
        told = (_recorded(outcome),) if isinstance(outcome, ConsentAccepted) else ()
        return None, (outcome, *told)

    def _judge(self, event: Requested) -> Accepted | list[str]:
        if isinstance(event.command, list):
            return event.command
        rules = self._rules.get(event.command.tenant)
        if rules is None:
            return [
                f"tenant: no tenant {event.command.tenant[:64]!r} is configured; check its spelling, or configure it"
            ]
        match event.command:
            case SendMessage() as command:
                return intake.accept(command, rules, event.at, event.sequence)
            case ResolveAmbiguous() as command:
                return intake.resolve(command, rules, event.at, event.sequence)
            case RecordConsent() as command:
                return consent_intake.accept(command, rules.contact_secret, event.at, event.sequence)


def _recorded(accepted: ConsentAccepted) -> CommandResult:
    return CommandResult(
        event_id=derived_event_id(accepted.event_id, "result", "recorded"),
        tenant=accepted.tenant,
        command_id=accepted.command_id,
        contact=accepted.contact,
        at=accepted.accepted_at,
        step="recorded",
        terminal=True,
        reason=f"{accepted.action} of {accepted.scope}",
    )


def _rejected(tenant: str, command_id: str, at: str, source: str, faults: list[str]) -> CommandResult:
    return CommandResult(
        event_id=raw_event_id(
            "rejected", tenant, (command_id.encode(), source.encode(), *(fault.encode() for fault in faults))
        ),
        tenant=tenant,
        command_id=command_id,
        contact=None,
        at=at,
        step="rejected",
        terminal=True,
        category="command",
        reason="; ".join(faults),
        remedy="Correct the command and produce it again; nothing was sent.",
        errors=faults,
    )


def _text(value: Any) -> str:
    return value[:128] if isinstance(value, str) else ""


def _position(record: Record) -> str:
    return f"{record.topic}/{record.partition}@{record.offset}"
