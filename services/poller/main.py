"""The poller's composition: folds, rounds, the daily reconciliation, operations."""

import asyncio
from collections.abc import Coroutine
from functools import partial
from typing import Any

from services.contract.fold import POLLER_APP, FoldContract
from services.contract.messages import SILENT_FOLD
from services.contract.rules import KEYWORDS_FOLD
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
from services.poller.tickets import Ticketing
from services.runtime.config import Settings
from services.runtime.directories import Directories
from services.runtime.folding.app import FoldApp, fold_app, run_app
from services.runtime.folding.health import reasons
from services.runtime.folding.runner import Listener, Together
from services.runtime.http import operations, serve
from services.runtime.line import Line, way
from services.runtime.metrics import FOLDING
from services.runtime.tenants.live import Tenants

_CONNECTIONS = 20


async def run(settings: Settings, tenants: Tenants, stop: asyncio.Event, reconcile: Reconcile) -> None:
    """Run until `stop`. Raises what crashed the app."""
    poller = settings.poller
    line = Line(poller.request_timeout_s, _CONNECTIONS)
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
        settings, tenants, reconcile, lambda tenant: budget.turn(tenants[tenant].account_sid, "api")
    )
    deactivating = Deactivating(settings, tenants, line)

    def of_messaging(tenant: str, account: str) -> Reader:
        owner, base = tenants[tenant], settings.twilio.messaging_url
        leads = way("GET", credentials_at("messaging", owner, account), account, base, owner.region)
        return Reader(line, budget, Whose(tenant, account, "messaging", leads))

    ticketing = Ticketing(tenants)
    directories = Directories(settings.kafka)
    commanding = Commanding(tenants, directories)
    senders = WatchedSenders(settings, tenants, of_messaging)
    listeners: dict[str, Listener] = {}
    beside_rounds: dict[FoldContract, list[Listener]] = {
        SILENT_FOLD: [reconciling, deactivating, senders],
        KEYWORDS_FOLD: [ticketing, commanding],
    }
    folds = [signed_fold(tenants) if one.contract == KEYWORDS_FOLD else one for one in FOLDS]
    for fold in folds:
        own = [rounds[one.table] for one in PRODUCTS if one.contract == fold.contract]
        listeners[fold.name] = Together(*own, *beside_rounds.get(fold.contract, ()))
    app = fold_app(POLLER_APP, folds, settings.kafka, poller, listeners)

    def troubles() -> list[str]:
        return [*tenants.troubles(), *(why for one in rounds.values() for why in one.troubles()), *senders.troubles()]

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
        await ticketing.close()
        await directories.stop()


async def _or_crash(app: FoldApp, work: Coroutine[Any, Any, None]) -> None:
    """Whatever ends it otherwise than a cancellation ends the process: without it nothing would be read any more."""
    try:
        await work
    except Exception as error:
        await app.crash(error)
