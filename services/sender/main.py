"""The sender's composition: folds, scheduler, gateways, operations."""

import asyncio
from functools import partial

from services.contract.fold import SENDER_APP
from services.contract.messages import INBOUND, OUTCOMES
from services.contract.outbound import ACCEPTED
from services.domain.gate import HOLD, SUSPECTED, TENANT
from services.runtime.callbacks import uncallable
from services.runtime.config import Settings
from services.runtime.directories import Directories
from services.runtime.folding.app import fold_app, run_app
from services.runtime.folding.health import reasons
from services.runtime.folding.runner import Together
from services.runtime.http import operations, serve
from services.runtime.line import Line
from services.runtime.metrics import FOLDING
from services.runtime.tenants.derived import Derived
from services.runtime.tenants.live import Tenants
from services.sender.attempt import Sending, attempt
from services.sender.barrier import Barrier
from services.sender.claims import Claims
from services.sender.claims import Times as ClaimTimes
from services.sender.conditions import Conditions
from services.sender.dater import Dater
from services.sender.dates import Dates
from services.sender.faults import Faults
from services.sender.finder import Finder
from services.sender.gateway import TwilioGateway
from services.sender.held import HELD
from services.sender.judging import Judging
from services.sender.listing import Listing
from services.sender.metrics import SENDER
from services.sender.scheduler import Scheduler, Times
from services.sender.slots import Slots
from services.sender.status_urls import StatusUrls
from services.sender.stops import HELD_BY_PAUSE, Stops
from services.sender.timing import Timing
from services.sender.topology import OUTBOX, folds
from services.sender.undecided import held_by_suspicion
from services.sender.unknown import held_by_absence

# A partition that moves waits this long for calls under way; what is not answered by then becomes ambiguous.
_GRACE_SHARE_OF_SESSION = 0.5


async def run(settings: Settings, tenants: Tenants, stop: asyncio.Event) -> None:
    """Run until `stop`. Raises what crashed the app."""
    sender = settings.sender
    line = Line(sender.request_timeout_s, sender.concurrency)
    gateways = Derived(tenants, lambda _, tenant: TwilioGateway(tenant, line, settings.twilio.api))
    listings = Derived(tenants, lambda _, tenant: Listing(tenant, settings.twilio.api, sender.request_timeout_s))
    dates = Derived(tenants, lambda _, tenant: Dates(tenant, settings.twilio.api, sender.request_timeout_s))

    def rate(name: str, owned: int) -> float:
        tenant = tenants.get(name)
        configured = tenant.messages_per_second if tenant is not None else 1.0
        return configured * max(1, owned) / settings.kafka.partitions

    def listing(name: str) -> Listing | None:
        tenant = tenants.get(name)
        # Of an account that several share nobody could tell whose message it is.
        return listings.get(name) if tenant is not None and tenants.sharing(tenant.account_sid) == 1 else None

    barrier = Barrier(settings.kafka, [topic.name for topic in (ACCEPTED, OUTCOMES, INBOUND)])
    directories = Directories(settings.kafka)
    slots = Slots(sender.concurrency)
    faults = Faults()
    stops = Stops(faults)
    judging = Judging(tenants, barrier, directories, stops)
    status_urls = None if settings.twilio.polled else StatusUrls(tenants, settings.public_url)
    sending = Sending(tenants, gateways, judging, status_urls, sender.attempt_deadline_s, slots, faults)
    scheduler = Scheduler(
        partial(attempt, sending),
        rate,
        slots,
        stops,
        Times(sender.session_timeout_s * _GRACE_SHARE_OF_SESSION, sender.ambiguous_wait_s),
    )
    finder = Finder(listing, sender.attempt_deadline_s, sender.request_timeout_s)
    conditions = Conditions(
        {"pause": HELD_BY_PAUSE, HOLD: HELD, SUSPECTED: held_by_suspicion(tenants), TENANT: held_by_absence(tenants)}
    )

    def changed(names: frozenset[str]) -> None:
        conditions.reconsider(TENANT)
        conditions.reconsider(SUSPECTED)
        faults.renewed(names)

    tenants.listen(changed)
    claims = Claims(dates.get, ClaimTimes(sender.attempt_deadline_s, sender.request_timeout_s))
    together = Together(stops, conditions, scheduler, finder, claims, Dater(dates), Timing(tenants))
    app = fold_app(SENDER_APP, folds(settings, tenants), settings.kafka, sender, {OUTBOX: together})
    health = operations(
        partial(reasons, app),
        lambda: {"open_commands": scheduler.rows_open()},
        lambda: [*uncallable(settings), *stops.reasons(), *tenants.troubles()],
        [FOLDING, SENDER],
    )
    server = await serve(health, sender.host, sender.port, "sender.port")
    try:
        await barrier.start()
        await directories.start()
        await run_app(app, stop)
    finally:
        await barrier.stop()
        await directories.stop()
        await server.close()
        await line.close()
