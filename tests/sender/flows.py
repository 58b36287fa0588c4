"""Flows at the simulated Twilio, and commands that start executions of them."""

import asyncio
import json
from typing import Any

import msgspec
from aiokafka import AIOKafkaConsumer
from twilio.rest import Client
from twilio.rest.studio.v2 import V2

from services.contract.outbound import ACCEPTED
from services.contract.studio import STARTS, STUDIO
from services.domain.results import CommandResult
from services.domain.studio.events import Begun, ContactExecution, ExecutionStopped
from services.runtime.clock import now
from tests.kafka_records import produce
from tests.sender.rig import SECRETS, SENDER, Desk, contact_of
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

    async def delete(self, sid: str) -> None:
        await asyncio.to_thread(self._studio.flows(self.sid).executions(sid).delete)


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


async def records_of(bootstrap: str, topic: str) -> list[dict[str, Any]]:
    """All that is committed on a topic now."""
    consumer = AIOKafkaConsumer(
        topic, bootstrap_servers=bootstrap, group_id=None, isolation_level="read_committed",
        auto_offset_reset="earliest",
    )  # fmt: skip
    await consumer.start()
    try:
        ends = await consumer.end_offsets(consumer.assignment())
        found: list[dict[str, Any]] = []
        while any([await consumer.position(one) < end for one, end in ends.items()]):
            for batch in (await consumer.getmany(timeout_ms=200)).values():
                found += [json.loads(one.value) for one in batch]
        return found
    finally:
        await consumer.stop()


async def stops_told(desk: Desk, sid: str) -> list[ExecutionStopped]:
    """The facts of an execution's end by us, each as often as it stands on the log."""
    events = [msgspec.convert(one, STUDIO.event) for one in await records_of(desk.bootstrap, STUDIO.name)]
    return [one for one in events if isinstance(one, ExecutionStopped) and one.execution_sid == sid]


async def in_flow(desk: Desk, flow: Flow, command: dict[str, Any], begun: Begun = "person", **other: Any) -> str:
    """Somebody is in an execution that the poller has seen, past our commands: its sid."""
    sid = await flow.start(command["to"])
    fact = ContactExecution(
        event_id=f"seen {sid}", tenant="acme", contact=contact_of(command), at=now(), account_sid="AC" + "a" * 32,
        flow_sid=flow.sid, execution_sid=sid, status="active", begun=begun, started_at=now(),
    )  # fmt: skip
    fact = msgspec.structs.replace(fact, **other)
    await produce(desk.bootstrap, ACCEPTED.name, [(ACCEPTED.key(fact).encode(), msgspec.json.encode(fact))])
    return sid
