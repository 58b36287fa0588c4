"""What waits stays in the table: few of it are in memory, and still everything goes, once, in its contact's order."""

import asyncio
import random
from bisect import insort
from collections import Counter
from collections.abc import AsyncIterator, Callable
from typing import Any

import msgspec
import pytest

from services.domain.clock import later
from services.domain.messages.commands import KIND
from services.domain.outbox.entry import Entry, is_open, row_key
from services.domain.outbox.facts import Unknown
from services.domain.outbox.lists import in_lane
from services.runtime.clock import now
from services.runtime.folding.index import Listed
from services.sender import backlog, contacts, turns
from services.sender.account import AccountAt
from services.sender.outcomes import Refusal
from tests.sender.histories import accepted, at, attempted, attempting, created, refused
from tests.sender.world import NEVER, Rows, World, ended, pending
from tests.waiting import eventually

LOST = Unknown(reason="no answer")
SENDERS = [f"+1415555010{number}" for number in range(5)]
End = Callable[[str], Any]
LONG_AFTER = later(NEVER, -86_400)


@pytest.fixture(autouse=True)
async def _nothing_left() -> AsyncIterator[None]:
    yield
    for task in asyncio.all_tasks() - {asyncio.current_task()}:
        task.cancel()


@pytest.fixture(autouse=True)
def _few(monkeypatch: pytest.MonkeyPatch) -> None:
    """So few in memory that a small number is far too many."""
    for name, value in {"_ROOM": 4, "_TOGETHER": 16, "_CROWDED_ROOM": 2, "_AT_ONCE": 3, "_IN_VAIN_S": 0.001}.items():
        monkeypatch.setattr(backlog, name, value)


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
        await eventually(lambda: self.scheduler.rows_open() == 0, 90, "all that is open is settled")
        assert not any(is_open(entry) for entry in rows.entries.values())
        assert self.in_memory() == 0


def many(count: int, contact: str | None = None) -> list[Entry]:
    return [pending(f"a{number:05}", contact, sequence=number) for number in range(count)]


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
    assert world.most <= 3 * 2 * 4


async def test_what_waits_for_its_contacts_other_sender_holds_up_nobody_behind_it() -> None:
    world = Busy(lambda name: LOST if name.startswith("a") else created(), concurrency=3, ambiguous_wait_s=3600)
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
    assert world.most <= 2 * 4, "what follows may take as much again"


async def test_what_an_ambiguous_one_holds_up_goes_when_its_time_has_come() -> None:
    world = Busy(lambda name: LOST if name.startswith("a") else created(), concurrency=4, ambiguous_wait_s=0.3)
    contacts = [f"acme|{number}" for number in range(30)]
    lost = [pending(f"a{number}", contact, sequence=number) for number, contact in enumerate(contacts)]
    held = [pending(f"b{number}", contact, sequence=50 + number) for number, contact in enumerate(contacts)]
    rows = await world.take(*lost, *held)
    await world.settle(rows)
    assert sorted(world.order) == sorted(entry.command_id for entry in (*lost, *held))


async def test_more_senders_than_there_are_backlogs_for_have_their_turn(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(backlog, "_MOST_BACKLOGS", 3)
    monkeypatch.setattr(backlog, "_LANES_S", 0.01)
    world = Busy(concurrency=2)
    senders = [f"+1415555{number:04}" for number in range(40)]
    before = [pending(f"a{number}", from_=sender) for number, sender in enumerate(senders)]
    rows = await world.take(*before, pending("z", "zeta|z", tenant="zeta"))
    await world.put(rows, *(pending(f"b{number}", from_=sender) for number, sender in enumerate(senders)))
    await world.settle(rows)
    assert len(world.order) == 81
    assert world.order.index("z") < 20, "another tenant's lanes are its own"
    [owned] = world.scheduler._owned.values()
    assert len(owned.backlogs._backlogs) <= 3 + 1
    await eventually(lambda: not owned.backlogs._survey.crowded, 20, "nobody is looked for any more")


async def test_a_lane_that_comes_while_others_are_looked_for_further_on_is_not_passed_over(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(backlog, "_MOST_BACKLOGS", 1)
    monkeypatch.setattr(backlog, "_LANES_S", 0.01)
    world = Busy(concurrency=1)
    rows = await world.take(*(pending(f"a{number}", from_=SENDERS[0]) for number in range(3)))
    await world.put(rows, pending("c", from_=SENDERS[2]))
    [owned] = world.scheduler._owned.values()
    await eventually(lambda: (found := owned.backlogs._survey.crowded.get("acme")) and SENDERS[2] in found.name)
    await world.put(rows, pending("b", from_=SENDERS[1]))
    await world.settle(rows)
    assert {"b", "c"} <= set(world.order)


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


async def test_under_a_steady_stream_the_oldest_go_first_whatever_waits_for_a_time() -> None:
    class Stream(Busy):
        """With each that goes one comes."""

        async def _end(self, entry: Entry) -> Any:
            if len(self.order) < 400:
                number = 100 + len(self.order)
                await self.put(rows, pending(f"n{number}", sequence=number, accepted_at=at(10)))
            return await super()._end(entry)

    world = Stream(concurrency=2)
    waits = pending("waits", accepted_at=at(59), not_before=LONG_AFTER)
    rows = await world.take(waits)
    await world.put(rows, *(pending(f"old{number:02}", sequence=number) for number in range(40)))
    world.go.set()
    await eventually(lambda: world.scheduler.rows_open() == 1)
    assert [name for name in world.order if name.startswith("old")] == world.order[:40]


async def test_what_was_held_up_does_not_wait_for_the_end_of_a_long_list() -> None:
    world = Busy(lambda name: LOST if name == "a" else created(), concurrency=1, ambiguous_wait_s=0.05)
    rows = await world.take(
        pending("a", "acme|a"),
        pending("b", "acme|a", sequence=1),
        *(pending(f"f{number}", sequence=2 + number) for number in range(3000)),
    )
    await world.settle(rows)
    assert world.order.index("b") < 2500


@pytest.mark.parametrize("which", ["a00003", "a00030"])
async def test_a_row_that_cannot_be_read_for_once_is_not_forgotten(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture, which: str
) -> None:
    for module in (contacts, turns):
        monkeypatch.setattr(module, "LOOK_AGAIN_S", 0.05)
    world = Busy(concurrency=2)
    rows = Rows(*many(50))
    read, failed = rows.read, []

    def failing(key: str, table: str) -> Entry | None:
        if key.endswith(which) and len(failed) < 3:
            failed.append(key)
            raise OSError("the disk is gone")
        return read(key, table)

    monkeypatch.setattr(rows, "read", failing)
    rows.world = world
    await world.scheduler.taken(rows.partition)
    await world.settle(rows)
    assert len(failed) == 3
    assert len(world.order) == 50
    assert "the disk is gone" in caplog.text


async def test_a_list_that_cannot_be_read_for_once_is_read_again(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(backlog, "_LANES_S", 0.02)
    world = Busy(concurrency=2)
    rows = await world.take(*many(50))
    listed, failed = rows.listed, []

    def failing(table: str, prefix: str, after: Any, limit: int) -> Any:
        if prefix.startswith("lane") and len(failed) < 3:
            failed.append(prefix)
            raise OSError("the disk is gone")
        return listed(table, prefix, after, limit)

    monkeypatch.setattr(rows, "listed", failing)
    await world.settle(rows)
    assert len(failed) == 3
    assert world.order == sorted(world.order)


async def test_an_attempt_that_broke_off_once_begun_is_told_as_ambiguous_and_the_next_goes(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    for module in (contacts, turns):
        monkeypatch.setattr(module, "LOOK_AGAIN_S", 0.05)

    class Breaks(Busy):
        async def _attempt(self, partition: Any, entry: Entry) -> bool:
            if entry.command_id == "a":
                begun = attempting(1, command_id="a")
                await partition.submit(msgspec.structs.replace(begun, order_key=entry.order_key, at=now()))
                raise TypeError("a defect of ours")
            return await super()._attempt(partition, entry)

    world = Breaks(concurrency=1, ambiguous_wait_s=0.05)
    rows = await world.take(pending("a", "acme|a"), pending("b", "acme|a", sequence=1))
    await world.settle(rows)
    assert rows.entries["acme|a a"].state == "ambiguous"
    assert world.order == ["b"]


@pytest.mark.parametrize("tenant", ["acme", "zeta"])
async def test_an_index_row_of_another_lane_hides_none_between(tenant: str) -> None:
    world = Busy(concurrency=2)
    last = pending("z", f"{tenant}|z", tenant=tenant, from_="+14155559999")
    rows = Rows(*(pending(f"m{number}", from_=sender) for number, sender in enumerate(SENDERS)), last)
    lane = in_lane("acme", KIND, "+14155550000", "", urgent=False)
    insort(rows.index, Listed(f"{lane}{at(0)} {0:020}", row_key(last)))
    rows.world = world
    await world.scheduler.taken(rows.partition)
    world.go.set()
    await eventually(lambda: len(world.order) == len(SENDERS) + 1, 5)


async def test_what_waits_for_a_host_that_asks_for_less_keeps_no_other_products_commands_waiting() -> None:
    """Of one number: far more than a backlog prefetches stand before them."""
    hosts = {KIND: "api", "ring": "bells"}
    world = Busy(concurrency=2, host=hosts.__getitem__)
    world.go.set()
    at_api = AccountAt("acme", "api")
    world.slots.begin("tried", at_api, urgent=False)
    async with world.slots.call("tried") as slot:
        slot.ended(Refusal(code=20429, reason="too many", retry_after=3600.0))
    world.slots.over("tried")
    messages = [pending(f"m{number}", sequence=number) for number in range(40)]
    rings = [msgspec.structs.replace(pending(f"r{n}", sequence=100 + n), kind="ring") for n in range(3)]
    await world.take(*messages, *rings)
    await eventually(lambda: len(world.order) == len(rings), 20, "the other host's go")
    assert set(world.order) == {one.command_id for one in rings}


async def test_an_id_that_comes_again_under_another_sender_goes_there(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(backlog, "_MOST_BACKLOGS", 2)
    monkeypatch.setattr(backlog, "_LANES_S", 0.01)
    first, second, third = SENDERS[:3]
    world = Busy(concurrency=1)
    rows = await world.take()
    old, other = pending("k", "acme|k", sequence=3, from_=first), pending("d", from_=third)
    await world.put(rows, *(pending(f"z{number}", sequence=number, from_=first) for number in range(3)), old)
    await asyncio.sleep(0.02)
    await world.put(rows, other)
    await world.gone(rows, old)
    await world.gone(rows, other)
    again = [pending(name, f"acme|{name}", sequence=10, from_=second) for name in ("k", "c1", "c2")]
    await world.put(rows, *again)
    await world.settle(rows)
    assert sorted(world.order) == ["c1", "c2", "k", "z0", "z1", "z2"]
    assert world.slots._begun == 0


async def test_a_contact_with_many_holds_its_senders_others_up_for_a_moment_only() -> None:
    world = World(concurrency=4)
    sit = [
        pending(f"s{number}", from_=f"+1415557{number:04}", accepted_at=at(0), not_before=LONG_AFTER)
        for number in range(100)
    ]
    await world.take(*sit, *many(300, contact="acme|x"), pending("y", sequence=999))
    await eventually(lambda: "y" in world.order, 5)
    assert world.order == ["a00000", "y"]


async def test_where_nothing_can_go_next_to_nothing_is_read(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(backlog, "_MOST_BACKLOGS", 10)
    monkeypatch.setattr(backlog, "_AT_ONCE", 128)
    world = World(ambiguous_wait_s=1e9)
    first = ended(
        accepted("first", contact="acme|x", from_="+19995550000", not_after=NEVER),
        attempting(1, command_id="first"),
        attempted(1, LOST, command_id="first"),
    )
    blocked = [
        pending(f"x{lane}-{number}", "acme|x", sequence=1 + number, from_=f"+1415557{lane:04}")
        for lane in range(15)
        for number in range(50)
    ]
    rows = await world.take(first, *blocked)
    [owned] = world.scheduler._owned.values()
    await eventually(lambda: not owned.backlogs._reading and not owned.backlogs._in_vain)
    await asyncio.sleep(0.3)
    read = len(rows.read_now)
    await asyncio.sleep(0.5)
    assert len(rows.read_now) - read < 50
    assert world.order == []


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
    expected = {name: [one.command_id for one in ordered(taken, name)] for name in {one.order_key for one in taken}}
    await world.settle(rows)
    begun = list(dict.fromkeys(world.order))
    contacts = {one.command_id: one.order_key for one in made}
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
    assert world.most <= len(SENDERS) * 2 * 2 * 4


def ordered(entries: list[Entry], contact: str) -> list[Entry]:
    mine = [one for one in entries if one.order_key == contact]
    return sorted(mine, key=lambda one: one.command is not None and (not one.command.urgent, one.command.sequence))
