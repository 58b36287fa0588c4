"""A real Twilio that cannot call this machine: its lists are read every few seconds, and what is new is put on the log.

By the code of `switchboard backfill`, so a fact that a webhook brought too is the same fact. What is polled comes some
seconds later than a webhook would. Untried with Twilio itself; the tests hold it against the simulator.
"""

import asyncio
from collections.abc import Callable

from services.domain.clock import later
from services.operations.backfill.errors import BackfillError
from services.operations.backfill.listing import at_once
from services.operations.backfill.reconciling import reconcile
from services.operations.log import LogError
from services.runtime.clock import now
from services.runtime.config import Settings

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
                # Clocks differ: what Twilio dates a little ahead of us is wanted too.
                until = later(now(), _BEFORE_S)
                await reconcile(settings, tenant, settings.tenants[tenant], (since, until), at_once)
            except (BackfillError, LogError) as error:
                trouble = str(error)
        if trouble and trouble != told:
            say(f"polling: {trouble}")
        told = trouble
        await asyncio.sleep(_EVERY_S)
