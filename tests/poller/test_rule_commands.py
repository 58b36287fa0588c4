"""Commands of keyword rules on a real log: one for each message, whatever is told twice or killed, none to ours."""

import json
import signal
import uuid
from typing import Any

import pytest
from aiokafka import AIOKafkaConsumer, ConsumerRecord, TopicPartition

from services.contract import signatures
from services.contract.codec import decode, encode
from services.contract.messages import KEYWORDS, MESSAGES
from services.contract.senders import SENDERS
from services.contract.studio import STARTS
from services.domain.clock import later
from services.domain.messages.commands import SendMessage
from services.domain.messages.events import KeywordHeard, MostCommands
from services.domain.senders.events import KnownSender, SendersStated
from services.domain.studio.commands import StartExecution
from services.runtime.clock import now
from tests.kafka_records import produce
from tests.processes import PARTITIONS
from tests.waiting import eventually

from .house import House, Poller, Twilio, metric

KEY = "what acme signs its commands with 0123456789"
ON_CALL, ROBOT = "+14155550177", "+14155550166"
FLOW, SERVICE = "FW" + "1" * 32, "MG" + "1" * 32
RULES = [
    {
        "name": "oncall",
        "says": ["ONCALL {text*}"],
        "command": {"to": [ON_CALL], "sender": SERVICE, "body": "{writer}: {text}", "urgent": True},
    },
    {"name": "survey", "says": ["SURVEY"], "command": {"to": ["writer"], "flow": FLOW, "sender": SERVICE}},
]


def settings(**more: str) -> dict[str, str]:
    return {
        "SWITCHBOARD_TENANTS__ACME__KEYWORDS": json.dumps(RULES),
        "SWITCHBOARD_TENANTS__ACME__PRODUCER_KEYS": json.dumps({"rules": {"env": "TEST_PRODUCER_KEY"}}),
        "SWITCHBOARD_POLLER__SILENT_AFTER_S": '{"sms": 1e9}',
        "TEST_PRODUCER_KEY": KEY,
        **more,
    }


def heard(rule: str = "oncall", **fields: Any) -> KeywordHeard:
    name = uuid.uuid4().hex
    known: dict[str, Any] = {
        "event_id": name, "tenant": "acme", "received_at": now(), "contact": f"acme|{name}", "account_sid": "AC1",
        "message_sid": f"SM{name}", "inbound_event_id": f"in {name}", "rule": rule,
        "values": {"text": f"fire {name}"}, "from_": "+14155550123", "to": "+14155550100",
        "command": MostCommands(per_hour=2, per_day=5),
    }  # fmt: skip
    return KeywordHeard(**known | fields)


async def hear(house: House, *facts: KeywordHeard) -> None:
    """As ingress does when each webhook comes twice."""
    for fact in (*facts, *facts):
        await produce(house.bootstrap, KEYWORDS.name, [(KEYWORDS.key(fact).encode(), encode(fact))])


async def records(house: House, topic: str) -> list[ConsumerRecord]:
    """All that the log holds, committed."""
    found: list[ConsumerRecord] = []
    partitions = [TopicPartition(topic, number) for number in range(PARTITIONS)]
    async with AIOKafkaConsumer(
        bootstrap_servers=house.bootstrap, isolation_level="read_committed", enable_auto_commit=False
    ) as consumer:
        consumer.assign(partitions)
        await consumer.seek_to_beginning(*partitions)
        ends = await consumer.end_offsets(partitions)
        while any([await consumer.position(one) < end for one, end in ends.items()]):
            for some in (await consumer.getmany(timeout_ms=100)).values():
                found += some
    return found


async def commands(house: House, about: KeywordHeard) -> list[ConsumerRecord]:
    """What was produced that says what this message says."""
    text = about.values["text"].encode()
    return [one for one in await records(house, MESSAGES.name) if text in (one.value or b"")]


async def test_a_message_becomes_one_signed_command(house: House, twilio: Twilio, poller: Poller) -> None:
    with poller(**settings()):
        one, survey = heard(), heard("survey", values={}, from_="+14155550155")
        await hear(house, one, survey)
        [record] = await eventually(lambda: commands(house, one), 60, "its command is produced")
        command = decode(record.value, SendMessage)
        assert (command.to, command.body) == (ON_CALL, f"+14155550123: {one.values['text']}")
        assert (command.messaging_service_sid, command.urgent, command.label) == (SERVICE, True, "oncall")
        assert command.not_after == later(one.received_at, 900)
        assert record.key == command.command_id.encode()
        signature = signatures.read(record.headers)
        assert signature is not None
        assert (signature.tenant, signature.key_id) == ("acme", "rules")
        assert signatures.fits(signature, MESSAGES.name, record.value, KEY.encode())
        # Another message, later: the same rule, another command; the first stays one.
        other = heard()
        await hear(house, other, one)
        await eventually(lambda: commands(house, other), 60, "another is produced")
        assert len(await commands(house, one)) == 1

        async def started() -> list[StartExecution]:
            found = [decode(record.value, StartExecution) for record in await records(house, STARTS.name)]
            return [start for start in found if start.to == survey.from_]

        # A small step is to start a flow.
        [start] = await eventually(started, 60, "the start is produced")
        assert (start.flow_sid, start.messaging_service_sid, start.conflict) == (FLOW, SERVICE, "leave")


# What was heard and what is made of it share a transaction mostly: the first of this process.
SLOW = [pytest.param(f"flush.{one}:1", marks=pytest.mark.slow) for one in ("sent", "committed", "applied")]


@pytest.mark.parametrize("place", ["rule.commanding", *SLOW])
async def test_killed_anywhere_between_the_record_and_its_command_there_is_one(
    house: House, twilio: Twilio, poller: Poller, place: str
) -> None:
    one = heard()
    with poller("first", **settings(TEST_FAILPOINT=place)) as first:
        await hear(house, one)
        await eventually(lambda: first.process.poll() is not None, 60, "killed")
        assert first.process.poll() == -signal.SIGKILL
    with poller("second", **settings()):
        await eventually(lambda: commands(house, one), 90, "its command is produced")
        last = heard()
        await hear(house, one, last)
        await eventually(lambda: commands(house, last), 60, "and what comes after it")
        assert len(await commands(house, one)) == 1


async def test_nothing_is_made_of_what_is_old_from_ours_beyond_the_caps_or_by_a_rule_that_is_gone(
    house: House, twilio: Twilio, poller: Poller
) -> None:
    # A neighbour's sender, as the log knows it: two robots of one house.
    known = {ROBOT: KnownSender(kind="long_code")}
    stated = SendersStated(event_id="s", tenant="globex", part="list", at=now(), senders=known)
    await produce(house.bootstrap, SENDERS.name, [(SENDERS.key(stated).encode(), encode(stated))])
    contact = f"acme|{uuid.uuid4().hex}"
    many = [heard(contact=contact) for _ in range(6)]
    no = {
        "old": heard(received_at=later(now(), -3600)),
        "ours": heard(from_=ROBOT),
        "no_rule": heard("gone"),
        "empty": heard(values={"text": "\u202e"}),
    }
    with poller(**settings()) as service:
        await eventually(service.ready, 60)
        await hear(house, *no.values(), *many)

        async def told() -> bool:
            name = "switchboard_rule_commands_total"
            assert [await metric(service, name, outcome=one) for one in no] == [1.0] * len(no)
            assert await metric(service, name, outcome="made") == 2
            assert await metric(service, name, outcome="capped") >= 4
            return True

        await eventually(told, 60, "it is counted why there are none")
        made = [one for message in many for one in await commands(house, message)]
        assert len(made) == 2
        assert not [one for name, message in no.items() if name != "empty" for one in await commands(house, message)]
        # Numbers and texts are no matter of the log.
        log = service.log.read_text()
        assert "4155550123" not in log
        assert "fire" not in log


async def test_a_rule_that_has_another_place_by_now_stops_no_poller(
    house: House, twilio: Twilio, poller: Poller
) -> None:
    changed = [{"name": "oncall", "says": ["ONCALL {id}"], "command": {"to": [ON_CALL], "body": "{id}"}}]
    with poller(**settings(SWITCHBOARD_TENANTS__ACME__KEYWORDS=json.dumps(changed))) as service:
        await eventually(service.ready, 60)
        one, other = heard(), heard(values={"id": f"17-{uuid.uuid4().hex}"})
        await hear(house, one, other)

        async def told() -> bool:
            name = "switchboard_rule_commands_total"
            assert await metric(service, name, outcome="empty") == 1
            return await metric(service, name, outcome="made") == 1

        await eventually(told, 60, "one is made, of the other is said why not")
        assert service.process.poll() is None


async def test_a_closed_tenant_is_silent(house: House, twilio: Twilio, poller: Poller) -> None:
    one = heard()
    with poller(**settings(SWITCHBOARD_TENANTS__ACME__STATE="closed")) as service:
        await eventually(service.ready, 60)
        await hear(house, one)

        async def told() -> bool:
            return await metric(service, "switchboard_rule_commands_total", outcome="no_rule") == 1

        await eventually(told, 60, "it is counted")
        assert await commands(house, one) == []
