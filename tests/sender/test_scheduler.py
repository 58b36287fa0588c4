"""The scheduler without Kafka: who goes when."""

import asyncio
import logging
from collections.abc import AsyncIterator
from typing import Any

import msgspec
import pytest

from services.domain.clock import later, seconds_between
from services.domain.outbox.entry import row_key
from services.domain.outbox.facts import Unknown
from services.domain.outbox.lists import in_order
from services.domain.outbox.verdicts import Verdict
from services.runtime.clock import now
from services.sender import contacts
from tests.sender.histories import accepted, attempted, attempting, created, refused
from tests.sender.world import NEVER, World, ended, pending
from tests.waiting import eventually

LOST = Unknown(reason="no answer")


@pytest.fixture(autouse=True)
async def _nothing_left() -> AsyncIterator[None]:
    yield
    for task in asyncio.all_tasks() - {asyncio.current_task()}:
        task.cancel()


async def test_what_is_open_is_taken_up_and_an_interrupted_attempt_is_told_as_ambiguous() -> None:
    world = World()
    many = [pending(f"p{number:04}") for number in range(1200)]
    interrupted = ended(accepted("i"), attempting(1, command_id="i"))
    sent = ended(accepted("s"), attempting(1, command_id="s"), attempted(1, created(), command_id="s"))
    rows = await world.take(*many, interrupted, sent)
    assert world.scheduler.rows_open() == 1200
    await eventually(lambda: rows.entries[row_key(interrupted)].state == "ambiguous")
    assert set(world.attempts) <= {entry.command_id for entry in many}


async def test_one_of_a_contact_goes_at_a_time_and_the_next_when_it_is_settled() -> None:
    world = World()
    await world.take(*(pending(f"a{number}", "acme|a", sequence=number) for number in range(3)), pending("b"))
    await world.attempted("a0", "b")
    await world.ends("a0")
    await world.attempted("a1", "b")


@pytest.mark.parametrize("urgent", [False, True])
async def test_what_comes_while_its_contacts_only_one_is_under_way_goes_next(urgent: bool) -> None:
    world = World()
    rows = await world.take(pending("a0", "acme|a"))
    await world.attempted("a0")
    await world.put(rows, pending("a1", "acme|a", sequence=1, urgent=urgent))
    await world.ends("a0")
    await world.attempted("a1")
    await world.ends("a1")
    await world.put(rows, pending("a2", "acme|a", sequence=2))
    await world.attempted("a2")


async def test_what_comes_back_while_its_contacts_only_one_is_under_way_goes_next() -> None:
    world = World()
    rows = await world.take(pending("a0", "acme|a"), pending("a1", "acme|a", sequence=1))
    await world.attempted("a0")
    await world.ends("a0", refused(20429, retry_at=later(now(), 0.2)))
    await world.attempted("a1")
    await eventually(lambda: rows.entries["acme|a a0"].state == "pending")
    await world.ends("a1")
    await world.attempted("a0")


async def test_of_who_has_one_command_nobody_looks_for_a_next(monkeypatch: pytest.MonkeyPatch) -> None:
    world, looked = World(), list[tuple[Any, ...]]()
    rows = await world.take(pending("a"))
    await world.attempted("a")
    monkeypatch.setattr(rows, "listed", lambda *asked: looked.append(asked) or [])
    await world.ends("a")
    await eventually(lambda: not world.scheduler._owned[rows.partition].under_way)
    assert not [asked for asked in looked if asked[1] == in_order("acme|a")]
    assert not world.scheduler._owned[rows.partition].alone


async def test_a_retry_waits_for_its_time_and_holds_up_nobody() -> None:
    world = World()
    await world.take(*(pending(f"a{number}", "acme|a", sequence=number) for number in range(3)))
    await world.attempted("a0")
    await world.ends("a0", refused(20429, retry_at=later(now(), 0.3)))
    await world.attempted("a1")
    await asyncio.sleep(0.4)
    await world.ends("a1")
    # By then it stands in its contact's order again, where it was.
    await world.attempted("a0")
    await world.ends("a0", refused(20429, retry_at=NEVER))
    await world.attempted("a2")
    assert world.order == ["a0", "a1", "a0", "a2"]


async def test_what_nobody_was_called_for_goes_again_before_the_rest() -> None:
    world = World(concurrency=1)
    await world.take(*(pending(f"a{number}", "acme|a", sequence=number) for number in range(2)))
    await world.attempted("a0")
    world.attempts["a0"].set_result(refused(None, retry_at=now()))
    await eventually(lambda: len(world.order) > 1)
    assert world.order == ["a0", "a0"]


async def test_after_an_ambiguous_one_its_contacts_next_waits_for_a_while() -> None:
    world = World(ambiguous_wait_s=0.3)
    rows = await world.take(*(pending(f"a{number}", "acme|a", sequence=number) for number in range(2)))
    await world.attempted("a0")
    await world.ends("a0", LOST)
    await eventually(lambda: rows.entries["acme|a a0"].state == "ambiguous")
    assert world.attempts == {}
    await world.attempted("a1")
    since = rows.entries["acme|a a0"].ambiguous_at
    assert since is not None
    assert seconds_between(since, now()) >= 0.3


async def test_an_urgent_command_overtakes_those_of_its_sender_that_wait_also_its_contacts() -> None:
    world = World(concurrency=1)
    rows = await world.take(*(pending(f"a{number}") for number in range(9)))
    await eventually(lambda: world.attempts)
    under_way = set(world.attempts)
    await world.put(rows, pending("u", "acme|a8", sequence=9, urgent=True), pending("v", urgent=True))
    for name in under_way:
        await world.ends(name)
    await eventually(lambda: {"u", "v"} <= set(world.order))
    assert set(world.order) == under_way | {"u", "v"} | set(world.order[len(under_way) + 2 :])
    assert set(world.order[len(under_way) : len(under_way) + 2]) == {"u", "v"}


async def test_the_rows_of_what_waits_are_not_kept() -> None:
    world = World(concurrency=1)
    rows = await world.take(*(pending(f"a{number}") for number in range(100)))
    await eventually(lambda: world.attempts)
    begun = len(world.attempts)
    assert len(rows.read_now) <= 2 + 100 + begun, "read to find the lane, to be put in it, and when their turn came"


async def test_a_sender_keeps_its_rate_and_delays_no_other() -> None:
    world = World(concurrency=50, rate=2.0)
    slow = [pending(f"a{number}") for number in range(9)]
    await world.take(*slow, pending("b", from_="+14155550111"))
    await world.attempted("a0", "a1", "b")
    started = asyncio.get_running_loop().time()
    await eventually(lambda: len(world.attempts) == 4)
    assert asyncio.get_running_loop().time() - started > 0.4


async def test_what_is_judged_and_not_called_for_takes_no_place_in_a_rate() -> None:
    """At this rate one goes in a quarter of an hour."""
    world = World(rate=0.001, units=lambda _: 3)
    rows = await world.take(pending("a"), pending("b"), pending("c"), pending("d"))
    await world.attempted("a")
    await world.ends("a", Verdict("blocked", "media", "it cannot be fetched", "correct it"))
    await world.attempted("b")
    await world.ends("b", Verdict("deferred", "media", "it is looked at", "wait", condition="media"))
    await world.attempted("c")
    await world.ends("c")
    await eventually(lambda: rows.entries["acme|c c"].state == "settled")
    assert world.order == ["a", "b", "c"]
    assert world.attempts == {}


async def test_a_tenant_with_many_waiting_delays_no_other() -> None:
    world = World(concurrency=4)
    rows = await world.take(*(pending(f"a{number}") for number in range(500)))
    await eventually(lambda: world.attempts)
    before = set(world.attempts)
    await world.put(rows, *(pending(f"z{number}", f"zeta|{number}", tenant="zeta") for number in range(2)))
    for name in sorted(before)[:4]:
        await world.ends(name)
    await eventually(lambda: {"z0", "z1"} <= set(world.attempts))


async def test_what_is_settled_while_it_waits_does_not_go() -> None:
    world = World(concurrency=1)
    rows = await world.take(*(pending(f"a{number}") for number in range(9)))
    await eventually(lambda: world.attempts)
    waiting = [entry for entry in rows.entries.values() if entry.command_id not in world.attempts]
    over = ended(accepted("x"), attempting(1, command_id="x"), attempted(1, created(), command_id="x"))
    names = [{"order_key": entry.order_key, "command_id": entry.command_id} for entry in waiting]
    await world.put(rows, *(msgspec.structs.replace(over, **name) for name in names))
    begun = set(world.attempts)
    for name in begun:
        await world.ends(name)
    assert set(world.order) == begun
    assert world.scheduler.rows_open() == 0


async def test_what_expires_and_is_forgotten_at_once_holds_up_nothing_of_its_contact() -> None:
    world = World(concurrency=1)
    other, old, young = pending("z"), pending("a0", "acme|a"), pending("a1", "acme|a", sequence=1)
    rows = await world.take(other)
    await world.attempted("z")
    await world.put(rows, old, young)
    await world.gone(rows, old)
    await world.ends("z")
    await world.attempted("a1")
    assert world.scheduler.rows_open() == 1
    await world.gone(rows, young)
    await world.ends("a1")
    assert world.scheduler.rows_open() == 0
    assert world.order == ["z", "a1"]


async def test_a_partition_that_leaves_begins_nothing_more_and_its_attempts_have_a_short_time() -> None:
    world = World(concurrency=1)
    rows = await world.take(*(pending(f"a{number}") for number in range(9)))
    await eventually(lambda: world.attempts)
    begun = set(world.attempts)
    await world.scheduler.leaving(rows.partition)
    await eventually(lambda: world.attempts == {})
    assert set(world.order) == begun
    assert world.scheduler.rows_open() == 0
    other = await world.take(pending("next"))
    await world.attempted("next")
    await world.scheduler.folded(rows.partition, rows.change(rows.entries.values()))
    await world.scheduler.leaving(rows.partition)
    assert set(world.attempts) == {"next"}
    assert other.entries


async def test_an_attempt_that_fails_is_told_and_its_slot_is_free_again(caplog: pytest.LogCaptureFixture) -> None:
    world = World(concurrency=1)
    await world.take(*(pending(f"a{number}") for number in range(4)))
    with caplog.at_level(logging.ERROR):
        for name in ("a0", "a1"):
            await eventually(lambda name=name: name in world.attempts)
            world.attempts[name].set_exception(OSError("the disk is gone"))
        await eventually(lambda: {"a2", "a3"} <= set(world.order))
    assert "the disk is gone" in caplog.text


async def test_a_wait_is_looked_at_again_because_the_clock_may_have_been_set(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(contacts, "LOOK_AGAIN_S", 0.01)
    moment = now()
    monkeypatch.setattr(contacts, "now", lambda: moment)
    world = World(ambiguous_wait_s=3600)
    await world.take(pending("a", "acme|a"), pending("b", "acme|a", sequence=1))
    await world.attempted("a")
    await world.ends("a", LOST)
    await asyncio.sleep(0.05)
    assert world.attempts == {}
    moment = later(now(), 3601)
    await world.attempted("b")
