"""The whole round: machine, broker, then each tenant's accounts at Twilio."""

import asyncio
from collections.abc import Callable

from services.operations.doctor.account import Examined, Recorded, masked
from services.operations.doctor.apart import apart
from services.operations.doctor.broker import broker
from services.operations.doctor.finding import Finding
from services.operations.doctor.machine import machine
from services.operations.senders import known
from services.operations.studio.watching import watched
from services.runtime.config import Settings
from services.runtime.section import ConfigError
from services.runtime.tenants.live import Tenants


async def examine(
    settings: Settings,
    tenants: Tenants,
    service: str = "operations",
    only: str | None = None,
    show: Callable[[str], str] = masked,
) -> list[Finding]:
    """All that is to be told, in the order of the round. `only`: of one tenant; `show`: how a sender is shown."""
    found = [*machine(settings, tenants), *await broker(settings, service), *apart(settings.kafka, tenants, only)]
    recorded, trouble = await _recorded(settings)
    found += trouble
    for name in tenants:
        if only in (None, name):
            examined = Examined(name, settings, tenants, recorded.get(name, Recorded()), show)
            found += await asyncio.to_thread(list, examined.findings())
    return found


async def _recorded(settings: Settings) -> tuple[dict[str, Recorded], list[Finding]]:
    """What the log has, by tenant. That it cannot be read is told of the broker already, or of its rights."""
    try:
        senders, flows = await known(settings.kafka), await watched(settings.kafka)
    except ConfigError as error:
        return {}, [Finding("senders", "unknown", "log", str(error), "see to it, and look again")]
    return {
        name: Recorded(senders.get(name), flows.get(name, frozenset())) for name in senders.keys() | flows.keys()
    }, []
