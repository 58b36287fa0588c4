"""A real Twilio that cannot call this machine: its lists are read every few seconds, and what is new is put on the log.

By the code of `switchboard backfill`, so a fact that a webhook brought too is the same fact. What is polled comes some
seconds later than a webhook would. Untried with Twilio itself; the tests hold it against the simulator.
"""

import asyncio
from collections.abc import Callable

from services.domain.clock import later
from services.operations.backfill.compare import compare
from services.operations.backfill.errors import BackfillError
from services.operations.backfill.injection import inject
from services.operations.backfill.lacking import Asker
from services.operations.backfill.window import Window
from services.operations.log import LogError
from services.runtime.clock import now
from services.runtime.config import Settings
from services.runtime.policy import words_of

_EVERY_S = 3.0
# What was sent shortly before the start is told too; clocks differ.
_BEFORE_S = 600.0


async def poll(settings: Settings, say: Callable[[str], None]) -> None:
    """Until cancelled. Tells of what is in the way once, until it is another."""
    since, told = later(now(), -_BEFORE_S), ""
    while True:
        trouble = ""
        for tenant in settings.tenants:
            try:
                await _one(settings, tenant, since)
            except (BackfillError, LogError) as error:
                trouble = str(error)
        if trouble and trouble != told:
            say(f"polling: {trouble}")
        told = trouble
        await asyncio.sleep(_EVERY_S)


def _unshown(_name: str, _done: int, _total: int | None) -> None:
    """Bars would run through the log."""


async def _one(settings: Settings, name: str, since: str) -> None:
    tenant = settings.tenants[name]
    asker = Asker(name, tenant.contact_secret.get_secret_value().encode(), words_of(tenant.consent))
    # Clocks differ: what Twilio dates a little ahead of us is wanted too.
    found = await compare(settings, tenant, asker, Window(since, later(now(), _BEFORE_S)), _unshown)
    if found.lacking:
        await inject(settings.kafka, [one.event for one in found.lacking], lambda: None)
