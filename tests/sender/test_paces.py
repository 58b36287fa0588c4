"""Rates that are kept: of a sender, of a destination, of an account; over everything that names one."""

import asyncio
import time
from collections import Counter

import pytest

from services.domain.compliance.events import Campaign, ComplianceStated
from services.domain.compliance.registry import Registry
from services.runtime.tenants.sections.routing import RateLimitSettings
from services.sender.messages.rates import limits
from services.sender.paces import Pace, Paces, RateLimit
from tests.sender.histories import accepted
from tests.sender.products import MESSAGES
from tests.sender.world import World, pending
from tests.waiting import eventually

ONE, OTHER = "+14155550100", "+14155550111"


async def took(pace: Pace, units: int) -> float:
    loop = asyncio.get_running_loop()
    began = loop.time()
    for _ in range(units):
        await pace.take()
    return loop.time() - began


async def test_a_second_holds_what_the_rate_says_and_what_was_taken_beyond_is_paid_first() -> None:
    pace = Pace(50.0)
    assert pace.free()
    # A second's worth is there at once, and the rest comes at the rate.
    assert 0.3 < await took(pace, 70) < 5.0
    pace.owe(20)
    assert not pace.free()
    assert 0.35 < await took(pace, 1) < 5.0


async def test_an_even_one_lets_none_go_at_once() -> None:
    pace = Pace(50.0, even=True)
    assert pace.free()
    # Twilio counts a second: its first is as full as any other.
    assert 0.35 < await took(pace, 20) < 5.0
    assert not pace.free()


async def test_senders_of_one_account_keep_its_rate_together_and_take_turns() -> None:
    senders = [f"+1415555011{number}" for number in range(3)]
    world = World(concurrency=50, limits=lambda _: [RateLimit("account", 20.0, even=True)])
    loop = asyncio.get_running_loop()
    began = loop.time()
    await world.take(*(pending(f"{one}#{number}", from_=one) for one in senders for number in range(5)))
    await eventually(lambda: len(world.order) >= 9)
    assert loop.time() - began >= 8 / 20
    shares = Counter(name.partition("#")[0] for name in world.order[:9])
    assert min(shares[one] for one in senders) >= 2, shares


async def test_one_that_is_named_twice_is_one_and_one_that_changes_gives_nothing_for_free() -> None:
    paces = Paces()
    [first], [second] = paces.of([RateLimit("a", 10.0)]), paces.of([RateLimit("a", 10.0)])
    assert first is second
    await took(first, 10)
    first.owe(3)
    [changed] = paces.of([RateLimit("a", 50.0)])
    assert changed is first
    assert not changed.free(), "its last second was used up under the other rate"
    assert 0.07 < await took(changed, 1) < 5.0, "what was owed is owed still"
    [idle] = paces.of([RateLimit("b", 2.0)])
    paces.of([RateLimit("b", 5.0)])
    assert 0.15 < await took(idle, 3) < 5.0, "two were left, and no five"


async def test_what_was_for_nothing_is_given_back_and_never_more_than_there_was() -> None:
    [pace] = Paces().of([RateLimit("a", 0.001)])
    await pace.take()
    pace.owe(4)
    pace.give_back(5)
    assert pace.free()
    pace.give_back(5)
    await pace.take()
    assert not pace.free(), "two would go at once"
    waiting = asyncio.create_task(pace.take())
    await asyncio.sleep(0)
    pace.give_back(1)
    async with asyncio.timeout(5):
        await waiting
    assert not pace.free()


async def test_who_waits_waits_by_the_rate_as_it_is_now_and_in_the_order_of_asking() -> None:
    paces, went = Paces(), list[str]()
    [pace] = paces.of([RateLimit("a", 0.001)])
    await pace.take()

    async def go(name: str) -> None:
        await pace.take()
        went.append(name)

    first, gone, last = (asyncio.create_task(go(name)) for name in ("first", "gone", "last"))
    await asyncio.sleep(0)
    gone.cancel()
    paces.of([RateLimit("a", 20.0)])
    # A unit is there, and nobody has been told yet.
    time.sleep(0.08)  # noqa: ASYNC251
    assert not pace.free(), "who comes now comes after those that wait"
    async with asyncio.timeout(5):
        await first
        await last
    assert went == ["first", "last"]


async def test_paces_that_rest_are_forgotten() -> None:
    paces = Paces()
    [busy] = paces.of([RateLimit("busy", 1.0)])
    await busy.take()
    for number in range(1000):
        paces.of([RateLimit(number, 10.0)])
    assert paces.of([RateLimit("busy", 1.0)]) == [busy]
    assert len(paces._paces) < 200


async def test_who_kept_a_pace_that_was_forgotten_is_told_to_ask_again() -> None:
    paces = Paces()
    [kept], version = paces.of([RateLimit("shared", 10.0)]), paces.version
    for number in range(1000):
        paces.of([RateLimit(number, 10.0)])
    assert paces.of([RateLimit("shared", 10.0)]) != [kept], "another one, which others share"
    assert paces.version != version


async def test_a_partition_less_is_a_smaller_share_for_a_lane_that_has_gone_before() -> None:
    world = World(concurrency=50, limits=lambda lane: [RateLimit(lane.sender, 0.5)])
    rows = await world.take(pending("a0", sequence=0))
    others = [await world.take() for _ in range(39)]
    await eventually(lambda: len(world.attempts) == 1)
    for one in others:
        await world.scheduler.leaving(one.partition)
    await world.put(rows, *(pending(f"a{number}", sequence=number) for number in range(1, 3)))
    await asyncio.sleep(0.3)
    assert len(world.attempts) <= 2, "at the rate of forty partitions all have gone"


@pytest.mark.parametrize(
    ("sender", "towards", "wanted"),
    [
        (ONE, "", {f"sender {ONE}": 7.0}),
        ("+18005550100", "", {"sender +18005550100": 3.0}),
        ("whatsapp:+14155550100", "", {"sender whatsapp:+14155550100": 80.0}),
        ("72345", "", {"sender 72345": 250.0}),
        ("MG" + "1" * 32, "", {"sender MG" + "1" * 32: 7.0}),
        ("MG" + "2" * 32, "+91", {"sender MG" + "2" * 32: 40.0, "towards +91": 5.0}),
        # Its rate was taken out of the settings since the command was accepted.
        (ONE, "+92", {f"sender {ONE}": 7.0}),
    ],
)
def test_a_sender_has_its_own_rate_or_that_of_its_kind_and_a_destination_one_beside_it(
    sender: str, towards: str, wanted: dict[str, float]
) -> None:
    stated = RateLimitSettings(each=7, senders={"MG" + "2" * 32: 40, "72345": 250}, destinations={"+91": 5})
    assert {str(one.of): one.a_second for one in limits(stated, sender, towards)} == wanted


def test_a_long_code_that_no_setting_names_keeps_its_campaigns_rate_with_the_others_of_it() -> None:
    service, two = "MG" + "3" * 32, "+14155550101"
    campaign = Campaign(sid="QE1", service=service, status="VERIFIED", usecase="LOW_VOLUME")
    known = ComplianceStated(
        event_id="e", tenant="acme", account="AC", at="", campaigns=[campaign], numbers=[ONE], services={service: [ONE]}
    )
    stated, registry = RateLimitSettings(senders={two: 5}), Registry([known])
    told = [limits(stated, sender, "", registry)[0] for sender in (ONE, service)]
    assert told == [RateLimit("campaign QE1", 3.75)] * 2
    assert limits(stated, two, "", registry) == [RateLimit(f"sender {two}", 5)]
    by_kind = RateLimitSettings(kinds={"long_code": 2})
    assert limits(by_kind, ONE, "", registry) == [RateLimit(f"sender {ONE}", 2, usual=True)]


def test_an_sms_counts_its_segments() -> None:
    assert MESSAGES.units(accepted(segments=4)) == 4
    assert MESSAGES.units(accepted(segments=None)) == 1


async def attempts(world: World, number: int) -> float:
    started = asyncio.get_running_loop().time()
    await eventually(lambda: len(world.attempts) >= number)
    return asyncio.get_running_loop().time() - started


async def test_a_destination_is_slow_for_all_senders_and_delays_nothing_else() -> None:
    world = World(concurrency=50, limits=lambda lane: by_destination(lane.towards))
    slow = [
        pending(f"{name}{number}", from_=sender, towards="+91", sequence=number)
        for number in range(3)
        for name, sender in (("a", ONE), ("b", OTHER))
    ]
    await world.take(*slow, pending("c", from_=ONE, sequence=9))
    # Two at once, for a second's worth is free; then one after half a second.
    await eventually(lambda: len(world.attempts) == 3)
    assert "c" in world.attempts
    assert await attempts(world, 4) > 0.3


def by_destination(towards: str) -> list[RateLimit]:
    return [RateLimit("sender", 1000.0), *([RateLimit(towards, 2.0)] if towards else [])]


@pytest.mark.parametrize("now", [[RateLimit("sender", 200.0)], [RateLimit("another", 0.5)]])
async def test_lanes_that_wait_under_a_rate_that_was_a_mistake_go_by_the_one_that_is_set_then(
    now: list[RateLimit],
) -> None:
    """Also where what they waited for is no rate of theirs any more, such as a destination's."""
    kept = [RateLimit("sender", 0.001)]
    world = World(concurrency=50, limits=lambda _: kept)
    await world.take(*(pending(f"a{number}", sequence=number) for number in range(3)))
    await eventually(lambda: len(world.attempts) == 1)
    kept[:] = now
    world.scheduler.rates_changed()
    await eventually(lambda: len(world.attempts) > 1, 5)


async def test_a_partition_more_is_a_greater_share_for_those_too_that_wait_already() -> None:
    world = World(concurrency=50, limits=lambda lane: [RateLimit(lane.sender, 0.5)])
    began = asyncio.get_running_loop().time()
    await world.take(*(pending(f"a{number}", sequence=number) for number in range(2)))
    await eventually(lambda: len(world.attempts) == 1)
    for _ in range(19):
        await world.take()
    await eventually(lambda: len(world.attempts) == 2, 5)
    assert asyncio.get_running_loop().time() - began < 1.5, "two seconds, by the share of one partition"


async def test_many_segments_hold_up_what_comes_after_them() -> None:
    world = World(concurrency=50, limits=lambda lane: [RateLimit(lane.sender, 10.0)], units=MESSAGES.units)
    await world.take(*(pending(f"a{number}", sequence=number, segments=10) for number in range(3)))
    # Twenty segments and one more, of which ten are free.
    await eventually(lambda: len(world.attempts) == 2)
    assert await attempts(world, 3) > 0.5


async def test_where_two_senders_share_a_destination_none_starves() -> None:
    world = World(concurrency=100, limits=lambda lane: [RateLimit(lane.sender, 1000.0), RateLimit("+91", 40.0)])
    many = [pending(f"{one}#{number}", from_=one, towards="+91") for one in (ONE, OTHER) for number in range(60)]
    await world.take(*many)
    await eventually(lambda: len(world.attempts) >= 80)
    # A second's worth is free, for whoever is the first.
    shares = Counter(name.partition("#")[0] for name in world.order[40:80])
    assert len(shares) == 2
    assert min(shares.values()) > 10, shares
