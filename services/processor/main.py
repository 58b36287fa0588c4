"""The processor's composition: folds, queries, operations."""

import asyncio
from functools import partial

from aiohttp import web

from services.contract.topics import PROCESSOR_APP
from services.processor.queries import Queries
from services.processor.topology import topology
from services.runtime.config import Settings
from services.runtime.folding.app import fold_app, run_app
from services.runtime.folding.health import reasons
from services.runtime.http import operations, serve


async def run(settings: Settings, stop: asyncio.Event) -> None:
    """Run until `stop`. Raises what crashed the app."""
    worker = settings.processor
    folds = topology(settings)
    app = fold_app(PROCESSOR_APP, folds, settings.kafka, worker)
    queries = Queries(app, folds)
    http = web.Application()
    http.add_routes([*operations(partial(reasons, app)), *queries.routes()])
    server = await serve(http, worker.host, worker.port, "processor.port")
    try:
        await run_app(app, stop)
    finally:
        await queries.close()
        await server.close()
