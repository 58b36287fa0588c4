"""What of a message does not fit: its sender's registration, its campaign, its country, a first message; for the gate.

Looked at is what goes by SMS or MMS; other channels have rules of their own.
"""

from collections.abc import Sequence
from functools import cache
from typing import NamedTuple

from msgspec.structs import replace
from prometheus_client import Counter

from services.domain.compliance.concerns import Concern
from services.domain.compliance.countries import Going, found_by_country, rules_for
from services.domain.compliance.registry import said
from services.domain.compliance.usecases import misfits
from services.domain.gate.question import Question
from services.domain.gate.view import View
from services.domain.gate.windows import as_template
from services.domain.messages.introduced import Introduced, Texts, Unsaid, fits_beside, is_first, to_append, unsaid
from services.domain.senders.names import kind_of
from services.runtime.directories import Directories
from services.runtime.folding.partition import Partition
from services.runtime.intake_rules import country_rows
from services.runtime.registries import Registries
from services.runtime.tenants.derived import Derived
from services.runtime.tenants.live import Tenants
from services.runtime.tenants.sections.compliance import ComplianceSettings
from services.sender.metrics import SENDER
from services.sender.outbound import NO_TEXT, Addressed, Text
from services.sender.tables import INTRODUCED

_CARRIED = frozenset({"sms", "mms"})
# A one-time code is no programme that goes on.
_RECURRING = frozenset({"marketing", "utility"})
_FIRST = "it is the first that this person gets from this sender, and it does not say {}"
_UNSAID = {"stop_text": "how to stop", "help_text": "where help is"}

CONCERNS = Counter(
    "switchboard_concerns_total",
    "Messages that went although something of them does not fit what is registered, or asked for, by what that is",
    ["tenant", "kind"],
    registry=SENDER,
)

# By its labels, as many as there are of them on the page of metrics.
_counted = cache(CONCERNS.labels)


class OnItsWay(NamedTuple):
    """A command, what it is for, and what it says itself where that goes."""

    command: Addressed
    purpose: str
    text: Text


class Fitting:
    """Commands held against what is registered and asked for."""

    def __init__(self, registries: Registries, directories: Directories, tenants: Tenants) -> None:
        self._registries, self._directories, self._tenants = registries, directories, tenants
        self._rows = Derived(tenants, lambda _, tenant: country_rows(tenant.compliance))

    def seen(self, view: View, question: Question, partition: Partition, going: OnItsWay) -> View:
        """The view with what does not fit, and what is put to a first message."""
        command = going.command
        tenant = self._tenants.get(command.tenant)
        if tenant is None or command.channel not in _CARRIED or question.act != "message":
            return view
        rules, row = tenant.compliance, rules_for(self._rows[command.tenant], command.to)
        if as_template(question, view):
            # Its text is not in the command.
            going = going._replace(text=NO_TEXT)
        view = self._registered(view, going, rules)
        asked = Going(command.from_, command.to, command.channel, going.purpose, view.consent_at is not None)
        concerns = list(found_by_country(row, asked, blocks=rules.country == "blocked"))
        asks = row.stop_text or row.help_text
        if asks and question.confirms is None and going.purpose in _RECURRING and _is_first(partition, going):
            asks_help = bool(row.help_text) and not self._numbers(command).isdisjoint(row.help_text)
            lacks = unsaid(going.text.body, asks_stop=row.stop_text, asks_help=asks_help)
            view, lacking = _first(view, going.text.body, lacks, rules)
            concerns += lacking
        return replace(view, concerns=[*view.concerns, *concerns]) if concerns else view

    def _numbers(self, command: Addressed) -> frozenset[str]:
        """What may stand as its sender: of a service, in which Twilio chooses, all that is known to be in it."""
        if command.from_:
            return frozenset({kind_of(command.from_)})
        members = self._directories.of(command.tenant).members(command.messaging_service_sid or "")
        return frozenset(map(kind_of, members))

    def _registered(self, view: View, going: OnItsWay, rules: ComplianceSettings) -> View:
        registry = self._registries.of(going.command.tenant)
        if not registry:
            # Where nothing was synced this says nothing.
            return view
        by = (going.command.from_, going.command.messaging_service_sid, going.command.to)
        unfit, campaign, concerns = registry.unfit(*by, rules.registration), registry.campaign(*by), list[Concern]()
        if unfit is None and (told := registry.unfit(*by)) is not None:
            concerns.append(Concern(kind="registration", told=said(told)))
        if campaign is not None:
            body, shortens = going.text
            concerns += misfits(campaign, going.purpose, body, shortens=shortens, blocks=rules.mismatch == "blocked")
        if unfit is None and not concerns:
            return view
        return replace(view, unfit=unfit, registry_version=registry.version, concerns=concerns)


def count(view: View, tenant: str) -> None:
    """A message goes, whatever is told of it."""
    for concern in view.concerns:
        _counted(tenant, concern.kind).inc()


def _is_first(partition: Partition, going: OnItsWay) -> bool:
    command = going.command
    row: Introduced | None = partition.read(command.contact, INTRODUCED)
    return is_first(row, command.messaging_service_sid or command.from_ or "")


def _first(view: View, body: str, lacks: Sequence[Unsaid], rules: ComplianceSettings) -> tuple[View, list[Concern]]:
    """One that does not say how to stop, or where help is: told, blocked, or said with the tenant's words."""
    if not body or not lacks:
        return view, []
    text = to_append(lacks, Texts(rules.stop_text, rules.help_text))
    if rules.first_message == "appended" and fits_beside(body, text):
        return replace(view, appended=text), []
    blocks = rules.first_message == "blocked"
    return view, [Concern(kind=one, told=_FIRST.format(_UNSAID[one]), blocks=blocks) for one in lacks]
