"""Senders killed at every step: nobody is written to whose STOP was on the log before the command was."""

import signal

import pytest

from tests.sender.conftest import Start
from tests.sender.rig import Desk, said
from tests.waiting import eventually


async def stopped_and_killed(desk: Desk, start: Start, failpoint: str, disk_after: str) -> None:
    """Half of the contacts say STOP before their commands are produced; the sender is killed among them."""
    first = start(TEST_FAILPOINT=failpoint)
    commands = [desk.command(number, contact=8000 + number) for number in range(700, 740)]
    await desk.heard(*(said(command, "STOP") for command in commands[::2]))
    ids = await desk.produce(*commands)
    await eventually(lambda: first.exit_code is not None, 60, f"killed at {failpoint}")
    assert first.exit_code == -signal.SIGKILL, first.tail()
    second = start(disk_after)
    await desk.until(ids, "blocked", "sent", "ambiguous", deadline_s=90)
    created = await desk.creates(ids)
    assert all(created[command_id] == [] for command_id in ids[::2]), "somebody was written to after their STOP"
    assert all(len(sids) <= 1 for sids in created.values())
    assert second.exit_code is None, second.tail()


async def test_a_stop_holds_through_a_kill(desk: Desk, start: Start) -> None:
    await stopped_and_killed(desk, start, "flush.committed:3", "disk")


@pytest.mark.slow
@pytest.mark.parametrize(
    ("failpoint", "disk_after"),
    [
        ("flush.folded:2", "disk"),
        ("flush.sent:3", "another disk"),
        ("flush.committed:4", "another disk"),
        ("flush.applied:5", "disk"),
        ("attempt.judged:3", "another disk"),
        ("attempt.committed:3", "disk"),
        ("attempt.called:3", "another disk"),
        ("attempt.settled:3", "disk"),
    ],
)
async def test_a_stop_holds_through_a_kill_anywhere(desk: Desk, start: Start, failpoint: str, disk_after: str) -> None:
    await stopped_and_killed(desk, start, failpoint, disk_after)
