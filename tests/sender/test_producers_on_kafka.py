"""Producers are kept apart, on a real log: `globex` has topics of its own, and signs what it says elsewhere."""

import json
import time
from typing import Any

import msgspec
import pytest
from aiokafka import AIOKafkaProducer

from services.contract.access import topics_of
from services.contract.consent import CONSENT_COMMANDS
from services.contract.messages import MESSAGES
from services.contract.outbound import ACCEPTED, RESULTS
from services.contract.signatures import sign
from services.contract.topic import own_topic
from services.domain.messages.commands import CancelMessage
from services.domain.results import CommandResult
from services.operations.dead.desk import Dealing
from services.operations.dead.desk import Desk as Letters
from services.operations.dead.letters import read_letter
from services.operations.lists import same_list
from services.operations.producing import produce
from services.operations.topic_admin import TopicsError
from services.operations.topics import obstacles
from services.runtime.config import Settings
from tests.kafka_records import read_until
from tests.processes import settings_of
from tests.sender.conftest import House
from tests.sender.rig import SECRETS, Desk

pytestmark = pytest.mark.usefixtures("shared_sender")

OWN = own_topic(MESSAGES, "globex").name
COMMITTED = {"isolation_level": "read_committed"}
Headers = list[tuple[str, bytes]]


@pytest.fixture
def settings(house: House, monkeypatch: pytest.MonkeyPatch) -> Settings:
    """As the command line has them."""
    for name, value in {**SECRETS, "SWITCHBOARD_CONFIG": str(house.settings)}.items():
        monkeypatch.setenv(name, value)
    return settings_of(house.settings, **SECRETS)


def signed(topic: str, value: bytes) -> Headers:
    secret = SECRETS["SENDER_TEST_PRODUCERS"].encode()
    return [sign(topic, value, "globex/k", secret, int(time.time()))]


async def put(desk: Desk, topic: str, *records: tuple[bytes, Headers], key: str | None = None) -> None:
    async with AIOKafkaProducer(bootstrap_servers=desk.bootstrap, acks="all") as producer:
        for value, headers in records:
            await producer.send_and_wait(topic, value, key=key and key.encode(), headers=headers)


def said(desk: Desk, number: int, **fields: Any) -> tuple[str, bytes]:
    """A command of globex's: its id and its bytes."""
    command = desk.command(number, **({"tenant": "globex"} | fields))
    return command["command_id"], json.dumps(command).encode()


async def told(desk: Desk, command_id: str, *steps: str) -> list[tuple[str, str]]:
    """(tenant, step) of what is told of a command, once one of these steps is."""
    await desk.until([command_id], *steps)
    return [(one.tenant, one.step) for one in await desk.results(command_id)]


async def test_on_its_own_topic_a_tenant_is_believed_and_speaks_for_nobody_else(desk: Desk) -> None:
    (mine, value), (theirs, stolen) = said(desk, 1), said(desk, 2, tenant="acme")
    await put(desk, OWN, (value, []), (stolen, []))
    assert ("globex", "sent") in await told(desk, mine, "sent")
    assert len((await desk.creates([mine]))[mine]) == 1
    assert await told(desk, theirs, "rejected") == [("globex", "rejected")]
    # Its victim hears nothing, and may use the id: nobody has taken it.
    await put(desk, MESSAGES.name, (stolen, []))
    assert ("acme", "sent") in await told(desk, theirs, "sent")


async def test_on_the_shared_topic_it_is_believed_by_its_signature(desk: Desk) -> None:
    (mine, value), (forged, other) = said(desk, 3), said(desk, 4)
    await put(desk, MESSAGES.name, (other, []), (other, signed(MESSAGES.name, value)), (other, signed(OWN, other)))
    assert set(await told(desk, forged, "rejected")) == {("", "rejected")}
    record = (value, signed(MESSAGES.name, value))
    await put(desk, MESSAGES.name, record)
    assert ("globex", "sent") in await told(desk, mine, "sent")
    # Whoever has read it produces it again, byte for byte.
    await put(desk, MESSAGES.name, record)
    assert await told(desk, mine, "repeated")
    assert len((await desk.creates([mine]))[mine]) == 1
    assert set(await told(desk, forged, "rejected")) == {("", "rejected")}
    assert (await desk.creates([forged]))[forged] == []


async def test_a_no_is_heard_whoever_says_it_and_a_yes_is_not(desk: Desk) -> None:
    name = desk.command("consent")["command_id"]
    no = {"command_id": name, "tenant": "globex", "address": "+14155569001", "action": "opt_out"}
    yes = no | {"command_id": f"{name}-yes", "action": "opt_in"}
    await put(desk, CONSENT_COMMANDS.name, (json.dumps(yes).encode(), []), (json.dumps(no).encode(), []))
    assert await told(desk, yes["command_id"], "rejected") == [("", "rejected")]
    assert await told(desk, name, "recorded") == [("", "recorded")]
    accepted = await read_until(
        desk.bootstrap, ACCEPTED.name, lambda found: any(name.encode() in (one.value or b"") for one in found), 60,
        **COMMITTED,
    )  # fmt: skip
    [stands] = [json.loads(one.value) for one in accepted if name.encode() in (one.value or b"")]
    assert (stands["tenant"], stands["action"]) == ("globex", "opt_out")


async def test_the_command_line_speaks_for_it(desk: Desk, settings: Settings) -> None:
    command_id, value = said(desk, 5)
    await produce(settings, CancelMessage(command_id=command_id, tenant="globex", to="+14155561005", by="a test"))
    assert await told(desk, command_id, "cancel_remembered") == [("globex", "cancel_remembered")]
    await put(desk, OWN, (value, []))
    assert ("globex", "canceled") in await told(desk, command_id, "canceled")


async def test_a_letter_of_its_topic_lies_with_the_others_and_goes_back_to_its_own(
    desk: Desk, settings: Settings
) -> None:
    command_id, value = said(desk, 6)
    headers = [("producer-signature", b"as it was"), ("mine", b"1")]
    # What cannot be read is known by its key.
    await put(desk, OWN, (value[:-1], headers), key=command_id)
    assert await told(desk, command_id, "rejected") == [("globex", "rejected")]
    letters = await read_until(
        desk.bootstrap, MESSAGES.dead, lambda found: any(one.value == value[:-1] for one in found), 60, **COMMITTED
    )
    letter = next(read_letter(one) for one in letters if one.value == value[:-1])
    assert letter.name.topic == OWN
    async with Letters(settings.kafka) as open_desk:
        await open_desk.deal([Dealing(letter, "retried")])
    back = await read_until(
        desk.bootstrap, OWN, lambda found: sum(one.value == value[:-1] for one in found) > 1, 60, **COMMITTED
    )
    again = [one for one in back if one.value == value[:-1]][-1]
    assert list(again.headers)[:2] == headers
    results = await read_until(
        desk.bootstrap, RESULTS.name, lambda found: any(command_id.encode() in (one.value or b"") for one in found), 60
    )
    ends = [msgspec.json.decode(one.value, type=CommandResult) for one in results if command_id.encode() in one.value]
    assert {one.tenant for one in ends} == {"globex"}


async def test_a_topic_that_is_named_and_not_there_is_said_at_the_start(settings: Settings) -> None:
    kafka = settings.kafka.model_copy(update={"tenant_topics": ["globex", "initech"]})
    more = settings.model_copy(update={"kafka": kafka})
    [sentence] = await obstacles(more, topics_of("sender", kafka.tenant_topics))
    for topic in (MESSAGES, CONSENT_COMMANDS):
        assert own_topic(topic, "initech").name in sentence
        assert own_topic(topic, "globex").name not in sentence
    assert "switchboard topics apply" in sentence


async def test_beside_a_sender_with_another_list_none_may_start(settings: Settings) -> None:
    """As in a rolling restart: two of them would fold one partition, or nobody read a topic."""
    kafka = settings.kafka
    # Until it is a member, nobody knows what it reads.
    await same_list(kafka, 30)
    for tenants, said in (([], "none"), (["globex", "acme"], "acme, globex")):
        other = kafka.model_copy(update={"tenant_topics": tenants})
        with pytest.raises(TopicsError, match=f"this sender has {said}, and one that runs has globex; stop all"):
            await same_list(other, 0)
