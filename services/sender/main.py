"""The sender's composition: folds, scheduler, gateways, operations."""

import asyncio
from functools import partial

from aiohttp import web

from services.contract.topics import ACCEPTED, INBOUND, OUTCOMES, SENDER_APP
from services.runtime.config import Settings
from services.runtime.folding.app import fold_app, run_app
from services.runtime.folding.health import reasons
from services.runtime.folding.runner import Together
from services.runtime.http import operations, serve
from services.sender.attempt import attempt, sending
from services.sender.barrier import Barrier
from services.sender.finder import Finder
from services.sender.gateway import TwilioGateway
from services.sender.judging import Judging
from services.sender.listing import Listing
from services.sender.scheduler import Scheduler
from services.sender.slots import Slots
from services.sender.topology import OUTBOX, folds

# A partition that moves waits this long for calls under way; what is not answered by then becomes ambiguous.
_GRACE_SHARE_OF_SESSION = 0.5


async def run(settings: Settings, stop: asyncio.Event) -> None:
    """Run until `stop`. Raises what crashed the app."""
    sender = settings.sender
    gateways = {
        name: TwilioGateway(tenant, settings.twilio.api, sender.request_timeout_s, sender.concurrency)
        for name, tenant in settings.tenants.items()
    }

    def rate(tenant: str, owned: int) -> float:
        configured = settings.tenants[tenant].messages_per_second if tenant in settings.tenants else 1.0
        return configured * max(1, owned) / settings.kafka.partitions

    barrier = Barrier(settings.kafka, [topic.name for topic in (ACCEPTED, OUTCOMES, INBOUND)])
    slots = Slots(sender.concurrency)
    scheduler = Scheduler(
        partial(attempt, sending(settings, gateways, Judging(settings, barrier), slots)),
        rate,
        slots,
        grace_s=sender.session_timeout_s * _GRACE_SHARE_OF_SESSION,
        ambiguous_wait_s=sender.ambiguous_wait_s,
    )
    listings = {
        name: Listing(tenant, settings.twilio.api, sender.request_timeout_s)
        for name, tenant in settings.tenants.items()
        # Of an account that several share nobody could tell whose message it is.
        if [one.account_sid for one in settings.tenants.values()].count(tenant.account_sid) == 1
    }
    finder = Finder(listings, sender.attempt_deadline_s, sender.request_timeout_s)
    app = fold_app(SENDER_APP, folds(settings), settings.kafka, sender, {OUTBOX: Together(scheduler, finder)})
    http = web.Application()
    http.add_routes(operations(partial(reasons, app), lambda: {"open_commands": scheduler.rows_open()}))
    server = await serve(http, sender.host, sender.port, "sender.port")
    try:
        await barrier.start()
        await run_app(app, stop)
    finally:
        await barrier.stop()
        await server.close()
        for gateway in gateways.values():
            await gateway.close()
