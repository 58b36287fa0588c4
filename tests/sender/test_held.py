"""What could not be read of a person holds what is sent to them, until somebody has seen to it; on a real log."""

from typing import Any

import pytest

from services.contract import codec
from services.contract.messages import INBOUND
from services.contract.outbound import ACCEPTED
from services.contract.topic import Topic
from services.domain.consent import holds
from services.domain.gate.decide import decide
from services.domain.results import CommandResult
from services.operations.dead.desk import Dealing, How
from services.operations.dead.desk import Desk as Letters
from services.operations.dead.letters import Letter, read_letter
from services.runtime.clock import now
from tests.kafka_records import produce, read_until
from tests.processes import settings_of
from tests.sender.conftest import House, Start
from tests.sender.rig import SECRETS, Desk, contact_of, said

# Contacts from 8000 on are these tests' own.


async def unread(desk: Desk, command: dict[str, Any], topic: Topic = INBOUND) -> Letter:
    """Something of whom a command is for that nobody can read, and the letter that it has become."""
    key = contact_of(command).encode()
    await produce(desk.bootstrap, topic.name, [(key, b"?")])
    letters = await read_until(
        desk.bootstrap, topic.dead, lambda found: any(one.key == key for one in found), 60,
        isolation_level="read_committed",
    )  # fmt: skip
    return [read_letter(one) for one in letters if one.key == key][-1]


async def deal(house: House, letter: Letter, how: How, value: bytes | None = None) -> None:
    async with Letters(settings_of(house.settings, **SECRETS).kafka) as letters:
        await letters.deal([Dealing(letter, how, value=value)])


async def deferred(desk: Desk, command_id: str) -> CommandResult:
    """What is told of a command that a hold defers; its receipt must say the same, asked again."""
    await desk.until([command_id], "deferred", "sent", "blocked")
    told = (await desk.results(command_id))[-1]
    assert (told.step, told.category, told.terminal) == ("deferred", "hold", False)
    assert told.receipt is not None
    again = decide(told.receipt.question, told.receipt.view)
    assert (again.decision, again.rule) == ("deferred", "hold")
    assert (await desk.creates([command_id]))[command_id] == []
    return told


@pytest.mark.usefixtures("shared_sender")
async def test_who_may_have_said_no_is_not_written_to_until_the_letter_is_dropped(desk: Desk, house: House) -> None:
    first, second, other = desk.command(1, contact=8001), desk.command(2, contact=8001), desk.command(3, contact=8002)
    letter = await unread(desk, first)
    assert letter.holds
    ids = await desk.produce(first, second, other)
    told = await deferred(desk, ids[0])
    await deferred(desk, ids[1])
    assert told.receipt is not None
    assert told.receipt.view.held is not None
    assert told.receipt.view.held.evidence == str(letter.name)
    await desk.until([ids[2]], "sent")
    await deal(house, letter, "dropped")
    await desk.until(ids, "sent")
    await desk.sent_once(ids)
    assert (await desk.steps(ids[0])).count("deferred") == 1


@pytest.mark.usefixtures("shared_sender")
async def test_a_letter_that_is_mended_and_retried_is_heard_before_anything_is_sent(desk: Desk, house: House) -> None:
    command = desk.command(1, contact=8003)
    letter = await unread(desk, command)
    await desk.produce(command)
    await deferred(desk, command["command_id"])
    await deal(house, letter, "retried", codec.encode(said(command, "STOP")))
    await desk.until([command["command_id"]], "blocked", "sent")
    assert (await desk.results(command["command_id"]))[-1].category == "suppressed"


@pytest.mark.usefixtures("shared_sender")
async def test_what_only_the_processor_could_not_read_holds_too_and_so_do_two(desk: Desk, house: House) -> None:
    command = desk.command(1, contact=8004)
    contact = contact_of(command)
    mine = await unread(desk, command, ACCEPTED)
    others = holds.place("twilio.inbound.v1/0@987654321", contact, now(), "switchboard-processor")
    early = holds.release("twilio.inbound.v1/0@987654322", contact, now(), "dropped")
    late = holds.place("twilio.inbound.v1/0@987654322", contact, now(), "switchboard-processor")
    await produce(
        desk.bootstrap, ACCEPTED.name, [(contact.encode(), codec.encode(one)) for one in (others, early, late)]
    )
    await desk.produce(command)
    await deferred(desk, command["command_id"])
    await deal(house, mine, "dropped")
    # Released by hand, as `dead release` does it.
    freed = holds.release(others.hold, contact, now(), "released")
    await desk.until([(await desk.produce(desk.command(2, contact=8005)))[0]], "sent")
    assert "sent" not in await desk.steps(command["command_id"])
    await produce(desk.bootstrap, ACCEPTED.name, [(contact.encode(), codec.encode(freed))])
    await desk.until([command["command_id"]], "sent")


async def test_a_hold_outlives_the_sender_and_what_is_released_meanwhile_goes(
    desk: Desk, house: House, start: Start
) -> None:
    command = desk.command(1, contact=8006)
    first = start()
    await first.ready()
    letter = await unread(desk, command)
    await desk.produce(command)
    await deferred(desk, command["command_id"])
    first.kill()
    await deal(house, letter, "dropped")
    await start().ready()
    await desk.until([command["command_id"]], "sent")
    await desk.sent_once([command["command_id"]])
