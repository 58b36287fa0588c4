"""Who may prepare and who may call: the concurrency, the urgent's share, an account's pauses."""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass, field

from services.domain.outbox.facts import Unknown
from services.sender.account import AccountAt
from services.sender.accounts import BREAKER
from services.sender.outcomes import Outcome, Refusal
from services.sender.slots import Slots
from tests.sender.histories import created
from tests.waiting import eventually

ACME, OTHER, ACME_AT_STUDIO = AccountAt("acme", "api"), AccountAt("other", "api"), AccountAt("acme", "studio")
PAUSES = Refusal(code=None, reason="the account pauses", called=False, reached=False)
LOST = Unknown(reason="no answer")


@dataclass
class Twilio:
    """Calls that end when they are told to."""

    slots: Slots
    calling: dict[str, "asyncio.Future[Outcome | None]"] = field(default_factory=dict)
    order: list[str] = field(default_factory=list)
    tasks: dict[str, "asyncio.Task[Outcome | None]"] = field(default_factory=dict)

    def turn(self, row: str, at: AccountAt = ACME, urgent: bool = False) -> None:
        self.slots.begin(row, at, urgent)
        self.tasks[row] = asyncio.create_task(self._carry(row))

    async def _carry(self, row: str) -> Outcome | None:
        try:
            async with self.slots.call(row) as slot:
                outcome = await self._call(row) if slot.granted else PAUSES
                if outcome is not None:
                    slot.ended(outcome)
            return outcome
        finally:
            self.slots.over(row)

    async def _call(self, row: str) -> Outcome | None:
        self.order.append(row)
        self.calling[row] = asyncio.get_running_loop().create_future()
        return await self.calling[row]

    async def ends(self, row: str, outcome: Outcome | None = None) -> Outcome | None:
        self.calling.pop(row).set_result(outcome or created())
        return await self.tasks[row]

    async def calls(self, *rows: str) -> None:
        await eventually(lambda: sorted(self.calling) == sorted(rows), 20, f"calls of {rows}")


class Clock:
    def __init__(self) -> None:
        self.now = 100.0

    def __call__(self) -> float:
        return self.now


def many(prefix: str, count: int) -> list[str]:
    return [f"{prefix}{number}" for number in range(count)]


async def test_no_more_call_than_configured_and_the_next_goes_when_one_ends() -> None:
    twilio = Twilio(Slots(3))
    for row in many("a", 5):
        twilio.turn(row)
    await twilio.calls("a0", "a1", "a2")
    await twilio.ends("a1")
    await twilio.calls("a0", "a2", "a3")


async def test_some_are_prepared_ahead_but_never_more_than_as_many_again() -> None:
    slots = Slots(10)
    begun = 0
    while slots.room(urgent=False) and slots.may_begin(ACME):
        slots.begin(str(begun), ACME, False)
        begun += 1
    assert 10 < begun <= 20
    slots.over("0")
    assert slots.room(urgent=False)


async def test_the_slower_twilio_is_the_fewer_are_prepared_ahead() -> None:
    clock = Clock()
    slots = Slots(50, clock)
    twilio = Twilio(slots)
    for number in range(60):
        twilio.turn(str(number))
        await twilio.calls(str(number))
        clock.now += 10
        await twilio.ends(str(number))
    rows = []
    while slots.room(urgent=False):
        rows.append(f"row {len(rows)}")
        slots.begin(rows[-1], ACME, False)
    assert len(rows) <= 54


async def test_a_share_is_kept_for_the_urgent_while_such_come() -> None:
    clock = Clock()
    slots = Slots(10, clock)
    twilio = Twilio(slots)
    slots.expect_urgent()
    for row in many("a", 12):
        twilio.turn(row)
    await twilio.calls(*many("a", 9))
    twilio.turn("u", urgent=True)
    await twilio.calls(*many("a", 9), "u")
    twilio.turn("v", urgent=True)
    await twilio.ends("a0")
    await twilio.calls(*many("a", 9)[1:], "u", "v")
    clock.now += 3600
    await twilio.ends("a1")
    await twilio.calls(*many("a", 10)[2:], "u", "v")


async def test_one_accounts_limit_holds_up_no_other_account() -> None:
    twilio = Twilio(Slots(4))
    for row in many("a", 4):
        twilio.turn(row)
    await twilio.calls(*many("a", 4))
    slow = Refusal(code=20429, reason="slow", retryable=True, too_many=True)
    assert await twilio.ends("a0", slow) == slow
    twilio.turn("a4")
    twilio.turn("b0", OTHER)
    await twilio.calls("a1", "a2", "a3", "b0")
    await twilio.ends("a1")
    await twilio.ends("a2")
    await twilio.calls("a3", "a4", "b0")


async def test_retry_after_holds_for_the_whole_account() -> None:
    clock, woken = Clock(), list[AccountAt]()
    slots = Slots(2, clock)
    slots.freed = woken.append
    twilio = Twilio(slots)
    for row in ("a0", "a1", "a2"):
        twilio.turn(row)
    await twilio.calls("a0", "a1")
    await twilio.ends("a0", Refusal(code=20429, reason="slow", retryable=True, retry_after=0.2, too_many=True))
    given_back = await twilio.tasks["a2"]
    assert isinstance(given_back, Refusal)
    assert (given_back.called, given_back.reached, given_back.code) == (False, False, None)
    assert not slots.may_begin(ACME)
    assert slots.may_begin(OTHER)
    clock.now += 0.2
    woken.clear()
    await eventually(lambda: ACME in woken, 20, "the account woken when its pause is over")
    assert slots.may_begin(ACME)


async def test_a_breaker_lets_one_try_and_opens_to_all_when_that_went_well() -> None:
    clock = Clock()
    slots = Slots(8, clock)
    twilio = Twilio(slots)
    state = _gauge(ACME)
    for row in many("a", 6):
        twilio.turn(row)
    await twilio.calls(*many("a", 6))
    for row in many("a", 5):
        assert await twilio.ends(row, LOST) == LOST
    assert state() == 2
    assert not slots.may_begin(ACME)
    clock.now += 5
    assert slots.may_begin(ACME)
    twilio.turn("probe")
    assert not slots.may_begin(ACME)
    await twilio.calls("a5", "probe")
    await twilio.ends("a5")
    assert not slots.may_begin(ACME), "a call from before decided"
    # It was too late to call: nothing was learnt, and another may try.
    twilio.calling.pop("probe").set_result(None)
    assert await twilio.tasks["probe"] is None
    assert slots.may_begin(ACME)
    twilio.turn("second")
    await twilio.calls("second")
    await twilio.ends("second")
    assert slots.may_begin(ACME)
    assert state() == 0


async def test_a_host_that_is_down_or_asks_for_less_stops_nothing_of_the_tenant_at_another() -> None:
    clock = Clock()
    twilio = Twilio(Slots(8, clock))
    for row in many("a", 5):
        twilio.turn(row)
    twilio.turn("e0", ACME_AT_STUDIO)
    await twilio.calls(*many("a", 5), "e0")
    for row in many("a", 5):
        await twilio.ends(row, LOST)
    assert not twilio.slots.may_begin(ACME)
    assert twilio.slots.may_begin(ACME_AT_STUDIO)
    assert (_gauge(ACME)(), _gauge(ACME_AT_STUDIO)()) == (2, 0)
    # What is prepared goes too, and what is asked there holds there alone.
    twilio.turn("e1", ACME_AT_STUDIO)
    await twilio.calls("e0", "e1")
    await twilio.ends("e0", Refusal(code=20429, reason="slow", retryable=True, retry_after=60.0, too_many=True))
    clock.now += 5
    assert twilio.slots.may_begin(ACME)
    assert not twilio.slots.may_begin(ACME_AT_STUDIO)
    await twilio.ends("e1")


async def test_a_turn_that_is_cancelled_leaves_no_trace() -> None:
    twilio = Twilio(Slots(1))
    for row in ("a", "b", "c"):
        twilio.turn(row)
    await twilio.calls("a")
    for row in ("b", "a"):
        twilio.tasks[row].cancel()
        await asyncio.wait([twilio.tasks[row]])
    del twilio.calling["a"]
    await twilio.calls("c")
    await twilio.ends("c")
    assert twilio.order == ["a", "c"]
    rows = 0
    while twilio.slots.room(urgent=True) and rows < 10:
        twilio.slots.begin(f"row {rows}", ACME, False)
        rows += 1
    assert rows == 2


async def test_turns_that_are_all_cancelled_at_once_take_no_slot_along() -> None:
    twilio = Twilio(Slots(2))
    for row in ("a", "b", "c", "d"):
        twilio.turn(row)
    await twilio.calls("a", "b")
    tasks = list(twilio.tasks.values())
    # As a partition leaves: those that call and those that wait, in one turn of the loop.
    for task in tasks:
        task.cancel()
    await asyncio.wait(tasks)
    twilio.calling.clear()
    twilio.turn("e")
    twilio.turn("f")
    await twilio.calls("e", "f")
    assert twilio.order[-2:] == ["e", "f"]


async def test_what_we_say_of_a_command_ourselves_says_nothing_of_twilio() -> None:
    """Not that it is down, nor that it answers; and whoever waits for it does so alone."""
    clock = Clock()
    twilio = Twilio(Slots(8, clock))
    own = Refusal(code=None, reason="not yet", retryable=True, look_again_s=30.0, ours=True)
    for row in many("a", 6):
        twilio.turn(row)
        await twilio.calls(row)
        await twilio.ends(row, own)
    assert (twilio.slots.may_begin(ACME), _gauge(ACME)()) == (True, 0)
    for row in many("b", 5):
        twilio.turn(row)
        await twilio.calls(row)
        await twilio.ends(row, LOST)
    clock.now += 5
    twilio.turn("probe")
    await twilio.calls("probe")
    await twilio.ends("probe", own)
    twilio.turn("second")
    assert not twilio.slots.may_begin(ACME), "one at a time: nobody was asked"
    await twilio.calls("second")
    await twilio.ends("second")


def _gauge(at: AccountAt) -> Callable[[], float]:
    get: Callable[[], float] = BREAKER.labels(*at)._value.get
    return get


async def test_urgent_calls_take_four_of_five_while_others_are_prepared() -> None:
    twilio = Twilio(Slots(4))
    twilio.slots.expect_urgent()
    for row in [*many("u", 20), *many("a", 2)]:
        twilio.turn(row, urgent=row[0] == "u")
    while len(twilio.order) < 16:
        await eventually(lambda: len(twilio.calling) == 4, 20, "the slots are full")
        await twilio.ends(next(iter(twilio.calling)))
    usual = [place for place, row in enumerate(twilio.order) if row[0] == "a"]
    assert [row for row in twilio.order if row[0] == "a"] == ["a0", "a1"]
    assert usual[0] <= 8, "four that were there before it, and four of its five"
    assert usual[1] - usual[0] == 5
