"""Senders killed, frozen, stopped and joined by others: each command is sent at most once, and none is forgotten."""

import asyncio
import signal
from collections.abc import AsyncIterator, Callable

import pytest

from services.domain.clock import later
from services.domain.outbox.pauses import PauseEnded, PausePlaced, of_label, of_tenant
from services.runtime.clock import now
from tests.sender.conftest import Start
from tests.sender.rig import Desk, Service
from tests.waiting import eventually

# At most so many can be interrupted: prepared and called are twice the configured concurrency, and as many as may call
# again have their answer, which is not on the log yet.
UNDER_WAY = 12
ATTEMPT = ("attempt.judged", "attempt.committed", "attempt.called", "attempt.settled")
FLUSH = ("flush.folded", "flush.begun", "flush.sent", "flush.acknowledged", "flush.committed", "flush.applied")
CONTACTS = 10


@pytest.fixture(autouse=True)
async def _a_twilio_in_good_health(desk: Desk) -> AsyncIterator[None]:
    await desk.twilio.faults()
    yield
    await desk.twilio.faults()


async def many(desk: Desk, count: int, first: int = 0) -> list[str]:
    """Produce commands for a few contacts, so that some wait for others."""
    commands = (desk.command(number, contact=number % CONTACTS) for number in range(first, first + count))
    return await desk.produce(*commands, key=b"one producer")


async def settled(desk: Desk, sender: Service, ids: list[str]) -> None:
    """Each command has an end or is ambiguous, and the sender has nothing left to do."""
    await desk.until(ids, "sent", "ambiguous", deadline_s=90)

    async def idle() -> bool:
        return (await sender.detail()).get("open_commands") == 0

    await eventually(idle, what="nothing left to do")


async def killed_and_restarted(desk: Desk, start: Start, failpoint: str, disk_after: str) -> list[str]:
    """Kill a sender at a failpoint with commands in flight; the ids of the ambiguous commands afterwards."""
    await desk.twilio.faults(latency_s=0.05)
    first = start(TEST_FAILPOINT=failpoint)
    ids = await many(desk, 30)
    await eventually(lambda: first.exit_code is not None, 60, f"killed at {failpoint}")
    assert first.exit_code == -signal.SIGKILL, first.tail()
    second = start(disk_after)
    await settled(desk, second, ids)
    return await desk.sent_at_most_once(ids)


@pytest.mark.parametrize(
    ("failpoint", "disk_after"),
    [
        pytest.param("attempt.committed:5", "disk", marks=pytest.mark.slow),
        ("attempt.called:5", "another disk"),
    ],
)
async def test_killed_with_commands_in_flight(desk: Desk, start: Start, failpoint: str, disk_after: str) -> None:
    ambiguous = await killed_and_restarted(desk, start, failpoint, disk_after)
    assert len(ambiguous) <= UNDER_WAY
    assert ambiguous, "an attempt on the log whose end nobody knows was taken for one that was not made"


# Early with its disk, or late without, by turns: the fault bench kills at each of them under load, with and without.
@pytest.mark.slow
@pytest.mark.parametrize(
    ("failpoint", "disk_after"),
    [
        (f"{name}:{13 if number % 2 else 2}", "another disk" if number % 2 else "disk")
        for number, name in enumerate((*ATTEMPT, *FLUSH))
    ],
)
async def test_killed_anywhere(desk: Desk, start: Start, failpoint: str, disk_after: str) -> None:
    assert len(await killed_and_restarted(desk, start, failpoint, disk_after)) <= UNDER_WAY


async def test_a_sender_frozen_before_its_calls_makes_none_of_them_when_it_wakes(desk: Desk, start: Start) -> None:
    frozen = start("disk 1", TEST_FREEZE="attempt.committed")
    ids = await many(desk, 30)
    await eventually(lambda: frozen.frozen, 60, "frozen between the attempt on the log and the call")
    assert all(sids == [] for sids in (await desk.creates(ids)).values())
    other = start("disk 2")
    await settled(desk, other, ids)
    interrupted = await desk.sent_at_most_once(ids)
    assert 1 <= len(interrupted) <= UNDER_WAY
    before = await desk.creates(ids)
    assert all(before[command_id] == [] for command_id in interrupted)

    frozen.thaw()
    await eventually(lambda: _out_or_in_step(frozen), 60, "the woken sender out, or in step again")
    following = await many(desk, 20, first=100)
    await desk.until(following, "sent", deadline_s=90)
    await desk.sent_once(following)
    assert await desk.creates(ids) == before, "it woke up past the deadline and called all the same"
    assert await desk.sent_at_most_once(ids) == interrupted


async def _out_or_in_step(sender: Service) -> bool:
    return sender.exit_code is not None or (await sender.detail()).get("status") == "ready"


async def test_pending_commands_outlive_a_restart_and_the_disk(desk: Desk, start: Start) -> None:
    await desk.twilio.faults(rate_limited=1.0)
    first = start("disk 1")
    ids = await many(desk, 20)
    await desk.until(ids[:CONTACTS], "retrying", deadline_s=90)
    await asyncio.to_thread(first.stop)
    assert first.exit_code == 0, first.tail()
    await desk.twilio.faults()
    second = start("disk 2")
    await settled(desk, second, ids)
    await desk.sent_once(ids)


@pytest.mark.slow
async def test_far_more_than_memory_holds_wait_while_a_sender_is_killed(desk: Desk, start: Start) -> None:
    quick = {"SWITCHBOARD_SENDER__CONCURRENCY": "40"}
    first = start("disk 1", SWITCHBOARD_TENANTS__ACME__RATE_LIMITS__EACH="0.01", **quick)
    # Of one sender: some 1,500 in each partition, 256 of them in memory.
    count, contacts = 3000, 600
    commands = [desk.command(number, contact=5000 + number % contacts) for number in range(count)]
    ids = await desk.produce(*commands, key=b"one producer")
    await until_open(first, lambda left: left > count - 40)
    first.kill()
    second = start("disk 1", **quick)
    await until_open(second, lambda left: count - 1500 < left < count - 1000)
    second.kill()
    third = start("disk 2", **quick)
    await until_open(third, lambda left: left == 0)
    place = {command_id: number for number, command_id in enumerate(ids)}
    sent = [place[command_id] for command_id, _ in await desk.twilio.created() if command_id in place]
    assert len(sent) == len(set(sent))
    interrupted = [ids[number] for number in set(range(count)) - set(sent)]
    assert len(interrupted) <= 3 * 40
    await desk.until(interrupted, "ambiguous")
    for contact in range(contacts):
        of_contact = [number for number in sent if number % contacts == contact]
        assert of_contact == sorted(of_contact)


async def until_open(sender: Service, enough: Callable[[int], bool]) -> None:
    """A sender has so many commands left."""

    async def found() -> bool:
        detail = await sender.detail()
        return detail.get("status") == "ready" and enough(detail["open_commands"])

    await eventually(found, 90, "enough commands open")


@pytest.mark.slow
async def test_one_of_two_senders_leaves_and_a_third_joins_under_load(desk: Desk, start: Start) -> None:
    await desk.twilio.faults(latency_s=0.1, latency_jitter_s=0.1)
    leaving, staying = start("disk 1"), start("disk 2")
    await leaving.ready()
    await staying.ready()
    ids = await many(desk, 60)
    await eventually(lambda: _some_created(desk, ids, 10), 60, "a few calls made")
    await asyncio.to_thread(leaving.stop)
    assert leaving.exit_code == 0, leaving.tail()
    joining = start("disk 3")
    ids += await many(desk, 60, first=100)
    await joining.ready()
    await desk.until(ids, "sent", deadline_s=90)
    await desk.sent_once(ids)


async def _some_created(desk: Desk, ids: list[str], count: int) -> bool:
    return sum(len(sids) for sids in (await desk.creates(ids)).values()) >= count


@pytest.mark.parametrize("disk_after", ["disk", pytest.param("another disk", marks=pytest.mark.slow)])
async def test_killed_while_all_wait_nothing_is_sent_until_it_is_resumed(
    desk: Desk, start: Start, disk_after: str
) -> None:
    first = start()
    await desk.say(PausePlaced, of_label("acme", "spring"))
    await desk.say(PausePlaced, of_tenant("acme"))
    commands = [
        desk.command(number, contact=number % CONTACTS, label="spring" if number % 3 else None) for number in range(30)
    ]
    soon = desk.command("soon", 77, not_before=later(now(), 5))
    ids = await desk.produce(*commands, soon, key=b"one producer")
    await desk.until(ids, "deferred")
    first.kill()
    second = start(disk_after)
    await second.ready()

    async def waits() -> bool:
        return (await second.detail()).get("open_commands") == len(ids)

    await eventually(waits, 30, "all of it is known after the restart")
    assert not any((await desk.creates(ids)).values())
    # Under the label's pause, what goes on is deferred.
    await desk.say(PauseEnded, of_tenant("acme"))
    await desk.until([one for number, one in enumerate(ids) if number % 3 == 0], "sent")
    assert not any((await desk.creates([one for number, one in enumerate(ids[:30]) if number % 3])).values())
    second.kill()
    await desk.say(PauseEnded, of_label("acme", "spring"))
    third = start(disk_after)
    await settled(desk, third, ids)
    assert await desk.sent_at_most_once(ids) == []
