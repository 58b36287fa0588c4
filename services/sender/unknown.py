"""What is deferred because its tenant is not known here goes once it is, or was."""

from services.domain.gate.conditions import TENANT
from services.runtime.tenants.live import Tenants
from services.sender.conditions import Kind


def held_by_absence(tenants: Tenants) -> Kind:
    """It stands while this worker has no settings of the tenant; that it has is told by `Conditions.reconsider`."""
    return Kind(lambda _, condition: condition.removeprefix(f"{TENANT} ") not in tenants, lambda _: ())
