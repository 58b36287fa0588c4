"""The sender's composition: folds, scheduler, gateways, operations."""

import asyncio
from contextlib import suppress
from functools import partial

from services.contract.fold import SENDER_APP
from services.contract.messages import INBOUND, OUTCOMES
from services.contract.outbound import ACCEPTED
from services.domain.compliance.events import ComplianceStated
from services.domain.gate.conditions import HOLD, LOOKUP, MEDIA, REGISTRATION, SUSPECTED, TENANT
from services.runtime.callbacks import uncallable
from services.runtime.catalogues import Catalogues
from services.runtime.config import Settings
from services.runtime.directories import Directories
from services.runtime.folding.app import fold_app
from services.runtime.folding.health import reasons
from services.runtime.folding.lifetime import run_app
from services.runtime.folding.runner import Together
from services.runtime.http import operations, serve
from services.runtime.line import Line
from services.runtime.metrics import FOLDING
from services.runtime.price_lists import PriceLists
from services.runtime.registries import Registries
from services.runtime.tenants.derived import Derived
from services.runtime.tenants.live import Changed, Tenants
from services.runtime.urls import is_twilio
from services.sender.approvals import heard
from services.sender.attempt import Sending, attempt
from services.sender.barrier import Barrier
from services.sender.budgets import Budgets, spending_of
from services.sender.calling import TwilioCaller
from services.sender.claims import Claims
from services.sender.conditions import Conditions, Kind
from services.sender.faults import Faults
from services.sender.finder import Finder
from services.sender.held import HELD
from services.sender.intake import Lists
from services.sender.judging import Judging
from services.sender.lane_rates import LaneRates
from services.sender.lanes import Routes
from services.sender.looking import Looking
from services.sender.looks import Looks
from services.sender.lookups import TOGETHER, Lookups
from services.sender.metering import Meter
from services.sender.metrics import SENDER
from services.sender.outbound import Parts, Products
from services.sender.products import outbound
from services.sender.registered import heard as heard_of_registrations
from services.sender.registered import held_by_registration
from services.sender.scheduler import Scheduler, Times
from services.sender.seeing import Beside, Followed
from services.sender.slots import Slots
from services.sender.stops import HELD_BY_PAUSE, Stops
from services.sender.tables import OUTBOX
from services.sender.timing import Timing
from services.sender.topology import folds
from services.sender.undecided import held_by_suspicion
from services.sender.unknown import held_by_absence

# A partition that moves waits this long for calls under way; what is not answered by then becomes ambiguous.
_GRACE_SHARE_OF_SESSION = 0.5
_PRICES_S = 5.0


async def run(settings: Settings, tenants: Tenants, stop: asyncio.Event) -> None:
    """Run until `stop`. Raises what crashed the app."""
    sender = settings.sender
    line = Line(sender.request_timeout_s, sender.concurrency)
    callers = Derived(tenants, lambda _, tenant: TwilioCaller(tenant, line, settings.twilio.urls))

    def registered(was: ComplianceStated | None, now: ComplianceStated | None) -> None:
        heard_of_registrations(was, now)
        conditions.reconsider(REGISTRATION)
        scheduler.rates_changed()

    registries = Registries(settings.kafka, registered)
    catalogues = Catalogues(settings.kafka, heard)
    products = outbound(Parts(settings, tenants, registries, catalogues))
    barrier = Barrier(settings.kafka, [topic.name for topic in (ACCEPTED, OUTCOMES, INBOUND)])
    directories = Directories(settings.kafka)
    slots = Slots(sender.concurrency)
    faults = Faults()
    routes = _routes(products, tenants, settings.kafka.partitions)
    stops = Stops(faults, routes.host)
    prices = PriceLists(settings.kafka)
    spending = spending_of(tenants, prices)
    budgets = Budgets(products, spending, prices, settings.kafka.partitions, catalogues.of)
    meter = Meter(tenants, spending, prices, settings.kafka.partitions)
    # A slow Lookup takes no connection of what sends.
    lookups = Lookups(
        tenants, Line(sender.request_timeout_s, TOGETHER), settings.twilio.lookups_url, settings.kafka.partitions
    )
    looks = Looks(Looking(sender.media_look_s), tenants, by_default=is_twilio(settings.twilio.api))
    beside = Beside(stops, budgets, lookups, looks)
    judging = Judging(products, tenants, barrier, Followed(directories, catalogues, registries), beside)
    sending = Sending(products, tenants, callers, judging, sender.attempt_deadline_s, slots, faults, budgets, lookups)
    scheduler = Scheduler(
        partial(attempt, sending),
        routes,
        slots,
        stops,
        Times(sender.session_timeout_s * _GRACE_SHARE_OF_SESSION, lambda kind: products[kind].holds_up_s),
    )
    conditions = Conditions(
        {
            "pause": HELD_BY_PAUSE,
            HOLD: HELD,
            SUSPECTED: held_by_suspicion(tenants),
            TENANT: held_by_absence(tenants),
            LOOKUP: Kind(lookups.stands, lambda _: ()),
            MEDIA: looks.kind,
            REGISTRATION: held_by_registration(registries, tenants),
        }
    )
    lookups.over = looks.over = conditions.ended

    tenants.listen(_changed(conditions, faults, scheduler))
    listeners = [one for product in products.values() for one in product.listeners]
    stands = (budgets, meter, lookups, stops, conditions)
    together = Together(*stands, scheduler, Finder(products), Claims(products), *listeners, Timing(tenants))
    app = fold_app(
        SENDER_APP,
        folds(settings, tenants, Lists(prices, registries, catalogues), stops.out),
        settings.kafka,
        sender,
        {OUTBOX: together},
    )
    health = operations(
        partial(reasons, app),
        lambda: {"open_commands": scheduler.rows_open()},
        lambda: [
            *uncallable(settings),
            *stops.reasons(),
            *tenants.troubles(),
            *meter.troubles(),
            *lookups.troubles(),
        ],
        [FOLDING, SENDER],
    )
    server = await serve(health, sender.host, sender.port, "sender.port")
    followed = (barrier, directories, catalogues, registries, prices)
    try:
        for one in followed:
            await one.start()
        with suppress(TimeoutError):
            # What is accepted before they are read has no estimate; what has a budget is deferred.
            await asyncio.wait_for(asyncio.gather(prices.read(), catalogues.read()), _PRICES_S)
        await run_app(app, stop)
    finally:
        for one in followed:
            await one.stop()
        await server.close()
        await line.close()
        await lookups.close()
        await looks.close()


def _changed(conditions: Conditions, faults: Faults, scheduler: Scheduler) -> Changed:
    """What is looked at again where settings of tenants are other ones now."""

    def changed(names: frozenset[str]) -> None:
        conditions.reconsider(TENANT)
        conditions.reconsider(SUSPECTED)
        conditions.reconsider(REGISTRATION)
        faults.renewed(names)
        scheduler.rates_changed()

    return changed


def _routes(products: Products, tenants: Tenants, partitions: int) -> Routes:
    rates = LaneRates(products, tenants, partitions)
    return Routes(
        lambda kind: products[kind].counted_at, rates.of, lambda command: products[command.kind].units(command)
    )
