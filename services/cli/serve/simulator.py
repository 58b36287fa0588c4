"""`switchboard simulator`."""

import asyncio
import sys

from services.cli.serve.start import Served, needs_tenants, serve
from services.runtime.config import Settings
from services.runtime.tenants.live import Tenants
from services.simulator import app


def simulator() -> None:
    """Run a Twilio on loopback: REST, signed webhooks, faults."""
    serve("simulator", lambda _: Served(_simulate), needs_tenants)


async def _simulate(settings: Settings, tenants: Tenants, stop: asyncio.Event) -> None:
    async with app.serve(settings, tenants) as url:
        sys.stderr.write(f"a Twilio to try things on: {url} (TWILIO's API; steer it under {url}/simulator/)\n")
        await stop.wait()
