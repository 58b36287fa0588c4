"""What waits stays in the table: few of it are in memory, and still everything goes, once, in its contact's order."""

import asyncio
import random
from collections import Counter
from collections.abc import AsyncIterator, Callable
from typing import Any

import pytest

from services.domain.clock import later
from services.domain.messages.outbox import Entry, Unknown, is_open
from services.runtime.clock import now
from services.sender import shelves
from tests.sender.histories import created, refused
from tests.sender.world import NEVER, Rows, World, pending
from tests.waiting import eventually

LOST = Unknown(reason="no answer")
SENDERS = [f"+1415555010{number}" for number in range(5)]
End = Callable[[str], Any]


@pytest.fixture(autouse=True)
async def _nothing_left() -> AsyncIterator[None]:
    yield
    for task in asyncio.all_tasks() - {asyncio.current_task()}:
        task.cancel()


@pytest.fixture(autouse=True)
def _few(monkeypatch: pytest.MonkeyPatch) -> None:
    """So few in memory that a small number is far too many."""
    for name, value in {"_TOGETHER": 16, "_LEAST": 2, "_MOST": 4, "_AT_ONCE": 3, "_PAUSE_S": 0.001}.items():
        monkeypatch.setattr(shelves, name, value)


class Busy(World):
    """Ends each attempt as `end` says, at once; keeps count of what is in memory. Begins nothing until `settle`."""

    def __init__(self, end: End = lambda _: created(), **options: Any) -> None:
        super().__init__(**options)
        self.end = end
        self.most = 0
        self.go = asyncio.Event()

    def in_memory(self) -> int:
        return sum(len(owned.standing) for owned in self.scheduler._owned.values())

    def turns(self) -> int:
        return sum(len(lane.urgent) + len(lane.ordinary) for lane in self.scheduler._dispatcher._lanes._lanes.values())

    async def _end(self, entry: Entry) -> Any:
        await self.go.wait()
        self.most = max(self.most, self.in_memory())
        assert self.turns() == self.in_memory()
        return self.end(entry.command_id)

    async def settle(self, rows: Rows) -> None:
        """Until nothing is open any more."""
        self.go.set()
        await eventually(lambda: self.scheduler.rows_open() == 0, 30, "all that is open is settled")
        assert not any(is_open(entry) for entry in rows.entries.values())
        assert self.in_memory() == 0


def many(count: int, **fields: Any) -> list[Entry]:
    return [pending(f"a{number:05}", sequence=number, **fields) for number in range(count)]


async def test_of_many_that_wait_few_are_in_memory_and_all_go_in_their_order() -> None:
    world = Busy(concurrency=2)
    rows = await world.take(*many(500))
    assert world.scheduler.rows_open() == 500
    await world.settle(rows)
    assert world.order == sorted(world.order)
    assert len(world.order) == 500
    assert world.most <= 4


async def test_also_where_they_come_while_it_runs() -> None:
    world = Busy(concurrency=2)
    rows = await world.take()
    entries = many(300)
    for start in range(0, 300, 25):
        await world.put(rows, *entries[start : start + 25])
        assert world.in_memory() <= 4
    assert world.scheduler.rows_open() == 300
    await world.settle(rows)
    assert world.order == sorted(world.order)
    assert len(world.order) == 300


async def test_what_comes_while_others_wait_in_the_table_does_not_overtake_them() -> None:
    world = World(concurrency=1, rate=0.001)
    rows = await world.take(*many(20))
    await eventually(lambda: world.attempts)
    await world.put(rows, pending("a99999", sequence=20))
    queued = world.scheduler._owned[rows.partition].queued
    assert "acme|a99999" not in queued
    assert "acme|a00001" in queued


async def test_an_urgent_one_overtakes_all_that_wait_in_the_table() -> None:
    world = Busy(concurrency=1)
    rows = await world.take(*many(200))
    await eventually(lambda: world.order)
    await world.put(rows, pending("u", "acme|a00150", sequence=999, urgent=True))
    await world.settle(rows)
    assert world.order.index("u") <= 3
    assert len(world.order) == 201


async def test_a_senders_many_keep_no_other_senders_from_their_turn() -> None:
    world = Busy(concurrency=1)
    rows = await world.take(*many(300), *(pending(f"z{number}", from_=SENDERS[1]) for number in range(10)))
    await world.settle(rows)
    assert max(world.order.index(f"z{number}") for number in range(10)) < 40


async def test_a_contacts_order_holds_over_its_senders_also_where_one_has_many_waiting() -> None:
    world = Busy(concurrency=3)
    first = [
        pending(f"a{number:05}", f"acme|{number}", sequence=number, from_=SENDERS[number % 2]) for number in range(80)
    ]
    then = [pending(f"b{number:05}", f"acme|{number}", sequence=100 + number, from_=SENDERS[2]) for number in range(80)]
    rows = await world.take(*first, *then)
    await world.settle(rows)
    for number in range(80):
        assert world.order.index(f"a{number:05}") < world.order.index(f"b{number:05}")
    assert world.most <= 3 * 4


async def test_what_waits_for_its_contacts_other_sender_holds_up_nobody_behind_it() -> None:
    world = Busy(lambda name: refused(20429, retry_at=NEVER) if name.startswith("a") else created(), concurrency=3)
    first = [pending(f"a{number}", f"acme|{number}", from_=SENDERS[0]) for number in range(80)]
    then = [pending(f"b{number}", f"acme|{number}", sequence=number, from_=SENDERS[1]) for number in range(80)]
    await world.take(*first, *then, pending("c", sequence=999, from_=SENDERS[1]))
    world.go.set()
    await eventually(lambda: len(world.order) == 81)
    assert "c" in world.order
    assert not {f"b{number}" for number in range(80)} & set(world.order)


async def test_retries_take_no_memory_while_they_wait() -> None:
    tries = Counter[str]()

    def end(name: str) -> Any:
        tries[name] += 1
        return refused(20429, retry_at=later(now(), 0.2)) if tries[name] == 1 else created()

    world = Busy(end, concurrency=4)
    rows = await world.take(*many(100))
    await world.settle(rows)
    assert set(tries.values()) == {2}
    assert world.most <= 4


async def test_what_an_ambiguous_one_holds_up_goes_when_its_time_has_come() -> None:
    world = Busy(lambda name: LOST if name.startswith("a") else created(), concurrency=4, ambiguous_wait_s=0.3)
    contacts = [f"acme|{number}" for number in range(30)]
    lost = [pending(f"a{number}", contact, sequence=number) for number, contact in enumerate(contacts)]
    held = [pending(f"b{number}", contact, sequence=50 + number) for number, contact in enumerate(contacts)]
    rows = await world.take(*lost, *held)
    await world.settle(rows)
    assert sorted(world.order) == sorted(entry.command_id for entry in (*lost, *held))


async def test_more_senders_than_there_are_shelves_for_have_their_turn(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(shelves, "_MOST_SHELVES", 3)
    monkeypatch.setattr(shelves, "_LOOK_AGAIN_S", 0.01)
    world = Busy(concurrency=2)
    senders = [f"+1415555{number:04}" for number in range(40)]
    before = [pending(f"a{number}", from_=sender) for number, sender in enumerate(senders)]
    rows = await world.take(*before, pending("z", "zeta|z", tenant="zeta"))
    await world.put(rows, *(pending(f"b{number}", from_=sender) for number, sender in enumerate(senders)))
    await world.settle(rows)
    assert len(world.order) == 81
    assert world.order.index("z") < 20, "another tenant's lanes are its own"
    [owned] = world.scheduler._owned.values()
    await eventually(lambda: not owned.shelves._shelves, 5, "the shelves that are empty go")


async def test_a_turn_that_is_overtaken_again_and_again_stands_in_its_lane_once() -> None:
    world = Busy(concurrency=1)
    rows = await world.take(pending("slow", "acme|other"), pending("a", "acme|a"))
    for number in range(50):
        urgent = pending(f"u{number}", "acme|a", sequence=number, urgent=True)
        await world.put(rows, urgent)
        await world.gone(rows, urgent)
        assert world.turns() <= 5
    await world.settle(rows)
    assert "a" in world.order


async def test_what_the_table_lists_and_has_no_row_for_is_passed_over() -> None:
    world = Busy(concurrency=1)
    rows = Rows(*many(50))
    rows.world = world
    for number in range(0, 50, 2):
        del rows.entries[f"acme|a{number:05} a{number:05}"]
    await world.scheduler.taken(rows.partition)
    world.go.set()
    await eventually(lambda: len(world.order) == 25, 10)


async def test_a_partition_that_left_reads_no_more() -> None:
    world = World(concurrency=1, rate=0.001)
    rows = await world.take(*many(50), pending("z", from_=SENDERS[1], urgent=True))
    await eventually(lambda: world.attempts)
    await world.scheduler.leaving(rows.partition)
    read = len(rows.read_now)
    await asyncio.sleep(0.05)
    assert len(rows.read_now) == read


@pytest.mark.parametrize("seed", range(6))
async def test_whatever_comes_and_however_it_ends_everything_goes_in_its_contacts_order(seed: int) -> None:
    chance = random.Random(seed)
    retried = set()

    def end(name: str) -> Any:
        match chance.choices(["created", "refused", "retry", "lost"], [6, 1, 3, 1])[0]:
            case "retry":
                retried.add(name)
                return refused(20429, retry_at=later(now(), chance.random() * 0.05))
            case "lost":
                return LOST
            case "refused":
                return refused(21211)
        return created()

    made = [
        pending(
            f"c{number}",
            f"acme|{chance.randrange(40)}",
            sequence=number,
            from_=chance.choice(SENDERS),
            urgent=chance.random() < 0.2,
        )
        for number in range(250)
    ]
    world = Busy(end, concurrency=3, ambiguous_wait_s=0.05)
    taken, later_on = made[:150], made[150:]
    rows = await world.take(*taken)
    expected = {name: [one.command_id for one in ordered(taken, name)] for name in {one.contact for one in taken}}
    await world.settle(rows)
    begun = list(dict.fromkeys(world.order))
    contacts = {one.command_id: one.contact for one in made}
    for contact, names in expected.items():
        assert [name for name in begun if contacts[name] == contact] == names
    while later_on:
        count = chance.randrange(1, 20)
        await world.put(rows, *later_on[:count])
        del later_on[:count]
        await asyncio.sleep(0)
    await world.settle(rows)
    assert set(world.order) == set(contacts)
    assert {name for name, times in Counter(world.order).items() if times > 1} == retried
    assert world.most <= len(SENDERS) * 2 * 4


def ordered(entries: list[Entry], contact: str) -> list[Entry]:
    mine = [one for one in entries if one.contact == contact]
    return sorted(mine, key=lambda one: one.command is not None and (not one.command.urgent, one.command.sequence))
