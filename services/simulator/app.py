"""Composition root: the simulator as a web application, and how it is started."""

import asyncio
import secrets
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager

from aiohttp import web

from services.runtime import http
from services.runtime.config import Settings
from services.runtime.tenants.live import Tenants
from services.simulator import errors
from services.simulator.alerts import AlertsApi
from services.simulator.channels import ChannelsApi
from services.simulator.contents import ContentsApi
from services.simulator.control import ControlApi
from services.simulator.credentials import CredentialsApi
from services.simulator.deactivations import DeactivationsApi
from services.simulator.guard import REGIONS, not_found, refused
from services.simulator.holding import HoldingApi
from services.simulator.lookups import LookupsApi
from services.simulator.media import CdnApi, FilesApi
from services.simulator.messaging import ServicesApi
from services.simulator.numbers import NumbersApi
from services.simulator.pricing import PricingApi
from services.simulator.registering import RegisteringApi
from services.simulator.rest import MessagesApi
from services.simulator.service import Simulator
from services.simulator.steering import SteeringApi
from services.simulator.studio.api import StudioApi
from services.simulator.subresources import SubresourcesApi

_LARGEST = 64 << 20
_CONTROL = "/simulator/"
_Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]


def create_app(settings: Settings, tenants: Tenants) -> web.Application:
    """The simulator for the settings' tenants: Twilio's REST API, and `/simulator/` to steer it."""
    simulator = Simulator(settings, tenants)

    async def running(_: web.Application) -> AsyncIterator[None]:
        await simulator.webhooks.open()
        yield
        await simulator.lifecycle.stop()
        await simulator.webhooks.close()

    # People's files come in base 64.
    app = web.Application(middlewares=[_twilio_errors], client_max_size=_LARGEST)
    apis = (
        MessagesApi,
        SubresourcesApi,
        FilesApi,
        NumbersApi,
        ServicesApi,
        ChannelsApi,
        ContentsApi,
        AlertsApi,
        StudioApi,
        PricingApi,
        LookupsApi,
        DeactivationsApi,
        RegisteringApi,
    )
    for routes in (api(simulator).routes() for api in apis):
        app.add_routes(routes)
        # Where Twilio has a host for each region, here its name stands before the path.
        app.add_routes(
            web.route(one.method, f"/{region}{one.path}", one.handler) for region in REGIONS for one in routes
        )
    app.add_routes(HoldingApi(simulator).routes())
    app.add_routes(ControlApi(simulator).routes())
    app.add_routes(CdnApi(simulator).routes())
    app.add_routes(SteeringApi(simulator).routes())
    app.add_routes(CredentialsApi(simulator).routes())
    app.cleanup_ctx.append(running)
    app.on_response_prepare.append(_named)
    return app


@asynccontextmanager
async def serve(settings: Settings, tenants: Tenants) -> AsyncIterator[str]:
    """Run the simulator and yield its base URL, with the port that was bound when the setting is 0.

    Raises PortTaken.
    """
    host, port = settings.simulator.host, settings.simulator.port
    # A request that a fault holds up must not hold up the end.
    server = await http.serve(create_app(settings, tenants), host, port, "simulator.port", stop_s=1.0)
    try:
        yield server.url
    finally:
        await server.close()


async def run(settings: Settings, tenants: Tenants, ready: Callable[[str], None]) -> None:
    """Run until cancelled; `ready` is told the base URL. Raises PortTaken."""
    async with serve(settings, tenants) as url:
        ready(url)
        await asyncio.Event().wait()


async def _named(request: web.Request, response: web.StreamResponse) -> None:
    """What Twilio calls each call to its API."""
    if not request.path.startswith(_CONTROL):
        response.headers["Twilio-Request-Id"] = f"RQ{secrets.token_hex(16)}"


@web.middleware
async def _twilio_errors(request: web.Request, handler: _Handler) -> web.StreamResponse:
    """What is no route here answers in Twilio's error body, whichever of its hosts and products was meant."""
    try:
        return await handler(request)
    except (web.HTTPNotFound, web.HTTPMethodNotAllowed) as error:
        if request.path.startswith(_CONTROL):
            raise
        return not_found(request) if isinstance(error, web.HTTPNotFound) else refused(errors.METHOD_NOT_ALLOWED)
