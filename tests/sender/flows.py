"""Flows at the simulated Twilio, and commands that start executions of them."""

import asyncio
import json
from typing import Any

from twilio.rest import Client
from twilio.rest.studio.v2 import V2

from services.contract.studio import STARTS
from services.domain.results import CommandResult
from tests.kafka_records import produce
from tests.sender.rig import SECRETS, SENDER, Desk
from tests.simulator.flows import survey

ENDS = ("sent", "failed", "blocked", "ambiguous")


class Flow:
    """A published flow at the simulated Twilio, which asks and waits for an answer; and its executions."""

    def __init__(self, studio: V2, sid: str) -> None:
        self._studio = studio
        self.sid = sid

    async def executions(self, to: str) -> list[tuple[str, str]]:
        """Sid and status of a person's, the oldest first."""
        found = await asyncio.to_thread(self._studio.flows(self.sid).executions.list)
        return [(one.sid, one.status) for one in reversed(found) if one.contact_channel_address == to]

    async def start(self, to: str) -> str:
        """Somebody else starts one, past us."""
        made = await asyncio.to_thread(self._studio.flows(self.sid).executions.create, to=to, from_=SENDER)
        return str(made.sid)


async def published(simulator_port: int) -> Flow:
    client = Client("AC" + "a" * 32, SECRETS["SENDER_TEST_TOKEN"])
    client.studio.base_url = f"http://127.0.0.1:{simulator_port}"
    told = json.dumps(survey())
    create = client.studio.v2.flows.create
    made = await asyncio.to_thread(create, friendly_name="Survey", status="published", definition=told)
    return Flow(client.studio.v2, str(made.sid))


def starting(desk: Desk, flow: Flow, name: str, contact: int, **fields: Any) -> dict[str, Any]:
    known = desk.command(name, contact=contact)
    del known["body"]
    return {**known, "flow_sid": flow.sid, "parameters": {"name": "Ann"}, **fields}


async def started(desk: Desk, *commands: dict[str, Any]) -> None:
    await produce(desk.bootstrap, STARTS.name, [(None, json.dumps(command).encode()) for command in commands])


async def end(desk: Desk, command: dict[str, Any]) -> CommandResult:
    await desk.until([command["command_id"]], *ENDS)
    return (await desk.results(command["command_id"]))[-1]
