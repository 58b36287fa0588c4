"""All that the log holds of registrations with US carriers, kept in memory."""

from collections.abc import Callable

from services.contract.compliance import COMPLIANCE
from services.domain.compliance.events import ComplianceStated
from services.domain.compliance.registry import NOTHING_KNOWN, Registry
from services.runtime.by_tenant import ByTenant
from services.runtime.config import KafkaSettings

# An account's registrations as they were and as they are; None: there were, or are, none.
Changed = Callable[[ComplianceStated | None, ComplianceStated | None], None]


class Registries(ByTenant[ComplianceStated]):
    """By tenant what its accounts have registered."""

    def __init__(self, kafka: KafkaSettings, changed: Changed = lambda _was, _now: None) -> None:
        super().__init__(kafka, COMPLIANCE, ComplianceStated, changed)
        self._made: dict[str, Registry] = {}

    def of(self, tenant: str) -> Registry:
        found = self._made.get(tenant)
        if found is None:
            if not (facts := self.facts(tenant)):
                return NOTHING_KNOWN
            found = self._made[tenant] = Registry(facts.values())
        return found

    def _forget(self, tenant: str) -> None:
        self._made.pop(tenant, None)
