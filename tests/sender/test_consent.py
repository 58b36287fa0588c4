"""The gate on the log: whoever said STOP before a command was taken is not written to; no window is overstepped."""

import asyncio
import json
from typing import Any

import msgspec
import pytest
from aiokafka import AIOKafkaProducer

from services.contract.consent import CONSENT_COMMANDS
from services.contract.messages import INBOUND
from services.contract.outbound import ACCEPTED
from services.contract.partition import partition_of
from services.domain.clock import later
from services.domain.gate.decide import decide
from services.domain.messages.commands import CommandAccepted
from services.domain.results import CommandResult
from services.runtime.clock import now
from tests.kafka_records import produce, read_until
from tests.sender.rig import AGENT, PAGE, PARTITIONS, SENDER, SERVICE, WHATSAPP_SENDER, Desk, contact_of, said
from tests.waiting import eventually

# The log is shared with other tests, and remembers who said STOP: contacts from 5000 on are these tests' own.
pytestmark = pytest.mark.usefixtures("shared_sender")


async def verdict(desk: Desk, command_id: str) -> CommandResult:
    """The terminal result of a command that the gate refused; its receipt must say the same, asked again."""
    await desk.until([command_id], "blocked", "expired", "sent")
    end = next(result for result in await desk.results(command_id) if result.terminal)
    assert end.receipt is not None
    again = decide(end.receipt.question, end.receipt.view)
    assert (again.decision, again.rule) == (end.step, end.category)
    assert (await desk.creates([command_id]))[command_id] == []
    return end


async def test_whoever_said_stop_is_not_written_to_and_a_later_start_changes_that(desk: Desk) -> None:
    first, second = desk.command(1, contact=5001), desk.command(2, contact=5001)
    long_ago = later(now(), -300)
    stop = said(first, " Stop all! ", long_ago)
    await desk.heard(stop)
    await desk.produce(first)
    end = await verdict(desk, first["command_id"])
    assert (end.step, end.category) == ("blocked", "suppressed")
    assert end.receipt is not None
    assert end.receipt.view.suppressed[f"sender:{SENDER}"].evidence == stop.event_id
    assert set(end.receipt.offsets) == {"twilio.inbound.v1", "twilio.outcomes.v1", "twilio.outbound.accepted.v1"}

    await desk.heard(said(first, "START", later(long_ago, 61)))
    await desk.produce(second)
    await desk.until([second["command_id"]], "sent")


async def test_a_start_that_may_have_overtaken_its_stop_changes_nothing(desk: Desk) -> None:
    command = desk.command(1, contact=5002)
    moment = later(now(), -300)
    await desk.heard(said(command, "START", later(moment, 60)), said(command, "STOP", moment))
    await desk.produce(command)
    assert (await verdict(desk, command["command_id"])).category == "suppressed"


async def test_a_stop_to_one_sender_leaves_another_alone(desk: Desk) -> None:
    command = desk.command(1, contact=5003)
    await desk.heard(said(command, "STOP", to="+14155550199"))
    await desk.produce(command)
    await desk.until([command["command_id"]], "sent")


async def test_freeform_goes_in_the_window_only_and_a_template_always(desk: Desk) -> None:
    spoken = {"from": WHATSAPP_SENDER, "to": "whatsapp:+14155561004"}
    before, within = desk.command(1, **spoken), desk.command(2, **spoken)
    template = desk.command(3, **spoken, content_sid="HX" + "c" * 32)
    await desk.produce(before)
    assert (await verdict(desk, before["command_id"])).category == "window_closed"
    await desk.produce(template)
    await desk.until([template["command_id"]], "sent")
    await desk.heard(said(within, "Hello?"))
    await desk.produce(within)
    await desk.until([within["command_id"]], "sent")


async def test_a_window_that_was_opened_a_day_ago_is_closed(desk: Desk) -> None:
    command = desk.command(1, **{"from": WHATSAPP_SENDER, "to": "whatsapp:+14155561005"})
    await desk.heard(said(command, "Hello?", later(now(), -86_390)))
    await desk.produce(command)
    end = await verdict(desk, command["command_id"])
    assert end.category == "window_closed"
    assert "it closed at" in str(end.reason) or "no 24-hour" in str(end.reason)


async def test_explicit_consent_is_recorded_and_holds(desk: Desk) -> None:
    first, second, third, fourth = (desk.command(number, contact=5006) for number in range(1, 5))

    async def record(name: str, action: str, **more: str) -> None:
        statement = {
            "command_id": f"{first['command_id']}-{name}", "tenant": "acme", "address": first["to"], "action": action,
            "source": "the preference page", "ip": "192.0.2.7", "proof": "box ticked", **more,
        }  # fmt: skip
        await produce(desk.bootstrap, CONSENT_COMMANDS.name, [(None, json.dumps(statement).encode())])
        await desk.until([statement["command_id"]], "recorded")

    await desk.heard(said(first, "STOP", later(now(), -1000)))
    await desk.produce(first)
    assert (await verdict(desk, first["command_id"])).category == "suppressed"
    # A yes that is told late lifts nothing that came after it was given.
    await record("late", "opt_in", given_at=later(now(), -2000))
    await desk.produce(second)
    assert (await verdict(desk, second["command_id"])).category == "suppressed"
    await record("yes", "opt_in", given_at=later(now(), -500))
    await desk.produce(third)
    await desk.until([third["command_id"]], "sent")
    # A no counts from when it is taken, whatever its date.
    await record("no", "opt_out", given_at="1970-01-01T00:00:00Z")
    await desk.produce(fourth)
    end = await verdict(desk, fourth["command_id"])
    assert end.receipt is not None
    assert list(end.receipt.view.suppressed) == ["tenant"]


async def test_a_wrong_statement_of_consent_is_rejected_with_its_faults(desk: Desk) -> None:
    statement = {"command_id": desk.command(7)["command_id"], "tenant": "acme", "address": "nobody", "action": "opt_in"}
    await produce(desk.bootstrap, CONSENT_COMMANDS.name, [(None, json.dumps(statement).encode())])
    await desk.until([statement["command_id"]], "rejected")
    (result,) = await desk.results(statement["command_id"])
    assert "address" in str(result.reason)


async def test_the_confirmation_of_a_stop_is_sent_although_nothing_else_is(desk: Desk) -> None:
    spoken = {"from": WHATSAPP_SENDER, "to": "whatsapp:+14155561008"}
    template = desk.command(1, **spoken, content_sid="HX" + "c" * 32)
    plain = desk.command(2, contact=5008)
    await desk.heard(said(template, "STOP"))
    await desk.produce(plain, template)
    assert (await verdict(desk, template["command_id"])).category == "suppressed"
    accepted = await read_until(
        desk.bootstrap, ACCEPTED.name, lambda records: any(plain["command_id"].encode() in one.value for one in records)
    )
    model = next(
        msgspec.json.decode(one.value, type=CommandAccepted)
        for one in accepted
        if one.value and plain["command_id"].encode() in one.value
    )
    confirmation = msgspec.structs.replace(
        model, command_id=f"confirm-{plain['command_id']}", contact=contact_of(template), fingerprint="c",
        channel="whatsapp", to=template["to"], from_=WHATSAPP_SENDER, confirms="stop",
    )  # fmt: skip
    await produce(desk.bootstrap, ACCEPTED.name, [(confirmation.contact.encode(), msgspec.json.encode(confirmation))])
    await desk.until([confirmation.command_id], "sent")


async def test_a_stop_that_was_acknowledged_before_a_command_always_blocks_it(desk: Desk) -> None:
    # So much that the sender is behind when the STOPs come: only because it knows that it is does it wait for them.
    crowd = [desk.command(number, contact=7000 + number) for number in range(500)]
    await desk.heard(*(said(crowd[number % 500], "When will it come?") for number in range(8_000)))
    commands = [desk.command(number, contact=5600 + number) for number in range(300, 340)]
    for command in commands:
        # As soon as ingress may say 2xx.
        await desk.heard(said(command, "STOP"))
        await desk.produce(command)
    ids = [command["command_id"] for command in commands]
    await desk.until(ids, "blocked", "sent")
    assert {command_id: sids for command_id, sids in (await desk.creates(ids)).items() if sids} == {}
    assert {result.step for one in ids for result in await desk.results(one) if result.terminal} == {"blocked"}


async def test_a_stop_that_the_sender_cannot_read_yet_is_waited_for(desk: Desk) -> None:
    stopped = desk.command(1, contact=5020)
    # A reader of committed records sees nothing behind a transaction that is open, although it was acknowledged.
    async with AIOKafkaProducer(bootstrap_servers=desk.bootstrap, transactional_id=f"open {desk.bootstrap}") as other:
        await other.begin_transaction()
        await other.send_and_wait(INBOUND.name, b"{}", partition=_partition(stopped))
        await desk.heard(said(stopped, "STOP"))
        elsewhere = next(
            command
            for number in range(2, 50)
            if _partition(command := desk.command(number, contact=5020 + number)) != _partition(stopped)
        )
        await desk.produce(stopped, elsewhere, key=b"one producer")
        await desk.until([elsewhere["command_id"]], "sent")
        assert await desk.steps(stopped["command_id"]) == ["accepted"]
        await other.abort_transaction()
    assert (await verdict(desk, stopped["command_id"])).category == "suppressed"


def _partition(command: dict[str, Any]) -> int:
    return partition_of(contact_of(command).encode(), PARTITIONS)


async def test_a_stop_and_a_start_within_a_minute_settle_by_twilios_dates(desk: Desk) -> None:
    before, command = desk.command(1, contact=5040), desk.command(2, contact=5040)
    facts = []
    for word in ("STOP", "START"):
        sid = await desk.twilio.hear(command["to"], command["from"], word)
        facts.append(msgspec.structs.replace(said(command, word), message_sid=sid))
        # Twilio's dates are whole seconds.
        await asyncio.sleep(1.1)
    await desk.heard(*facts)
    await desk.produce(before)
    assert (await verdict(desk, before["command_id"])).category == "suppressed"

    def settled(records: list[Any]) -> bool:
        told = [json.loads(one.value) for one in records if one.value and b"message_dated" in one.value]
        return {one["message_sid"] for one in told} >= {fact.message_sid for fact in facts}

    await read_until(desk.bootstrap, ACCEPTED.name, settled)
    await desk.produce(command)
    await desk.until([command["command_id"]], "sent")


async def ended(desk: Desk, command: dict[str, Any]) -> CommandResult:
    """Its terminal result, once it was produced."""
    await desk.produce({name: value for name, value in command.items() if value is not None})
    found: list[CommandResult] = []

    async def over() -> bool:
        found[:] = [one for one in await desk.results(command["command_id"]) if one.terminal]
        return bool(found)

    await eventually(over, 60, f"{command['command_id']} ends")
    return found[0]


async def posted(desk: Desk, result: CommandResult) -> dict[str, Any]:
    assert result.step == "sent", result
    [found] = [one["params"] for one in await desk.twilio.messages() if one["sid"] == result.message_sid]
    return dict(found)


async def test_by_messenger_one_answers_within_a_day(desk: Desk) -> None:
    command = desk.command("unasked", to="messenger:1034567890123456") | {"from": PAGE}
    told = await ended(desk, command)
    assert (told.step, told.category) == ("blocked", "window_closed")
    await desk.heard(said(command, "hello"))
    params = await posted(desk, await ended(desk, command | {"command_id": command["command_id"] + "2"}))
    assert (params["To"], params["From"]) == (command["to"], PAGE)
    await desk.heard(said(command, "STOP"))
    told = await ended(desk, command | {"command_id": command["command_id"] + "3"})
    assert (told.step, told.category) == ("blocked", "suppressed")


async def test_by_rcs_one_writes_as_by_sms_and_a_stop_holds_for_both(desk: Desk) -> None:
    phone = "+14155569001"
    command = desk.command("rcs", to=f"rcs:{phone}") | {"from": AGENT}
    params = await posted(desk, await ended(desk, command))
    assert (params["To"], params["From"]) == (f"rcs:{phone}", AGENT)
    # The agent is in a service, and so is whoever else sends from it.
    await desk.heard(said(command, "STOP", raw={"Body": "STOP", "MessagingServiceSid": SERVICE}))
    by_sms = {"to": phone, "from": SENDER, "messaging_service_sid": SERVICE}
    for number, ends in enumerate(({"to": f"rcs:{phone}", "from": AGENT}, by_sms)):
        told = await ended(desk, desk.command(f"rcs-{number}") | ends)
        assert (told.step, told.category) == ("blocked", "suppressed"), ends


async def test_a_fallback_is_posted_and_a_stop_to_it_counts(desk: Desk) -> None:
    command = desk.command("back", to="+14155569002", messaging_service_sid=SERVICE, fallback_from=SENDER)
    params = await posted(desk, await ended(desk, command | {"from": None}))
    assert (params["To"], params["MessagingServiceSid"], params["FallbackFrom"]) == (command["to"], SERVICE, SENDER)
    assert "From" not in params
    await desk.heard(said(command | {"from": SENDER}, "STOP"))
    told = await ended(desk, command | {"command_id": command["command_id"] + "2", "from": None})
    assert (told.step, told.category) == ("blocked", "suppressed")


async def test_a_fallback_that_the_tenant_may_not_use_is_blocked(desk: Desk) -> None:
    command = desk.command("barred", to="+14155569003", messaging_service_sid=SERVICE, fallback_from="+14155550199")
    told = await ended(desk, command | {"from": None})
    assert (told.step, told.category) == ("blocked", "allowed_senders")
