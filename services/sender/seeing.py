"""What the gate sees of a command: its contact's rows, as the log has told them, and what its tenant asks for."""

from collections.abc import Mapping, Sequence
from typing import NamedTuple

from msgspec.structs import replace

from services.domain.addresses import WINDOWED
from services.domain.clock import later
from services.domain.frequency import Cap, Capped, look
from services.domain.gate.purposes import purpose
from services.domain.gate.question import Question
from services.domain.gate.view import View
from services.domain.messages.number import Number, against
from services.domain.messages.recipients import Recipients
from services.domain.messages.windows import Seen, Sessions, seen
from services.domain.outbox.entry import counts_from
from services.domain.outbox.pauses import holding, stopping
from services.domain.reachability import STANDARD, RestRule, Unreachable
from services.domain.senders.directory import Directory
from services.domain.senders.names import name_of
from services.runtime.catalogues import Catalogues
from services.runtime.clock import now
from services.runtime.directories import Directories
from services.runtime.folding.partition import Partition
from services.runtime.policy import Policy, caps_of, reach, rest_rules
from services.runtime.registries import Registries
from services.runtime.tenants.derived import Derived
from services.runtime.tenants.live import Tenants
from services.runtime.tenants.settings import TenantSettings
from services.sender.budgets import Budgets
from services.sender.fitting import Fitting, OnItsWay
from services.sender.looks import Looks
from services.sender.lookups import Lookups
from services.sender.outbound import Addressed, Products
from services.sender.quiet import QuietHours
from services.sender.rows import others_of
from services.sender.stated import NOTHING, stated
from services.sender.stops import Stops
from services.sender.tables import NUMBERS, SESSIONS, SUPPRESSION
from services.sender.templated import with_template

_NO_WINDOW = Seen()
_LOOK_AGAIN_S = 3600.0


class Followed(NamedTuple):
    """What every worker knows whole, whatever partitions it owns: our senders, templates, and what is registered."""

    directories: Directories
    catalogues: Catalogues
    registries: Registries


class Beside(NamedTuple):
    """What stands against commands beside what is known of their contact: what is stopped, what is spent, what is asked
    of their numbers, and their media."""

    stops: Stops
    budgets: Budgets
    lookups: Lookups
    looks: Looks


class _Rules(NamedTuple):
    """What a tenant's settings ask of its commands."""

    policy: Policy
    quiet: QuietHours
    caps: Mapping[str, Sequence[Cap]]
    rest: Mapping[str, RestRule]
    reach: Recipients


def _rules(_: str, tenant: TenantSettings) -> _Rules:
    quiet = QuietHours(tenant.quiet_hours)
    return _Rules(Policy(tenant.consent), quiet, caps_of(tenant), rest_rules(tenant), reach(tenant))


class Seeing:
    """The gate's eyes."""

    def __init__(self, products: Products, tenants: Tenants, followed: Followed, beside: Beside) -> None:
        self._products = products
        self._tenants = tenants
        self._stops, self._budgets, _, self._looks = beside
        self._directories, self._catalogues, registries = followed
        self._fitting = Fitting(registries, self._directories, tenants)
        self._rules = Derived(tenants, _rules)

    def view(self, partition: Partition, command: Addressed, question: Question) -> View:
        """All that can be seen of a command now."""
        product = self._products[command.kind]
        view = self._contact(partition, command, question)
        if (named := product.template(command)) is not None:
            view = with_template(view, question, named, self._catalogues.of(command.tenant))
        if not view.tenant_known:
            return view
        own, meant = self._rules[command.tenant], purpose(question, view)
        view = self._fitting.seen(view, question, partition, OnItsWay(command, meant, product.text(command)))
        going = product.beside(command, view.appended)
        quiet = own.quiet.look(meant, command.to, view.now)
        capped = _capped(partition, command, meant, view.now, own) if meant in own.caps else None
        overspent = self._budgets.look(partition, going, view.now) if question.act == "message" else None
        if quiet is not None or capped is not None or overspent is not None:
            view = replace(view, quiet=quiet, capped=capped, overspent=overspent)
        if question.media is not None:
            media = self._looks.seen(question, product.media(command), command.channel, view.now)
            view = replace(view, media=media.media, media_look=media.look)
        return view

    def _contact(self, partition: Partition, command: Addressed, question: Question) -> View:
        moment, pauses = now(), self._stops.of(partition)
        stopped = stopping(pauses, command.tenant, command.sender)
        tenant = self._tenants.get(command.tenant)
        if tenant is None:
            return View(now=moment, tenant_known=False, stopped=stopped)
        own = self._rules[command.tenant]
        rules = own.policy.rules(command.country, command.to)
        directory = self._directories.of(command.tenant)
        standing = partition.read(command.contact, SUPPRESSION)
        said = stated(standing, question, command, rules, directory) if standing is not None else NOTHING
        windows = partition.read(command.contact, SESSIONS) if command.channel in WINDOWED else None
        window = _window(windows, command, directory) if windows is not None else _NO_WINDOW
        return View(
            now=moment,
            tenant_closed=tenant.state == "closed",
            sender_allowed=_allowed(tenant, command),
            recipient_allowed=own.reach.allow(command.to),
            rules=rules,
            held=said.held,
            suppressed=said.suppressed,
            suspected=said.suspected,
            statements_version=said.version,
            memberships=said.memberships,
            senders_version=directory.version,
            consent_at=said.consent.at if said.consent else None,
            consent_evidence=said.consent.evidence if said.consent else None,
            window_until=window.until,
            window_sender=window.sender,
            window_refused_at=window.refused_at,
            window_unknown=list(window.unknown),
            dry_run=tenant.dry_run,
            unreachable=_unreachable(partition, command, moment, own),
            stopped=stopped,
            paused=holding(pauses, command.tenant, command.label, command.fallback_from),
        )


def _unreachable(partition: Partition, command: Addressed, moment: str, own: _Rules) -> Unreachable | None:
    number: Number | None = partition.read(command.contact, NUMBERS)
    # Where RCS reaches nobody, a service writes by SMS.
    falls_back = command.channel == "rcs" and (command.fallback_from or command.messaging_service_sid)
    if number is None or (falls_back and not number.deactivated):
        return None
    found = against(number, command.channel, own.rest.get(command.channel, STANDARD))
    return found if found is not None and moment < found.until else None


def _capped(partition: Partition, command: Addressed, meant: str, moment: str, own: _Rules) -> Capped | None:
    caps = own.caps[meant]
    if not caps:
        return None
    # Only one of a contact is under way, and this is it: all others have gone, wait, or may have gone.
    others = others_of(partition, command)
    if not others.all:
        # Nobody has counted them, and they are a thousand.
        return Capped(cap=caps[0], until=later(moment, _LOOK_AGAIN_S), uncounted=True)
    sent = (counts_from(one) for one in others.rows if one.purpose == meant)
    return look(moment, [at for at in sent if at is not None], caps)


def _allowed(tenant: TenantSettings, command: Addressed) -> bool:
    """Each that it names must be: a service brings its opt-outs and its settings with it."""
    named = {command.from_, command.messaging_service_sid, command.fallback_from} - {None}
    return not tenant.allowed_senders or named <= set(tenant.allowed_senders)


def _window(state: Sessions | None, command: Addressed, directory: Directory) -> Seen:
    members = {}
    if (service := command.messaging_service_sid) and state is not None:
        inside = {name: directory.is_in(name_of(name) or name, service) for name in state.windows}
        members = {name: known for name, known in inside.items() if known is not None}
    return seen(state, command.from_, service, members)
