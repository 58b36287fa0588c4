"""What the gate sees of a hold that is released while it reads: never the release without what was retried."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, cast

from services.domain.consent import holds
from services.domain.consent.standing import Standing
from services.runtime.folding.flush import Changed
from services.runtime.folding.partition import Partition
from services.sender.held import HELD
from services.sender.judging import Judging
from services.sender.tables import SUPPRESSION
from tests.sender.histories import accepted, at
from tests.sender.products import PRODUCTS

KEY = f"acme|{'1' * 32}"
HOLD = "twilio.inbound.v1/3@17"


def row(*facts: holds.Fact) -> Standing:
    held: holds.Holds = {}
    for fact in facts:
        held = holds.join(held, fact)
    return Standing(tenant="acme", contact=KEY, holds=held)


PLACED = holds.place(HOLD, KEY, at(0), "switchboard-sender")
RELEASED = holds.release(HOLD, KEY, at(1), "retried")


class Log:
    """A partition's row and the ends of its topics: each time they are asked, more has been folded."""

    def __init__(self, *rows: Standing | None) -> None:
        self.rows = list(rows)
        self.asked = 0
        self._deciding = False

    def read(self, key: str, table: str) -> Standing | None:
        assert (key, table) == (KEY, SUPPRESSION)
        return self.rows[min(self.asked, len(self.rows) - 1)]

    @contextmanager
    def deciding(self) -> Iterator[None]:
        self._deciding = True
        yield
        self._deciding = False

    async def passed(self, _: Partition) -> dict[str, int]:
        assert self._deciding, "a row's flush waits for what the gate says of it"
        self.asked += 1
        return {"asked": self.asked}


class Nobody:
    async def read(self) -> None:
        """Of our senders and what is registered nothing is known."""


async def asked(*rows: Standing | None) -> int:
    """How often the ends are asked before a verdict, and that it rests on the last answer."""
    log = Log(*rows)
    judging = cast(Any, Judging.__new__(Judging))
    judging._products, judging._barrier = PRODUCTS, log
    judging._directories = judging._registries = Nobody()
    judging.look = lambda _partition, _command, offsets: offsets
    assert await judging.judge(log, accepted(contact=KEY)) == {"asked": log.asked}
    return log.asked


async def test_where_nothing_is_released_meanwhile_the_ends_are_asked_once() -> None:
    assert await asked(None) == await asked(row(PLACED)) == await asked(row(PLACED, RELEASED)) == 1
    # A hold that comes in between is seen as it stands.
    assert await asked(None, row(PLACED)) == 1


async def test_after_a_release_in_between_they_are_asked_once_more() -> None:
    assert await asked(row(PLACED), row(PLACED, RELEASED)) == 2
    # Placed and released while the log was read.
    assert await asked(None, row(PLACED, RELEASED)) == 2


def test_what_waits_for_a_hold_is_looked_at_when_the_last_is_released() -> None:
    other = holds.place("twilio.inbound.v1/3@18", KEY, at(0), "switchboard-sender")
    both, one, none = row(PLACED, other), row(PLACED, RELEASED, other), row(PLACED, RELEASED)

    def touched(was: Standing | None, now: Standing) -> list[str]:
        return list(HELD.touched(Changed({SUPPRESSION: {KEY: now}}, {SUPPRESSION: {KEY: was}})))

    assert touched(None, both) == touched(both, one) == touched(None, none) == []
    assert touched(row(PLACED), none) == [f"hold {KEY}"]

    def stands(state: Standing | None) -> bool:
        return HELD.stands(cast(Partition, Log(state)), f"hold {KEY}")

    assert [stands(state) for state in (both, one, none, None)] == [True, True, False, False]
