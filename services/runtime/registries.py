"""All that the log holds of registrations with US carriers, kept in memory."""

from collections.abc import Callable

from services.contract.compliance import COMPLIANCE
from services.domain.compliance.events import ComplianceStated
from services.domain.compliance.registry import Registry
from services.runtime.by_tenant import Joined
from services.runtime.sections.kafka import KafkaSettings

# An account's registrations as they were and as they are; None: there were, or are, none.
Changed = Callable[[ComplianceStated | None, ComplianceStated | None], None]


class Registries(Joined[ComplianceStated, Registry]):
    """By tenant what its accounts have registered."""

    def __init__(self, kafka: KafkaSettings, changed: Changed = lambda _was, _now: None) -> None:
        super().__init__(kafka, COMPLIANCE, ComplianceStated, Registry, changed)
