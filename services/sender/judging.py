"""What the gate is asked of a command, and what it sees: the contact's rows, as far as the log held anything."""

from collections.abc import Iterable, Mapping
from typing import NamedTuple

from services.domain.consent.events import Suppression
from services.domain.consent.scopes import TENANT, scopes_of
from services.domain.consent.suppression import consented, suppressed
from services.domain.messages.commands import CommandAccepted
from services.domain.messages.gate import Question, Receipt, Verdict, View, decide
from services.domain.messages.sessions import open_until
from services.runtime.clock import now
from services.runtime.config import Settings, TenantSettings
from services.runtime.folding.partition import Partition
from services.runtime.policy import Policy
from services.sender.barrier import Barrier
from services.sender.topology import SESSIONS, SUPPRESSION

# Of a contact who opted out of many scopes; a receipt is kept with every result.
_MOST_SHOWN = 3


class Judgement(NamedTuple):
    verdict: Verdict
    receipt: Receipt


class Judging:
    """The gate's eyes."""

    def __init__(self, settings: Settings, barrier: Barrier) -> None:
        self._tenants = settings.tenants
        self._policies = {name: Policy(tenant.consent) for name, tenant in settings.tenants.items()}
        self._barrier = barrier

    async def judge(self, partition: Partition, command: CommandAccepted) -> Judgement:
        """Judge a command by all that was on the log when this was asked."""
        return self.look(partition, command, await self._barrier.passed(partition))

    def look(self, partition: Partition, command: CommandAccepted, offsets: dict[str, int] | None = None) -> Judgement:
        """Judge a command by what is folded now."""
        question = ask(command)
        view = self._view(partition, command, question)
        return Judgement(decide(question, view), Receipt(question=question, view=view, offsets=offsets or {}))

    def _view(self, partition: Partition, command: CommandAccepted, question: Question) -> View:
        moment = now()
        tenant = self._tenants.get(command.tenant)
        if tenant is None:
            return View(now=moment, tenant_known=False)
        rules = self._policies[command.tenant].rules(command.country)
        standing = partition.read(command.contact, SUPPRESSION)
        found = suppressed(standing)
        scopes = found if rules.stop_reaches == "tenant" else (*question.scopes, TENANT)
        consent = consented(standing, question.scopes)
        windows = partition.read(command.contact, SESSIONS) if command.channel == "whatsapp" else None
        return View(
            now=moment,
            sender_allowed=_allowed(tenant, command),
            rules=rules,
            suppressed=_shown(found, scopes),
            consent_at=consent.at if consent else None,
            consent_evidence=consent.evidence if consent else None,
            window_until=open_until(windows, command.from_, command.messaging_service_sid),
        )


def ask(command: CommandAccepted) -> Question:
    """What the gate looks at of a command."""
    return Question(
        tenant=command.tenant,
        channel=command.channel,
        sender=command.sender,
        scopes=list(scopes_of(command.from_, command.messaging_service_sid)),
        template=command.content_sid is not None,
        not_after=command.not_after,
        country=command.country,
        confirms=command.confirms,
    )


def _allowed(tenant: TenantSettings, command: CommandAccepted) -> bool:
    return not tenant.allowed_senders or command.sender in tenant.allowed_senders


def _shown(found: Mapping[str, Suppression], scopes: Iterable[str]) -> dict[str, Suppression]:
    matter = [scope for scope in dict.fromkeys(scopes) if scope in found]
    return {scope: found[scope] for scope in matter[:_MOST_SHOWN]}
