"""Intake: public commands, of any key, become accepted ones keyed by contact, or one `rejected` result.

Of what is forwarded nothing is kept, so that a command produced twice is forwarded twice; the outbox knows it by its
id. Those of a tenant that is not known yet are parked (`parking`). Who may speak for whom is said by `producers`; what
is refused is told to who said it, and to nobody where that is not known, so that no stranger writes into a tenant's
results.
"""

from collections.abc import Callable, Mapping, Sequence
from typing import Any, NamedTuple

import msgspec

from services.contract.reading import names_of
from services.domain.consent.commands import ConsentAccepted
from services.domain.due import Due
from services.domain.identity import derived_event_id, raw_event_id
from services.domain.messages.intake import Rules
from services.domain.results import CommandResult
from services.runtime.catalogues import Catalogues
from services.runtime.clock import now
from services.runtime.config import Settings
from services.runtime.folding.fold import Record
from services.runtime.intake_rules import Known, rules_of_intake
from services.runtime.price_lists import PriceLists
from services.runtime.registries import Registries
from services.runtime.tenants.derived import Derived
from services.runtime.tenants.live import Tenants
from services.runtime.tenants.settings import TenantSettings
from services.sender.moments import moment_of
from services.sender.parking import Parked, Parking
from services.sender.producers import Producers
from services.sender.products import ABOUT_ANOTHER
from services.sender.requests import Requested, known_as, name_of, position

# By tenant, its senders that fail.
Out = Callable[[str], frozenset[str]]


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


class Intake:
    """The intake fold, with the tenants' rules, and who may speak for them.

    `out`: by tenant the senders that fail, as far as this worker knows; routes pass them over. `parking`: where
    commands wait for a tenant that may still come; without it none does.
    """

    def __init__(
        self, rules: Mapping[str, Rules], out: Out = lambda _: frozenset(), parking: Parking | None = None
    ) -> None:
        self._rules = rules
        self._out = out
        self._parking = parking
        self._producers = Producers(rules)

    def __call__(self, row: Parked | None, event: Requested | Due) -> tuple[Parked | None, Sequence[Any]]:
        """Forward, or reject with every fault at once. The row: what is parked with it."""
        if isinstance(event, Due):
            return self._woken(row, event)
        if self._parking is not None and self._parking.takes(row, event):
            return self._parking.park(row, event), ()
        return row, self._told(event)

    def _woken(self, row: Parked | None, due: Due) -> tuple[Parked | None, Sequence[Any]]:
        if self._parking is None or row is None:
            return None, ()
        waiting, over = self._parking.look(row, due.at)
        return waiting, [one for event in over for one in self._told(event)]

    def _told(self, event: Requested) -> Sequence[Any]:
        voice = self._producers.of(event.record, event.tenant, event.command, event.at)
        if voice.signed_at is not None:
            # A copy of a signed yes is no younger than the yes, and a copy of a command lives no longer.
            event = event._replace(since=min(event.since, voice.signed_at))
        outcome = [voice.fault] if voice.fault else self._judge(event)
        if isinstance(outcome, list):
            source = "{} {}@{}".format(event.at, *event.place)
            rejected = self._rejected(voice.tenant, event.command_id, event.at, source, outcome)
            return (_ending(rejected, event.about_another),)
        # A send is told of by the outbox once it is remembered there. A consent is where it belongs: every command
        # taken from now on is judged by it.
        recorded = (_recorded(outcome, voice.tenant),) if isinstance(outcome, ConsentAccepted) else ()
        return (outcome, *recorded)

    def refused(self, record: Record, detail: str) -> Sequence[CommandResult]:
        """The result of a record that is no command at all."""
        names = names_of(record.value)
        tenant, command_id = name_of(names.get("tenant")), known_as(record, names)
        at = moment_of(record, now()).at
        voice = self._producers.of(record, tenant, None, at)
        rejected = self._rejected(voice.tenant, command_id, at, position(record), [voice.fault or detail])
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
