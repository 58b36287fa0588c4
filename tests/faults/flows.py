"""A flow of the simulated Twilio under the load: who is put into it, what they answer, and whether all of it was read.

What people say in a flow Twilio takes, and nobody else: the one end. The other is what the log says of it.
"""

import json
import random
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from services.checker.history import History
from services.operations.studio.watching import say, statement
from tests.faults.house import House
from tests.faults.settings import ACCOUNT, FLOW, FLOW_NUMBER, TENANT

STARTS, EXECUTIONS, INBOUND = "twilio.outbound.executions.v1", "twilio.executions.v1", "twilio.inbound.v1"
# Few, so that somebody who is started is often in a flow already. None of them is written to otherwise.
_PEOPLE = 30
_NO, _YES = ("STOP", "Unsubscribe"), ("START",)
_WORDS = ("Very much", "Not at all", "It was fine") * 2 + _NO + _YES
_SHOWN = 5


async def publish(house: House) -> None:
    """The flow, our number that leads to it, and the word that it is read."""
    asked = {"account_sid": ACCOUNT, "definition": _definition(), "numbers": [FLOW_NUMBER]}
    await house.twilio("PUT", f"flows/{FLOW}", asked)
    await say(house.kafka, statement(TENANT, ACCOUNT, FLOW, True, "the fault bench"))


def somebody(dice: random.Random) -> str:
    return f"+1303555{dice.randrange(_PEOPLE):04d}"


def word(dice: random.Random) -> str:
    return dice.choice(_WORDS)


def fields(command_id: str, dice: random.Random) -> dict[str, Any]:
    """What a command says that starts an execution; a person finds it at Twilio by its parameters."""
    return {
        "flow_sid": FLOW,
        "from": FLOW_NUMBER,
        "parameters": {"command": command_id},
        "conflict": dice.choice(("leave", "restart")),
    }


def made(executions: Iterable[Mapping[str, Any]]) -> dict[str, str]:
    """The execution of each command that started one."""
    return {one["data"]["command"]: one["sid"] for one in executions if "command" in one["data"]}


def unread(executions: Iterable[Mapping[str, Any]], read: Mapping[str, Mapping[str, Any]]) -> list[str]:
    """The executions that stand otherwise at Twilio than on the log. `read`: the last record of each."""
    return [
        f"{one['sid']} stands at {_told(read.get(one['sid']))}, and at Twilio at {one['status']}, {one['steps']}"
        for one in executions
        if _told(read.get(one["sid"])) != f"{one['status']}, {one['steps']}"
    ]


def unheard(executions: Iterable[Mapping[str, Any]], callbacks: Iterable[Mapping[str, Any]]) -> list[str]:
    """The executions that commands started and that go on, though the last that their person said is a no."""
    said: dict[str, str] = {}
    for one in _heard_by_flows(callbacks):
        if one["params"]["Body"] in (*_NO, *_YES):
            said[one["params"]["From"]] = one["params"]["Body"]
    return [
        f"{one['sid']} goes on, and {one['to']} said {said[one['to']]}"
        for one in executions
        if one["by_api"] and one["status"] == "active" and said.get(one["to"]) in _NO
    ]


def differences(history: History) -> list[str]:
    """What was lost, doubled or told wrongly of flows, some of it in a sentence."""
    witness = history.witness
    if witness is None:
        return ["nobody tells what became of flows at Twilio"]
    read: dict[str, Mapping[str, Any]] = {}
    inbound: defaultdict[str, dict[str, str]] = defaultdict(dict)
    for entry in history.entries:
        if entry.topic == EXECUTIONS:
            event = json.loads(entry.value or b"{}")
            read[event["execution_sid"]] = event
        elif entry.topic == INBOUND:
            event = json.loads(entry.value or b"{}")
            inbound[event["message_sid"]][event["event_id"]] = event["body"]
    replies = list(_heard_by_flows(witness.callbacks))
    wrong = [
        *unread(witness.executions, read),
        *unheard(witness.executions, witness.callbacks),
        *_said(replies, inbound),
    ]
    if not (witness.executions and replies):
        wrong.append("nobody was in a flow, or said anything there, so nothing was compared")
    return [*wrong[:_SHOWN], *([f"and {len(wrong) - _SHOWN} more of flows"] if len(wrong) > _SHOWN else [])]


def _said(replies: Sequence[Mapping[str, Any]], inbound: Mapping[str, Mapping[str, str]]) -> list[str]:
    found = []
    for one in replies:
        told, body = inbound.get(one["sid"], {}), one["params"]["Body"]
        if list(told.values()) != [body]:
            found.append(f"{one['sid']} said {body!r} in a flow, and the log has {told or 'nothing'}")
    return found


def _heard_by_flows(callbacks: Iterable[Mapping[str, Any]]) -> Iterable[Mapping[str, Any]]:
    return (one for one in callbacks if one["kind"] == "own")


def _told(event: Mapping[str, Any] | None) -> str:
    if event is None:
        return "nothing"
    steps = [f"{step['event']} {step['entered']}" for step in event["steps"]]
    return f"{event['status']}, {steps}"


def _definition() -> dict[str, Any]:
    def state(name: str, kind: str, properties: dict[str, str], *leads: tuple[str, str | None]) -> dict[str, Any]:
        transitions = [{"event": event} | ({"next": after} if after else {}) for event, after in leads]
        return {"name": name, "type": kind, "properties": properties, "transitions": transitions}

    ask = {"body": "Were you content?", "timeout": "3600"}
    return {
        "description": "A survey under fire",
        "initial_state": "Trigger",
        "states": [
            state("Trigger", "trigger", {}, ("incomingRequest", "ask"), ("incomingMessage", "thank")),
            state("ask", "send-and-wait-for-reply", ask, ("incomingMessage", "thank"), ("timeout", None)),
            state("thank", "send-message", {"body": "Thank you."}, ("sent", None), ("failed", None)),
        ],
    }
