"""What the simulator's own API has of Studio: a flow under a sid that is known beforehand, and all executions."""

import re
from typing import Any

from aiohttp import web
from pydantic import BaseModel, ConfigDict, ValidationError

from services.simulator.service import Simulator
from services.simulator.studio.definition import faults
from services.simulator.studio.executions import told_json
from services.simulator.studio.flows import Flow, revised
from services.simulator.studio.walk import Studio
from services.simulator.told import invalid

_FLOW_SID = re.compile(r"FW[0-9a-fA-F]{32}")


class FlowRequest(BaseModel):
    """A published flow of an account. `numbers`: those of ours whose messages go to it."""

    model_config = ConfigDict(extra="forbid", strict=True)

    account_sid: str
    definition: dict[str, Any]
    friendly_name: str = "Flow"
    numbers: list[str] = []


class StudioSteering:
    """`PUT /simulator/flows/{sid}` and `GET /simulator/executions`."""

    def __init__(self, simulator: Simulator, studio: Studio) -> None:
        self._simulator = simulator
        self._studio = studio

    def routes(self) -> list[web.RouteDef]:
        return [
            web.put("/simulator/flows/{sid}", self._set_flow),
            web.get("/simulator/executions", self._executions),
        ]

    async def _set_flow(self, request: web.Request) -> web.StreamResponse:
        """Twilio draws a flow's sid; who writes commands down beforehand chooses it here. One that is there is new."""
        sid = request.match_info["sid"]
        if not _FLOW_SID.fullmatch(sid):
            return _wrong(f"{sid} is no flow: FW and 32 hex digits")
        try:
            asked = FlowRequest.model_validate_json(await request.read())
        except ValidationError as error:
            return invalid(error)
        account = self._simulator.accounts.get(asked.account_sid)
        if account is None:
            return _wrong(f"account_sid: no such account {asked.account_sid}")
        if found := faults(asked.definition):
            return _wrong(*(f"definition: {one['property_path']} {one['message']}" for one in found))
        revision = revised("published", asked.friendly_name, asked.definition, None, None)
        flow = self._studio.flows.put(Flow(sid, account.sid, (revision,)))
        for number in asked.numbers:
            self._simulator.holdings.change(account, number, {"sms_url": flow.webhook_url})
        return web.json_response({"sid": sid, **asked.model_dump()})

    async def _executions(self, _: web.Request) -> web.StreamResponse:
        """What happened, for whoever compares."""
        return web.json_response({"executions": [told_json(one) for one in self._studio.executions.all()]})


def _wrong(*told: str) -> web.Response:
    return web.json_response({"errors": told}, status=400)
