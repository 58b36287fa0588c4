"""The scheduler without Kafka: what is deferred, paused, canceled or stopped by a fault, and how it goes on."""

import asyncio
import random
from collections.abc import AsyncIterator

import pytest
from msgspec.structs import replace

from services.domain.clock import later
from services.domain.outbox.entry import Entry
from services.domain.outbox.facts import Judged
from services.domain.outbox.pauses import EVERYTHING, PauseEnded, PausePlaced, Said, of_label, of_sender, of_tenant
from services.domain.outbox.verdicts import Verdict
from services.runtime.clock import now
from services.sender import conditions
from services.sender.account import AccountAt
from services.sender.outcomes import Refusal
from tests.sender.histories import canceled, created, refused, steps
from tests.sender.world import NEVER, Rows, World, pending
from tests.waiting import eventually

OTHER = "+14155550111"
ACME, ZETA = AccountAt("acme", "api"), AccountAt("zeta", "api")


@pytest.fixture(autouse=True)
async def _nothing_left() -> AsyncIterator[None]:
    yield
    for task in asyncio.all_tasks() - {asyncio.current_task()}:
        task.cancel()


def paused(scope: str) -> PausePlaced:
    return PausePlaced(event_id=f"p {random.random()}", key="k", tenant="", scope=scope, at=now(), by="ann")


def resumed(scope: str) -> PauseEnded:
    return PauseEnded(event_id=f"r {random.random()}", key="k", tenant="", scope=scope, at=now(), by="ann")


async def say(world: World, rows: Rows, said: Said) -> None:
    await world.listening.folded(rows.partition, rows.say(said))


async def deferred(world: World, rows: Rows, entry: Entry, condition: str) -> None:
    """The gate's verdict is folded."""
    verdict = Verdict("deferred", "pause", "held", condition=condition)
    names = {"order_key": entry.order_key, "command_id": entry.command_id}
    await world.change(rows, Judged(**names, at=now(), verdict=verdict))


def state(rows: Rows, name: str) -> str:
    return next(entry.state for entry in rows.entries.values() if entry.command_id == name)


async def test_what_is_not_due_waits_outside_of_every_order_and_goes_when_it_is() -> None:
    world = World(concurrency=2)
    at = now()
    rows = await world.take(
        pending("a0", "acme|a", accepted_at=at, not_before=later(at, 0.4)),
        pending("a1", "acme|a", accepted_at=at, sequence=1),
    )
    assert world.scheduler.rows_open() == 2
    await world.attempted("a1")
    await world.ends("a1")
    assert state(rows, "a0") == "deferred"
    await world.attempted("a0")
    assert now() >= later(at, 0.4)


@pytest.mark.parametrize("scope", [EVERYTHING, of_tenant("acme"), of_sender("acme", "+14155550100")])
async def test_a_stopped_lane_keeps_all_in_place_tells_its_head_and_what_comes_and_goes_on_in_order(scope: str) -> None:
    world = World(concurrency=1)
    other = pending("z", "zeta|z", tenant="zeta", from_=OTHER)
    rows = await world.take()
    await say(world, rows, paused(scope))
    await world.put(rows, *(pending(f"a{number}", sequence=number) for number in range(5)), other)
    if scope != EVERYTHING:
        await world.attempted("z")
        await world.ends("z")
    await eventually(lambda: steps(rows.told).count("deferred") == 5 + (scope == EVERYTHING))
    assert not world.attempts
    assert all(entry.state == "pending" for entry in rows.entries.values() if entry.tenant == "acme")
    # Twice, and the end of another scope: nothing changes.
    await say(world, rows, paused(scope))
    await say(world, rows, resumed(of_tenant("nobody")))
    await asyncio.sleep(0.05)
    assert not world.attempts
    await say(world, rows, resumed(scope))
    while len([name for name in world.order if name != "z"]) < 5 or world.attempts:
        await eventually(lambda: world.attempts)
        await world.ends(min(world.attempts))
    assert [name for name in world.order if name != "z"] == [f"a{number}" for number in range(5)]
    assert steps(rows.told).count("deferred") == 5 + (scope == EVERYTHING), "told once"


async def test_of_what_waits_when_its_lane_is_stopped_the_head_is_told() -> None:
    world = World(concurrency=1, rate=0.001)
    waiting = [pending(f"a{number}", sequence=number) for number in range(9)]
    rows = await world.take(*waiting, *(pending(f"b{number}", from_=OTHER, sequence=number) for number in range(9)))
    await world.attempted("a0", "b0")
    await say(world, rows, paused(EVERYTHING))
    await eventually(lambda: steps(rows.told).count("deferred") == 2)
    await asyncio.sleep(0.1)
    assert steps(rows.told).count("deferred") == 2, "one of each lane; the others keep still"


async def test_a_partition_that_is_taken_under_a_pause_begins_nothing() -> None:
    world = World()
    rows = Rows(*(pending(f"a{number}", sequence=number) for number in range(5)))
    rows.say(paused(of_tenant("acme")))
    rows.world = world
    await world.listening.taken(rows.partition)
    await asyncio.sleep(0.1)
    assert not world.attempts
    assert world.stops.reasons()
    await say(world, rows, resumed(of_tenant("acme")))
    await eventually(lambda: len(world.attempts) >= 4)


async def test_a_lane_is_stopped_while_any_partition_says_so_and_the_partition_that_leaves_says_nothing() -> None:
    world = World()
    one, other = await world.take(pending("a")), await world.take()
    await world.attempted("a")
    await say(world, other, paused(EVERYTHING))
    await world.put(one, pending("b"))
    await asyncio.sleep(0.05)
    assert set(world.attempts) == {"a"}
    await world.listening.leaving(other.partition)
    await world.attempted("a", "b")


@pytest.mark.parametrize("order", ["verdict first", "resume first", "one flush"])
async def test_a_resume_and_a_verdict_that_race_strand_nothing(order: str) -> None:
    world = World()
    scope = of_label("acme", "spring")
    rows, entry = await world.take(), pending("a", label="spring")
    await say(world, rows, paused(scope))
    rows.change([entry])
    if order == "verdict first":
        await deferred(world, rows, entry, f"pause {scope}")
        await asyncio.sleep(0.02)
        assert state(rows, "a") == "deferred"
        await say(world, rows, resumed(scope))
    else:
        if order == "resume first":
            await say(world, rows, resumed(scope))
        else:
            rows.say(resumed(scope))
        await deferred(world, rows, entry, f"pause {scope}")
    await world.attempted("a")


async def test_what_is_deferred_is_looked_at_when_the_partition_is_taken_and_stays_under_what_stands() -> None:
    world = World()
    scope = of_label("acme", "spring")
    made = World()
    first = await made.take()
    for name, condition in (("a", "pause label acme gone"), ("b", f"pause {scope}"), ("c", "unheard of x")):
        entry = pending(name)
        first.change([entry])
        first.change([under(entry, condition)])
    await made.listening.leaving(first.partition)
    rows = Rows(*first.entries.values())
    rows.say(paused(scope))
    rows.world = world
    await world.listening.taken(rows.partition)
    # Of an unknown kind: nothing holds it, the gate is asked again.
    await world.attempted("a", "c")
    entry = next(one for one in rows.entries.values() if one.command_id == "b")
    if entry.state == "pending":
        pytest.fail("its pause stands")


def under(entry: Entry, condition: str) -> Entry:
    """It was deferred."""
    return replace(entry, state="deferred", condition=condition)


async def test_many_behind_a_label_go_on_and_few_are_in_memory_meanwhile(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(conditions, "_AT_ONCE", 50)
    world = World(concurrency=4, rate=1e6)
    scope = of_label("acme", "spring")
    held = [under(pending(f"a{n:04}", sequence=n), f"pause {scope}") for n in range(1000)]
    rows = Rows(*held)
    rows.say(paused(scope))
    rows.world = world
    await world.listening.taken(rows.partition)
    [owned] = world.scheduler._owned.values()
    assert (len(owned.standing), len(owned.queued), len(owned.later)) == (0, 0, 0)
    assert world.scheduler.rows_open() == 1000
    await say(world, rows, resumed(scope))
    await eventually(lambda: all(entry.state == "pending" for entry in rows.entries.values()), 20)
    assert len(owned.standing) <= 300


async def test_a_cancel_ends_what_waits_in_a_lane_or_for_a_time() -> None:
    world = World(concurrency=1, rate=0.001)
    rows = await world.take(pending("a"), pending("b", sequence=1), pending("c", not_before=later(NEVER, -86400)))
    await world.attempted("a")
    for name in ("a", "b", "c"):
        await world.change(rows, replace(canceled(command_id=name), contact=f"acme|{name}"))
    await world.ends("a")
    await asyncio.sleep(0.05)
    assert world.order == ["a"]
    assert world.scheduler.rows_open() == 0


async def test_who_is_at_fault_stops_its_lanes_and_one_is_tried_now_and_then() -> None:
    world = World(concurrency=3)
    bad = Refusal(code=20003, reason="Authenticate")
    rows = await world.take(*(pending(f"a{number}", sequence=number) for number in range(20)))
    await eventually(lambda: len(world.attempts) >= 3)
    began = world.faults.began()
    first, *others = sorted(world.attempts)
    for name in (first, *others):
        assert world.faults.ended(ACME, "+14155550100", bad, False, began) == "account"
        world.attempts[name].set_result(refused(20003, fault="account"))
    await eventually(lambda: not world.attempts)
    assert all(entry.state == "pending" for entry in rows.entries.values())
    assert "20003" in world.stops.reasons()[0]
    # After a while one goes, and no other.
    await eventually(lambda: len(world.attempts) == 1)
    await asyncio.sleep(0.05)
    assert len(world.attempts) == 1
    assert world.faults.ended(ACME, "+14155550100", created(), False, world.faults.began()) is None
    assert world.stops.reasons() == []
    [name] = world.attempts
    world.attempts[name].set_result(created())
    await eventually(lambda: len(world.attempts) >= 3)
    assert steps(rows.told).count("deferred") >= 3


@pytest.mark.parametrize(
    ("code", "known", "at"),
    [
        (21609, False, "house"),
        (20003, False, "account"),
        (21703, True, "sender"),
        (21703, False, None),
        (63007, True, "sender"),
        (63007, False, None),
        (20404, True, None),
        (21211, True, None),
        (None, True, None),
        (99999, True, None),
    ],
)
async def test_whose_fault_it_is(code: int | None, known: bool, at: str | None) -> None:
    world = World()
    await world.take()
    faults, refusal = world.faults, Refusal(code=code, reason="no")
    assert faults.ended(ACME, "+1", refusal, known, faults.began()) == at
    stopped = {
        "own": faults.stopped(ACME, "+1"),
        "sibling": faults.stopped(ACME, "+2"),
        "other": faults.stopped(ZETA, "+1"),
    }
    reach = {"house": 3, "account": 2, "sender": 1, None: 0}[at]
    assert list(stopped.values()) == [True] * reach + [False] * (3 - reach)
    await asyncio.sleep(0.12)
    assert not any((faults.stopped(ACME, "+1"), faults.stopped(ZETA, "+1")))
    # Refused for another reason: that one is over.
    faults.ended(ACME, "+1", Refusal(code=21211, reason="no"), True, faults.began())
    assert world.stops.reasons() == []


async def test_a_sender_at_fault_is_out_of_routes_until_it_is_to_be_tried_again() -> None:
    world = World()
    await world.take()
    faults = world.faults
    for sender, code in (("+1", 21606), ("+2", 30007), ("+3", 20003)):
        faults.ended(ACME, sender, Refusal(code=code, reason="no"), True, faults.began())
    assert world.stops.out("acme") == {"+1"}
    assert world.stops.out("zeta") == frozenset()
    await asyncio.sleep(0.12)
    assert world.stops.out("acme") == frozenset()


async def test_a_sender_that_twilio_took_a_message_from_is_known() -> None:
    world = World()
    await world.take()
    faults = world.faults
    faults.ended(ACME, "+1", created(), False, faults.began())
    assert faults.ended(ACME, "+1", Refusal(code=63007, reason="no"), False, faults.began()) == "sender"


@pytest.mark.parametrize(("code", "at"), [(21609, "house"), (20003, "account"), (63007, "sender")])
async def test_what_one_host_refuses_stops_nothing_at_another_whose_yes_ends_it_not(code: int, at: str) -> None:
    world = World()
    await world.take()
    faults, refusal, elsewhere = world.faults, Refusal(code=code, reason="no"), AccountAt("acme", "bells")
    assert faults.ended(ACME, "+1", refusal, True, faults.began()) == at
    assert faults.verdict(ACME, "+1")
    assert (faults.stopped(elsewhere, "+1"), faults.verdict(elsewhere, "+1")) == (False, None)
    assert faults.may_call("row", elsewhere, "+1")
    await asyncio.sleep(0.12)
    faults.begin("row", elsewhere, "+1")
    assert not faults.stopped(ACME, "+1"), "no try at another host is the one that is waited for here"
    faults.ended(elsewhere, "+1", created(), True, faults.began())
    [reason] = world.stops.reasons()
    assert f"at api: Twilio refuses with {code}" in reason
    # Other credentials are tried at once, wherever the old ones were refused.
    faults.renewed(["acme"])
    assert bool(world.stops.reasons()) == (at != "account")
    faults.ended(ACME, "+1", created(), True, faults.began())
    assert world.stops.reasons() == []


async def test_a_lane_at_another_host_goes_on_while_an_account_is_refused_at_one() -> None:
    hosts = {"message": "api", "ring": "bells"}
    world = World(host=hosts.__getitem__)
    refusal = Refusal(code=20003, reason="Authenticate")
    world.faults.ended(ACME, "+14155550100", refusal, False, world.faults.began() + 60)
    ring = replace(pending("r"), kind="ring")
    rows = await world.take(pending("m"), ring)
    await world.attempted("r")
    await eventually(lambda: steps(rows.told) == ["deferred"], 20, "the other is told why it waits")
