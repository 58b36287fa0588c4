"""Intake: public commands, of any key, become accepted ones keyed by contact, or one `rejected` result.

Stateless, so that a command produced twice is forwarded twice; the outbox knows it by its id. Those of a tenant that
is not known yet wait before it (`parking`). Who may speak for whom is said by `producers`; what is refused is told to
who said it, and to nobody where that is not known, so that no stranger writes into a tenant's results.
"""

from collections.abc import Callable, Mapping, Sequence
from typing import Any, NamedTuple

import msgspec

from services.contract.codec import FORMAT, FORMAT_HEADER, format_of
from services.contract.reading import Read, names_of, printable, read_object
from services.domain.consent.commands import ConsentAccepted
from services.domain.identity import Place, derived_event_id, raw_event_id
from services.domain.messages.intake import Rules
from services.domain.results import CommandResult
from services.runtime.catalogues import Catalogues
from services.runtime.clock import now
from services.runtime.config import Settings
from services.runtime.folding.fold import Record
from services.runtime.policy import Known, rules_of_intake
from services.runtime.price_lists import PriceLists
from services.runtime.registries import Registries
from services.runtime.tenants.derived import Derived
from services.runtime.tenants.live import Tenants
from services.runtime.tenants.settings import TenantSettings
from services.sender.commands import Commands
from services.sender.moments import moment_of
from services.sender.producers import Producers
from services.sender.products import ABOUT_ANOTHER

# By tenant, its senders that fail.
Out = Callable[[str], frozenset[str]]
# Of a command id, or of what stands for one.
_LONGEST_NAME = 128


class Requested(NamedTuple):
    """A public command as read: typed, or what is wrong with its form.

    `at`, `since`: see `Moment`.
    """

    tenant: str
    command_id: str
    # As `Commands.parse` gives it.
    command: Any
    at: str
    since: str
    record: Record
    commands: Commands
    # It says of itself that it is about another command: a resolution, or a cancel.
    about_another: bool = False

    @property
    def place(self) -> Place:
        return Place(self.record.partition, self.record.offset)


class Lists(NamedTuple):
    """What the log holds of Twilio's lists, as far as intake looks at it."""

    prices: PriceLists
    registries: Registries
    catalogues: Catalogues


def tenant_rules(settings: Settings, tenants: Tenants, lists: Lists) -> Derived[Rules]:
    """What intake must know, by tenant."""

    def rules(name: str, tenant: TenantSettings) -> Rules:
        known = Known(
            lambda: lists.prices.facts(name), lambda: lists.registries.of(name), lambda: lists.catalogues.of(name)
        )
        return rules_of_intake(tenant, settings.sender.not_after_s, known)

    return Derived(tenants, rules)


def read(commands: Commands, record: Record) -> Requested:
    """A record of these commands' topic. Raises NotACommand for what is no JSON object: a dead letter."""
    found = read_object(record.value)
    return _requested(commands, record, found, _newer(record) or commands.parse(found.fields))


def _newer(record: Record) -> list[str]:
    """What is wrong with a command whose header says that it is of a newer format: it may mean more than is read."""
    if (stated := format_of(record.headers)) <= FORMAT:
        return []
    return [f"header {FORMAT_HEADER}: {stated}; this release reads up to {FORMAT}: produce it in that, or update"]


def _requested(commands: Commands, record: Record, found: Read, command: Any) -> Requested:
    faults = [*found.faults, *(command if isinstance(command, list) else ())]
    moment = moment_of(record, now())
    return Requested(
        tenant=_name(found.fields.get("tenant")),
        command_id=_known_as(record, found.fields),
        command=faults or command,
        at=moment.at,
        since=moment.since,
        record=record,
        commands=commands,
        about_another=found.fields.get("event_type") in ABOUT_ANOTHER,
    )


class Intake:
    """The intake fold, with the tenants' rules, and who may speak for them.

    `out`: by tenant the senders that fail, as far as this worker knows; routes pass them over.
    """

    def __init__(self, rules: Mapping[str, Rules], out: Out = lambda _: frozenset()) -> None:
        self._rules = rules
        self._out = out
        self.producers = Producers(rules)

    def __call__(self, _: Any, event: Requested) -> tuple[None, Sequence[Any]]:
        """Forward, or reject with every fault at once."""
        voice = self.producers.of(event.record, event.tenant, event.command, event.at)
        if voice.signed_at is not None:
            # A copy of a signed yes is no younger than the yes, and a copy of a command lives no longer.
            event = event._replace(since=min(event.since, voice.signed_at))
        outcome = [voice.fault] if voice.fault else self._judge(event)
        if isinstance(outcome, list):
            source = "{} {}@{}".format(event.at, *event.place)
            rejected = self._rejected(voice.tenant, event.command_id, event.at, source, outcome)
            return None, (_ending(rejected, event.about_another),)
        # A send is told of by the outbox once it is remembered there. A consent is where it belongs: every command
        # taken from now on is judged by it.
        told = (_recorded(outcome, voice.tenant),) if isinstance(outcome, ConsentAccepted) else ()
        return None, (outcome, *told)

    def refused(self, record: Record, detail: str) -> Sequence[CommandResult]:
        """The result of a record that is no command at all."""
        names = names_of(record.value)
        tenant, command_id = _name(names.get("tenant")), _known_as(record, names)
        at = moment_of(record, now()).at
        voice = self.producers.of(record, tenant, None, at)
        rejected = self._rejected(voice.tenant, command_id, at, _position(record), [voice.fault or detail])
        return (_ending(rejected, names.get("event_type") in ABOUT_ANOTHER),)

    def _rejected(self, tenant: str | None, command_id: str, at: str, source: str, faults: list[str]) -> CommandResult:
        rejected = _rejected(tenant or "", command_id, at, source, faults)
        # Anybody may name a tenant that there is not, also one that would make the key of another's command.
        return rejected if tenant in self._rules else msgspec.structs.replace(rejected, tenant="")

    def _judge(self, event: Requested) -> Any:
        if isinstance(event.command, list):
            return event.command
        rules = self._rules.get(event.command.tenant)
        if rules is None:
            return [
                f"tenant: no tenant {event.command.tenant[:64]!r} is configured; check its spelling, or configure it"
            ]
        if rules.routes:
            rules = rules._replace(out=self._out(event.command.tenant))
        return event.commands.accept(event.command, rules, event.at, event.since, event.place)


def _recorded(accepted: ConsentAccepted, told: str | None) -> CommandResult:
    """`told`: the tenant that hears of it. What nobody is known to have said is told in nobody's name."""
    return CommandResult(
        event_id=derived_event_id(accepted.event_id, "result", "recorded"),
        tenant=told or "",
        command_id=accepted.command_id,
        contact=accepted.contact if told else None,
        at=accepted.accepted_at,
        step="recorded",
        terminal=True,
        reason=f"{accepted.action} of {accepted.message_sid or accepted.scope}",
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


def _ending(rejected: CommandResult, about_another: bool) -> CommandResult:
    """What names another command, and was wrong, is no end of that one."""
    return msgspec.structs.replace(rejected, terminal=not about_another)


def _known_as(record: Record, fields: Mapping[str, Any]) -> str:
    """What its producer knows a record by: its command id, of whatever type; else its key; else where it stands."""
    named = _name(fields.get("command_id"))
    return named or printable((record.key or b"").decode("utf-8", "replace"), _LONGEST_NAME) or _position(record)


def _name(value: Any) -> str:
    """A text as it is, a number as it was written: `18473` → `18473`; nothing for what names nobody."""
    if isinstance(value, bool) or not isinstance(value, str | int | float):
        return ""
    try:
        return printable(str(value), _LONGEST_NAME)
    except ValueError:
        # An integer of thousands of digits.
        return ""


def _position(record: Record) -> str:
    return f"{record.topic}/{record.partition}@{record.offset}"
