"""Flows over a real broker: what people say in them is heard as a message to us, once, within the minute."""

import json
from collections.abc import AsyncIterator
from typing import Any

import aiohttp
import pytest

from services.contract.messages import INBOUND
from services.contract.studio import STUDIO
from services.domain.messages.events import InboundReceived
from services.domain.studio.events import ExecutionSeen, StepWalked
from services.operations.studio.watching import say, statement
from tests.processes import ACCOUNT, SECRETS, Service, settings_of
from tests.simulator.flows import survey
from tests.waiting import eventually

from .gateway import gateway
from .house import PERSON, SENDER, House, Poller, Twilio, facts, metric, settle

AUTHORIZATION = {"Authorization": aiohttp.encode_basic_auth(ACCOUNT, SECRETS["TEST_AUTH_TOKEN"])}


class Flows:
    """A flow of the simulated Twilio, to which our number leads."""

    # Of all tests here: the clock that they share never goes back while a table holds times of it.
    ahead_s = 0

    def __init__(self, house: House, twilio: Twilio, sid: str) -> None:
        self._house, self._twilio, self.sid = house, twilio, sid

    async def start(self, to: str = PERSON) -> str:
        made = await ask(self._house, self._twilio, f"{self.sid}/Executions", To=to, From=SENDER)
        return str(made["sid"])

    async def say(self, body: str, person: str = PERSON) -> None:
        told = {"account_sid": ACCOUNT, "from": person, "to": SENDER, "body": body}
        await self._twilio.ask("POST", f"{self._house.simulator}/simulator/inbound", json=told)

    async def another(self) -> "Flows":
        """A flow like this one, to which no number leads."""
        return Flows(self._house, self._twilio, (await published(self._house, self._twilio))["sid"])

    async def asked(self, person: str) -> None:
        """Once the flow has written to them."""

        async def written() -> bool:
            told = await self._twilio.ask("GET", f"{self._house.simulator}/simulator/messages")
            return any(one["resource"]["to"] == person for one in told["messages"])

        await eventually(written, what="the flow has asked")

    async def watch(self, watched: bool = True) -> None:
        settings = settings_of(self._house.settings)
        await say(settings.kafka, statement("acme", ACCOUNT, self.sid, watched, "ada"))

    async def hasten(self) -> None:
        """Let half a minute pass: whatever is read is due."""
        Flows.ahead_s += 31
        await self._twilio.steer("clock", ahead_s=Flows.ahead_s)

    async def heard(self, count: int) -> list[InboundReceived]:
        """What people said in this test's flow, once there is so much."""
        found: list[InboundReceived] = []

        async def there() -> bool:
            found[:] = [one for one in await facts(self._house, INBOUND.name, InboundReceived) if one.to == SENDER]
            return len(found) >= count

        await eventually(there, 60, f"{count} replies are on the log")
        return found


async def ask(house: House, twilio: Twilio, path: str, **form: str) -> Any:
    return await twilio.ask("POST", f"{house.simulator}/v2/Flows/{path}".rstrip("/"), data=form, headers=AUTHORIZATION)


def two_questions() -> dict[str, Any]:
    """It asks again, whatever the answer."""
    definition = survey(timeout="600")
    ask, judge, thank, regret = definition["states"][1:]
    ask["transitions"][0]["next"] = "again"
    again = ask | {"name": "again", "transitions": [{"event": "incomingMessage"}, {"event": "timeout"}]}
    definition["states"][1:] = [ask, again, judge, thank, regret]
    return definition


async def published(house: House, twilio: Twilio) -> Any:
    told = json.dumps(two_questions())
    return await ask(house, twilio, "", FriendlyName="Survey", Status="published", Definition=told)


@pytest.fixture
async def flow(house: House, twilio: Twilio) -> AsyncIterator[Flows]:
    made = await published(house, twilio)
    senders = {SENDER: {"sms_url": made["webhook_url"]}}
    await twilio.steer(f"accounts/{ACCOUNT}/senders", **senders)
    found = Flows(house, twilio, made["sid"])
    yield found
    await found.watch(False)


def others_than(known: list[InboundReceived], found: list[InboundReceived]) -> list[InboundReceived]:
    ids = {one.event_id for one in known}
    return [one for one in found if one.event_id not in ids]


async def seen_of(house: House, sid: str) -> tuple[list[str], list[str]]:
    """The statuses and the transitions of an execution that are on the log."""
    told = [one for one in await facts(house, STUDIO.name, ExecutionSeen | StepWalked) if one.execution_sid == sid]
    statuses = [one.status for one in told if isinstance(one, ExecutionSeen)]
    return statuses, [one.event for one in told if isinstance(one, StepWalked)]


async def test_a_stop_in_a_flow_is_heard_with_all_that_was_walked(
    house: House, twilio: Twilio, flow: Flows, poller: Poller
) -> None:
    """And nothing of a flow that nobody watches any more."""
    before = await flow.heard(0)
    await flow.watch()
    unwatched = await flow.another()
    await unwatched.watch()
    await unwatched.watch(False)
    with poller() as service:
        await eventually(service.ready, 60)
        sid, unseen = await flow.start(), await unwatched.start("+14155550166")
        await flow.hasten()

        async def active() -> bool:
            return await seen_of(house, sid) == (["active"], ["incomingRequest"])

        await eventually(active, 60, "the execution is seen")
        await flow.say("STOP")
        await flow.hasten()
        [fact] = others_than(before, await flow.heard(len(before) + 1))
        assert fact.heard is not None
        assert (fact.heard.says, fact.from_, fact.tenant, fact.account_sid) == ("stop", PERSON, "acme", ACCOUNT)
        assert fact.message_sid.startswith("SM")

        async def over() -> bool:
            return (await seen_of(house, sid))[0] == ["active", "ended"]

        await eventually(over, 60, "its end is seen")
        # Twilio itself refused the second question.
        assert sorted((await seen_of(house, sid))[1]) == ["deliveryFailure", "incomingMessage", "incomingRequest"]
        assert await metric(service, "switchboard_studio_replies_total", heard="stop") == 1
        assert await metric(service, "switchboard_studio_executions_total", status="ended") == 1
        assert await seen_of(house, unseen) == ([], [])
    assert len(others_than(before, await flow.heard(len(before) + 1))) == 1


async def test_a_stop_is_heard_while_twilio_answers_none_of_its_lists(
    house: House, twilio: Twilio, flow: Flows, poller: Poller
) -> None:
    """Templates, prices and registrations have calls and connections of their own."""
    before = await flow.heard(0)
    await flow.watch()
    async with gateway(house.simulator) as gate:
        gate.hold()
        hosts = {f"SWITCHBOARD_TWILIO__{name}": gate.url for name in ("CONTENT", "PRICING", "MESSAGING")}
        lists = {f"SWITCHBOARD_POLLER__{name}_EVERY_S": "1" for name in ("TEMPLATES", "PRICES", "COMPLIANCE")}
        with poller(**hosts, **lists) as service:
            await eventually(lambda: len(gate.called) >= 3, 60, "each list is asked for")
            await flow.start()
            await flow.hasten()
            await flow.asked(PERSON)
            await flow.say("STOP")
            await flow.hasten()
            [fact] = others_than(before, await flow.heard(len(before) + 1))
            assert fact.heard is not None
            assert fact.heard.says == "stop"
            assert await metric(service, "switchboard_sync_at_seconds") == 0


async def test_a_message_that_starts_a_flow_is_heard_too(
    house: House, twilio: Twilio, flow: Flows, poller: Poller
) -> None:
    before = await flow.heard(0)
    await flow.watch()
    with poller() as service:
        await eventually(service.ready, 60)

        await eventually(lambda: called(service), 60, "the flow was read once")
        person = "+14155550177"
        # It ends before anybody looks.
        await flow.say("please unsubscribe me", person)
        await flow.hasten()
        [fact] = others_than(before, await flow.heard(len(before) + 1))
        assert (fact.from_, fact.body) == (person, "please unsubscribe me")


async def called(service: Service) -> float:
    return await metric(service, "switchboard_poller_calls_total", host="studio")


@pytest.mark.parametrize("place", ["poller.read:2", pytest.param("flush.folded:3", marks=pytest.mark.slow)])
async def test_a_kill_in_the_middle_hears_once(
    house: House, twilio: Twilio, flow: Flows, poller: Poller, place: str
) -> None:
    before = await flow.heard(0)
    person = f"+141555502{len(before):02}"
    sid = await flow.start(person)
    await flow.asked(person)
    await flow.say("fine, thanks", person)
    await flow.watch()
    with poller(TEST_FAILPOINT=place) as killed:
        await eventually(lambda: killed.process.poll() is not None, 60, "it was killed")
    with poller() as service:
        await eventually(service.ready, 60)
        await flow.heard(len(before) + 1)
        calls = await called(service)
        await flow.hasten()

        async def read_again() -> bool:
            # The list, the execution, and what it walked.
            return await called(service) >= calls + 3

        await eventually(read_again, 60, "all is read once more")
        await settle(1)
    [fact] = others_than(before, await flow.heard(len(before) + 1))
    assert (fact.from_, fact.body) == (person, "fine, thanks")
    statuses, steps = await seen_of(house, sid)
    assert (statuses, sorted(steps)) == (["active"], ["incomingMessage", "incomingRequest"])
