"""Flows to try: one that asks and answers, and how the tests start it."""

import json
from typing import Any

from twilio.rest import Client
from twilio.rest.studio.v2 import V2

from .rig import Rig

WHO, OURS = "+14155550123", "+14155552671"


def state(name: str, kind: str, properties: dict[str, Any], *transitions: tuple[str, str | None]) -> dict[str, Any]:
    """A widget; `transitions`: event and the next widget."""
    told = [{"event": event} | ({"next": after} if after else {}) for event, after in transitions]
    return {"name": name, "type": kind, "properties": properties, "transitions": told}


def survey(timeout: str = "30") -> dict[str, Any]:
    """Asks by name, thanks for yes, regrets all else, and falls silent with whom does not answer."""
    ends = {"from": "{{flow.channel.address}}", "to": "{{contact.channel.address}}"}
    ask = {**ends, "body": "Dear {{flow.data.name}}, satisfied?", "timeout": timeout}
    split = state("judge", "split-based-on", {"input": "{{widgets.ask.inbound.Body}}"}, ("noMatch", "regret"))
    condition = {"type": "equal_to", "arguments": ["{{widgets.ask.inbound.Body}}"], "value": "yes"}
    split["transitions"].append({"event": "match", "next": "thank", "conditions": [condition]})
    return {
        "description": "A survey",
        "initial_state": "Trigger",
        "states": [
            state("Trigger", "trigger", {}, ("incomingRequest", "ask"), ("incomingMessage", "thank")),
            state("ask", "send-and-wait-for-reply", ask, ("incomingMessage", "judge"), ("timeout", None)),
            split,
            state("thank", "send-message", {**ends, "body": "Thanks"}, ("sent", None), ("failed", None)),
            state("regret", "send-message", {**ends, "body": "Sorry"}, ("sent", None), ("failed", None)),
        ],
    }


def studio(rig: Rig, client: Client | None = None, url: str = "") -> V2:
    """Twilio's own client for Studio, on this simulator."""
    client = client or rig.client()
    client.studio.base_url = url or rig.url
    v2: V2 = client.studio.v2
    return v2


async def published(rig: Rig, definition: dict[str, Any] | None = None, inbound: bool = True) -> str:
    """The sid of a flow that everybody walks through. `inbound`: our number's messages go to it."""
    told = json.dumps(definition or survey())
    flow = await studio(rig).flows.create_async(friendly_name="Survey", status="published", definition=told)
    if inbound:
        await point(rig, flow.webhook_url)
    return str(flow.sid)


async def point(rig: Rig, url: str) -> None:
    """Our number's messages go to this URL from now on."""
    numbers = rig.client().incoming_phone_numbers
    [number] = await numbers.list_async(phone_number=OURS)
    await numbers(number.sid).update_async(sms_url=url)
