"""The poller's composition: folds, rounds, what is done for each tenant by time, operations."""

import asyncio
from collections.abc import Coroutine
from functools import partial
from typing import Any, NamedTuple

from services.contract.fold import POLLER_APP, FoldContract
from services.contract.messages import SILENT_FOLD
from services.contract.rules import KEYWORDS_FOLD
from services.poller.answers import Answers, Asked, budget_of_lists
from services.poller.budget import Budget
from services.poller.commanding import Commanding
from services.poller.deactivating import Deactivating
from services.poller.keywords import signed_fold
from services.poller.metrics import POLLER
from services.poller.polled import Polled
from services.poller.products import FOLDS, PRODUCTS
from services.poller.reader import Reader, Whose, credentials_at
from services.poller.reconciling import Reconcile, Reconciling
from services.poller.rounds import Rounds
from services.poller.senders import WatchedSenders
from services.poller.syncing import TOGETHER, Sync, Syncing
from services.poller.tickets import Ticketing
from services.runtime.config import Settings
from services.runtime.directories import Directories
from services.runtime.folding.app import FoldApp, fold_app
from services.runtime.folding.health import reasons
from services.runtime.folding.lifetime import run_app
from services.runtime.folding.runner import Listener, Together
from services.runtime.http import operations, serve
from services.runtime.line import Line, way
from services.runtime.metrics import FOLDING
from services.runtime.tenants.live import Tenants

_CONNECTIONS = 20


class Hands(NamedTuple):
    """What people do by commands, and the poller by time."""

    reconcile: Reconcile
    sync: Sync


async def run(settings: Settings, tenants: Tenants, stop: asyncio.Event, hands: Hands) -> None:
    """Run until `stop`. Raises what crashed the app."""
    poller = settings.poller
    line = Line(poller.request_timeout_s, _CONNECTIONS)
    # With connections and a budget of their own: whoever reads lists keeps no flow unheard.
    lists_line = Line(poller.request_timeout_s, TOGETHER * len(poller.sync_every_s))
    lists_budget = budget_of_lists(poller.calls_per_minute)
    rounds: dict[str, Rounds] = {}
    # Faust keeps equal partition numbers of an app together, so it is the same share for all products.
    budget = Budget(
        poller.calls_per_minute,
        lambda: max(len(one.owned) for one in rounds.values()) / settings.kafka.partitions,
    )

    def reader(product: Polled, tenant: str, account: str) -> Reader:
        owner, base = tenants[tenant], product.base_url(settings.twilio)
        leads = way("GET", credentials_at(product.host, owner, account), account, base, owner.region)
        return Reader(line, budget, Whose(tenant, account, product.host, leads))

    rounds |= {one.table: Rounds(one, tenants, poller, reader) for one in PRODUCTS}
    reconciling = Reconciling(
        settings, tenants, hands.reconcile, lambda tenant: budget.turn(tenants[tenant].account_sid, "api")
    )
    deactivating = Deactivating(settings, tenants, line)

    def of_messaging(tenant: str, account: str) -> Reader:
        owner, base = tenants[tenant], settings.twilio.messaging_url
        leads = way("GET", credentials_at("messaging", owner, account), account, base, owner.region)
        return Reader(line, budget, Whose(tenant, account, "messaging", leads))

    def answers(tenant: str) -> Answers:
        owner = tenants[tenant]

        def reader(asked: Asked) -> Reader:
            base = settings.twilio.urls[asked.host]
            leads = way("GET", credentials_at(asked.host, owner, asked.account), asked.account, base, owner.region)
            return Reader(lists_line, lists_budget(asked.host), Whose(tenant, asked.account, asked.host, leads))

        return Answers(reader)

    syncing = [Syncing(name, settings, tenants, hands.sync, answers) for name in poller.sync_every_s]
    ticketing = Ticketing(tenants)
    directories = Directories(settings.kafka)
    commanding = Commanding(tenants, directories)
    senders = WatchedSenders(settings, tenants, of_messaging)
    listeners: dict[str, Listener] = {}
    beside_rounds: dict[FoldContract, list[Listener]] = {
        SILENT_FOLD: [reconciling, deactivating, senders, *syncing],
        KEYWORDS_FOLD: [ticketing, commanding],
    }
    folds = [signed_fold(tenants) if one.contract == KEYWORDS_FOLD else one for one in FOLDS]
    for fold in folds:
        own = [rounds[one.table] for one in PRODUCTS if one.contract == fold.contract]
        listeners[fold.name] = Together(*own, *beside_rounds.get(fold.contract, ()))
    app = fold_app(POLLER_APP, folds, settings.kafka, poller, listeners)

    def troubles() -> list[str]:
        told = [why for one in rounds.values() for why in one.troubles()]
        return [*tenants.troubles(), *told, *senders.troubles(), *(why for one in syncing for why in one.troubles())]

    health = operations(partial(reasons, app), degraded=troubles, own=[FOLDING, POLLER])
    await directories.start()
    beside: list[asyncio.Task[None]] = []
    server = await serve(health, poller.host, poller.port, "poller.port")
    try:
        for work in (
            *(one.run() for one in rounds.values()),
            reconciling.run(),
            deactivating.run(),
            senders.run(),
            *(one.run() for one in syncing),
            ticketing.run(),
            commanding.run(),
        ):
            beside.append(asyncio.create_task(_or_crash(app, work)))
        await run_app(app, stop)
    finally:
        for task in beside:
            task.cancel()
        await server.close()
        await line.close()
        await lists_line.close()
        await ticketing.close()
        await directories.stop()


async def _or_crash(app: FoldApp, work: Coroutine[Any, Any, None]) -> None:
    """Whatever ends it otherwise than a cancellation ends the process: without it nothing would be read any more."""
    try:
        await work
    except Exception as error:
        await app.crash(error)
