"""`switchboard poller`."""

import asyncio
from functools import partial

from services.cli.serve.start import needs_topics, serve, worker
from services.operations.backfill.reconciling import reconcile
from services.poller import main
from services.runtime.config import Settings
from services.runtime.tenants.live import Tenants


def poller() -> None:
    """Read Twilio where it does not tell: callbacks that never came, and once a day all that it lists."""
    serve("poller", worker(_run), partial(needs_topics, "poller"))


async def _run(settings: Settings, tenants: Tenants, stop: asyncio.Event) -> None:
    await main.run(settings, tenants, stop, partial(reconcile, settings))
