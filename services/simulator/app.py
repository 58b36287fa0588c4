"""Composition root: the simulator as a web application, and how it is started."""

import asyncio
import errno
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager

from aiohttp import web

from services.runtime.config import ConfigError, Settings
from services.simulator import errors
from services.simulator.control import ControlApi
from services.simulator.message import API_VERSION
from services.simulator.rest import MessagesApi, not_found, refused
from services.simulator.service import Simulator
from services.simulator.steering import SteeringApi

_Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]


def create_app(settings: Settings) -> web.Application:
    """The simulator for the settings' tenants: Twilio's REST API, and `/simulator/` to steer it."""
    simulator = Simulator(settings)

    async def running(_: web.Application) -> AsyncIterator[None]:
        await simulator.webhooks.open()
        yield
        await simulator.lifecycle.stop()
        await simulator.webhooks.close()

    app = web.Application(middlewares=[_twilio_errors])
    app.add_routes(MessagesApi(simulator).routes())
    app.add_routes(ControlApi(simulator).routes())
    app.add_routes(SteeringApi(simulator).routes())
    app.cleanup_ctx.append(running)
    return app


@asynccontextmanager
async def serve(settings: Settings) -> AsyncIterator[str]:
    """Run the simulator and yield its base URL, with the port that was bound when the setting is 0.

    Raises ConfigError when the port is taken.
    """
    host, port = settings.simulator.host, settings.simulator.port
    # A request that a fault holds up must not hold up the end.
    runner = web.AppRunner(create_app(settings), access_log=None, shutdown_timeout=1.0)
    await runner.setup()
    try:
        try:
            await web.TCPSite(runner, host, port).start()
        except OSError as error:
            if error.errno != errno.EADDRINUSE:
                raise
            raise ConfigError(f"simulator.port: {port} on {host} is taken; choose another, or 0 for any") from error
        yield f"http://{host}:{runner.addresses[0][1]}"
    finally:
        await runner.cleanup()


async def run(settings: Settings, ready: Callable[[str], None]) -> None:
    """Run until cancelled; `ready` is told the base URL. Raises ConfigError when the port is taken."""
    async with serve(settings) as url:
        ready(url)
        await asyncio.Event().wait()


@web.middleware
async def _twilio_errors(request: web.Request, handler: _Handler) -> web.StreamResponse:
    """Routes that do not exist answer as Twilio would, where Twilio's paths are meant."""
    try:
        return await handler(request)
    except (web.HTTPNotFound, web.HTTPMethodNotAllowed) as error:
        if not request.path.startswith(f"/{API_VERSION}/"):
            raise
        return not_found(request) if isinstance(error, web.HTTPNotFound) else refused(errors.METHOD_NOT_ALLOWED)
