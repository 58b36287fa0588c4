"""Marketing that waits for a decision about a message that looks like an opt-out is judged again with the next word.

Which word decides depends on the sender, its services and Twilio's dates, so the gate alone says it.
"""

from collections.abc import Iterator

from services.domain.consent.version import version
from services.domain.gate.conditions import SUSPECTED, suspected_of
from services.runtime.folding.flush import Changed
from services.runtime.folding.partition import Partition
from services.runtime.tenants.live import Tenants
from services.sender.conditions import Kind
from services.sender.tables import SUPPRESSION


def held_by_suspicion(tenants: Tenants) -> Kind:
    """It stands while the contact's row says the same, and the tenant defers."""

    def defers(name: str) -> bool:
        tenant = tenants.get(name)
        return tenant is not None and tenant.consent.suspected == "defer_marketing"

    def stands(partition: Partition, condition: str) -> bool:
        contact, _, seen = condition.removeprefix(f"{SUSPECTED} ").rpartition(" ")
        return defers(contact.partition("|")[0]) and seen == version(partition.read(contact, SUPPRESSION))

    return Kind(stands, _touched)


def _touched(changed: Changed) -> Iterator[str]:
    was = changed.was.get(SUPPRESSION, {})
    for contact, row in changed.rows.get(SUPPRESSION, {}).items():
        before = was[contact]
        if before is not None and before.suspects and version(before) != version(row):
            yield suspected_of(contact, version(before))
