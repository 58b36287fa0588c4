"""The processor's composition: folds, queries, operations."""

import asyncio
from contextlib import AsyncExitStack

from aiohttp import web

from services.contract.fold import PROCESSOR_APPS
from services.processor.access import Access
from services.processor.audit import Audit
from services.processor.metrics import PROCESSOR
from services.processor.noticing import Noticing
from services.processor.open_letters import OPEN_LETTERS
from services.processor.queries import Queries
from services.processor.reaching import People, Reaching
from services.processor.topology import topology
from services.runtime.config import Settings
from services.runtime.directories import Directories
from services.runtime.folding.app import fold_app
from services.runtime.folding.health import reasons
from services.runtime.folding.lifetime import run_apps
from services.runtime.folding.runner import Together
from services.runtime.http import operations, serve
from services.runtime.metrics import FOLDING
from services.runtime.policy import rest_rules
from services.runtime.replying import confirmation_texts
from services.runtime.tenants.derived import Derived
from services.runtime.tenants.live import Tenants


async def run(settings: Settings, tenants: Tenants, stop: asyncio.Event) -> None:
    """Run until `stop`. Raises what crashed the app."""
    worker = settings.processor
    folds = topology(settings, confirmation_texts(tenants))
    listeners = {folds.messages.name: Together(Noticing(), Reaching()), folds.contacts.name: People()}
    apps = {}
    for group in worker.groups:
        app_id = PROCESSOR_APPS[group]
        # Tables of two groups may have one name.
        own = worker.model_copy(update={"data_dir": worker.data_dir / group})
        grouped = [fold for fold in folds if fold.contract.app == app_id]
        apps[app_id] = fold_app(app_id, grouped, settings.kafka, own, listeners)
    directories = Directories(settings.kafka)
    audit = Audit(settings.kafka)
    queries = Queries(apps, folds, directories, Derived(tenants, lambda _, tenant: rest_rules(tenant)), audit)
    http = web.Application(middlewares=[Access(worker.tokens, tenants).admit])
    http.add_routes(queries.routes())
    health = operations(
        lambda: [why for app in apps.values() for why in reasons(app)],
        degraded=tenants.troubles,
        own=[FOLDING, PROCESSOR],
    )
    async with AsyncExitStack() as stack:
        asked = await serve(health, worker.operations_host, worker.operations_port, "processor.operations_port")
        stack.push_async_callback(asked.close)
        server = await serve(http, worker.host, worker.port, "processor.port")
        stack.push_async_callback(server.close)
        stack.push_async_callback(audit.close)
        stack.push_async_callback(queries.close)
        stack.push_async_callback(directories.stop)
        await directories.start()
        stack.push_async_callback(OPEN_LETTERS.stop)
        await OPEN_LETTERS.start(settings.kafka)
        await run_apps([*apps.values()], stop)
