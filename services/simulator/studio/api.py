"""Studio on the simulator: all its routes."""

from aiohttp import web

from services.simulator.service import Simulator
from services.simulator.studio.executions_api import ExecutionsApi
from services.simulator.studio.flows_api import FlowsApi
from services.simulator.studio.steering import StudioSteering
from services.simulator.studio.walk import Studio


class StudioApi:
    """Twilio's API of flows and executions, and the simulator's own of them."""

    def __init__(self, simulator: Simulator) -> None:
        studio = Studio(simulator)
        self._parts = (
            FlowsApi(simulator, studio),
            ExecutionsApi(simulator, studio),
            StudioSteering(simulator, studio),
        )

    def routes(self) -> list[web.RouteDef]:
        return [route for part in self._parts for route in part.routes()]
