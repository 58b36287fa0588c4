"""What carriers say of registrations, told as it comes; and what waits for one."""

import logging

from prometheus_client import Gauge

from services.domain.compliance.events import ComplianceStated
from services.domain.compliance.listing import moved
from services.domain.compliance.states import STOPPED, state_of
from services.domain.gate.conditions import REGISTRATION, registration_of
from services.runtime.registries import Registries
from services.runtime.tenants.live import Tenants
from services.sender.conditions import Kind
from services.sender.metrics import SENDER

REGISTRATIONS = Gauge(
    "switchboard_registrations",
    "Brands, campaigns and toll-free verifications that the log knows, by how far they are; unknown: a word of "
    "Twilio's that is new",
    ["tenant", "kind", "state"],
    registry=SENDER,
)
logger = logging.getLogger(__name__)


def held_by_registration(registries: Registries, tenants: Tenants) -> Kind:
    """It stands while nothing more was read of the tenant's registrations, and the tenant goes by them."""

    def stands(_: object, condition: str) -> bool:
        name, _, _version = condition.removeprefix(f"{REGISTRATION} ").rpartition(" ")
        tenant = tenants.get(name)
        judged = tenant is not None and tenant.compliance.registration != "told"
        return judged and registration_of(name, registries.of(name).version) == condition

    return Kind(stands, lambda _: ())


def heard(was: ComplianceStated | None, now: ComplianceStated | None) -> None:
    """An account's registrations were others, or none; or are gone."""
    for stated, step in ((was, -1), (now, 1)):
        for kind, status in _statuses(stated):
            REGISTRATIONS.labels(stated.tenant if stated else "", kind, state_of(status)).inc(step)
    for one in moved(was, now):
        if one.stops and now is not None:
            logger.warning("a registration of tenant %s with US carriers may not be used: %s", now.tenant, one)


def _statuses(stated: ComplianceStated | None) -> list[tuple[str, str]]:
    if stated is None:
        return []
    for kind in ("brand", "campaign", "toll_free"):
        for state in STOPPED:
            # From the first one on there is something to compare with.
            REGISTRATIONS.labels(stated.tenant, kind, state).inc(0)
    return [
        *(("brand", one.status) for one in stated.brands),
        *(("campaign", one.status) for one in stated.campaigns),
        *(("toll_free", one.status) for one in stated.verifications),
    ]
