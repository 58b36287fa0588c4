"""The two creates of media that go as a link: killed, unanswered and stopped between them. At most one message."""

import itertools
import signal
from collections.abc import AsyncIterator
from typing import Any

import pytest

from tests.sender.conftest import Start
from tests.sender.rig import Desk, said
from tests.waiting import eventually

PHOTO = "https://cdn.example.com/photo.jpg"
LINK = f"look\n{PHOTO}"
PEOPLE = itertools.count(2000)
LOOKS = {"TEST_LOOKS_S": "0.5,1,2,4,8"}


@pytest.fixture(autouse=True)
async def _a_twilio_in_good_health(desk: Desk) -> AsyncIterator[None]:
    await desk.twilio.faults()
    yield
    await desk.twilio.faults()
    await desk.twilio.refuse()


async def refused(desk: Desk) -> dict[str, Any]:
    """A command, to somebody new, whose media Twilio does not take."""
    command = desk.command("refused", next(PEOPLE), body="look", media_urls=[PHOTO], media_fallback="link")
    await desk.twilio.refuse(media={command["to"]: 11751})
    return command


async def made(desk: Desk, command_id: str) -> list[tuple[str, int]]:
    """Texts of the messages that Twilio made for a command, and how many media each has."""
    sids = (await desk.creates([command_id]))[command_id]
    found = [one["params"] for one in await desk.twilio.messages() if one["sid"] in sids]
    return [(one["Body"], "MediaUrl" in one) for one in found]


async def test_killed_before_the_second_create_nothing_goes_and_nobody_is_told_that_it_did(
    desk: Desk, start: Start
) -> None:
    killed = start(TEST_FAILPOINT="call.followed")
    [command_id] = await desk.produce(await refused(desk))
    await eventually(lambda: killed.exit_code is not None, 60, "killed between the two creates")
    assert killed.exit_code == -signal.SIGKILL, killed.tail()
    start("another disk", **LOOKS)
    await desk.until([command_id], "ambiguous")
    # What is looked for later is found, so this one was looked for.
    await desk.twilio.faults(error_after=1.0)
    [later] = await desk.produce(desk.command(2))
    await desk.until([later], "sent")
    assert await desk.steps(command_id) == ["accepted", "attempted", "ambiguous"]
    assert await made(desk, command_id) == []


async def test_killed_after_the_second_create_its_message_is_found(desk: Desk, start: Start) -> None:
    killed = start(TEST_FAILPOINT="attempt.called")
    [command_id] = await desk.produce(await refused(desk))
    await eventually(lambda: killed.exit_code is not None, 60, "killed after the second create")
    assert killed.exit_code == -signal.SIGKILL, killed.tail()
    start(**LOOKS)
    await found_as_link(desk, command_id)


async def test_a_second_create_without_an_answer_is_found_and_not_made_again(desk: Desk, start: Start) -> None:
    start(**LOOKS)
    # The first is refused, whatever becomes of what is made.
    await desk.twilio.faults(error_after=1.0)
    [command_id] = await desk.produce(await refused(desk))
    await desk.until([command_id], "ambiguous")
    await desk.twilio.faults()
    await found_as_link(desk, command_id)


async def found_as_link(desk: Desk, command_id: str) -> None:
    await desk.until([command_id], "sent")
    assert await desk.steps(command_id) == ["accepted", "attempted", "ambiguous", "sent"]
    assert await made(desk, command_id) == [(LINK, False)]
    end = (await desk.results(command_id))[-1]
    assert end.reason == "settled by Twilio's list of messages; its text went with a link"
    assert [end.message_sid] == (await desk.creates([command_id]))[command_id]


async def test_a_stop_between_the_two_keeps_the_link_back(desk: Desk, start: Start) -> None:
    start(SWITCHBOARD_SENDER__ATTEMPT_DEADLINE_S="30")
    await desk.twilio.faults(latency_s=4.0)
    command = await refused(desk)
    [command_id] = await desk.produce(command)
    await desk.until([command_id], "attempted")
    await desk.heard(said(command, "STOP"))
    await desk.until([command_id], "blocked")
    end = (await desk.results(command_id))[-1]
    assert (end.category, end.attempt) == ("suppressed", 1)
    assert await made(desk, command_id) == []
