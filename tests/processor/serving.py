"""The queries of a worker over HTTP, without its folds."""

from contextlib import AsyncExitStack
from typing import Any

from aiohttp import web

from services.contract.fold import PROCESSOR_APPS
from services.processor.access import Access
from services.processor.queries import Queries
from services.processor.topology import topology
from services.runtime.config import Settings
from services.runtime.directories import Directories


async def serve(stack: AsyncExitStack, app: Any, access: Access, audit: Any) -> str:
    """Answer on a port of its own until `stack` is closed; its URL."""
    apps, directories = dict.fromkeys(PROCESSOR_APPS.values(), app), Directories(Settings().kafka)
    asked = Queries(apps, topology(Settings(), {}), directories, {}, audit)
    application = web.Application(middlewares=[access.admit])
    application.add_routes(asked.routes())
    runner = web.AppRunner(application)
    await runner.setup()
    stack.push_async_callback(runner.cleanup)
    stack.push_async_callback(asked.close)
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    return f"http://127.0.0.1:{runner.addresses[0][1]}"
