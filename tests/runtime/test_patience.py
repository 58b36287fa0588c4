"""A fetch waits long where nobody waits for it, and shortly where something may; and two begin apart."""

from collections.abc import Collection
from types import SimpleNamespace
from typing import Any

import pytest
from aiokafka import TopicPartition

from services.runtime.patience import look, wait_by

READ, PAUSED, UNPLACED, GONE = (TopicPartition("t", number) for number in range(4))
STATES = {
    READ: SimpleNamespace(paused=False, has_valid_position=True),
    PAUSED: SimpleNamespace(paused=True, has_valid_position=True),
    # Where it stands is asked for, also while it is paused.
    UNPLACED: SimpleNamespace(paused=True, has_valid_position=False),
}
ASSIGNMENT = SimpleNamespace(tps=set(STATES), state_value=STATES.__getitem__)


class Fetcher:
    """What `wait_by` reads and replaces of aiokafka's."""

    def __init__(self, unconsumed: Collection[TopicPartition] = ()) -> None:
        self._records = dict.fromkeys(unconsumed)
        self._fetch_max_wait_ms = 0
        self._fetcher_timeout = 0.2
        self._wait_consume_future: Any = None
        # How long each fetch waits, and what is looked at for it.
        self.asked: list[tuple[int, set[TopicPartition]]] = []
        self.notified: list[Any] = []
        # None is under way.
        self.is_free = True

    def _get_actions_per_node(self, assignment: Any) -> Any:
        for tp in assignment.tps:
            assert assignment.state_value(tp) is STATES[tp]
        self.asked.append((self._fetch_max_wait_ms, set(assignment.tps)))
        return ["a fetch"] if self.is_free else [], {}, 0.5, False, []

    def _notify(self, future: Any) -> None:
        self.notified.append(future)


@pytest.mark.parametrize(
    ("unconsumed", "hurried", "waits_ms"),
    [
        ([], False, 700),
        ([], True, 100),
        # It is left out, and what comes of it next is fetched after this one.
        ([READ], False, 100),
        ([READ, PAUSED], False, 100),
        # Nobody reads them.
        ([PAUSED, GONE], False, 700),
    ],
)
def test_how_long_it_waits(unconsumed: list[TopicPartition], hurried: bool, waits_ms: int) -> None:
    fetcher = Fetcher(unconsumed)
    wait_by(fetcher, 700, lambda: hurried)
    assert fetcher._fetcher_timeout == 0.7
    fetcher._get_actions_per_node(ASSIGNMENT)
    # What is paused is not looked at.
    assert fetcher.asked == [(waits_ms, {READ, UNPLACED})]


def test_two_begin_apart_unless_in_haste() -> None:
    fetcher, begun, haste = Fetcher(), list[bool](), list[bool]()
    wait_by(fetcher, 700, lambda: bool(haste), lambda: 60.0, lambda: begun.append(True))
    assert fetcher._get_actions_per_node(ASSIGNMENT)[0]
    for _ in range(2):
        fetches, resets, wait_s, invalid, resumed = fetcher._get_actions_per_node(ASSIGNMENT)
        assert (fetches, resets, invalid, resumed) == ([], {}, False, [])
        assert 30 < wait_s <= 60
    assert (len(begun), len(fetcher.asked)) == (1, 1)
    haste.append(True)
    assert fetcher._get_actions_per_node(ASSIGNMENT)[0]
    assert (len(begun), len(fetcher.asked)) == (2, 2)


def test_what_begins_no_fetch_holds_up_none() -> None:
    fetcher, begun = Fetcher(), list[bool]()
    fetcher.is_free = False
    wait_by(fetcher, 700, lambda: False, lambda: 3600.0, lambda: begun.append(True))
    assert not fetcher._get_actions_per_node(ASSIGNMENT)[0]
    assert not begun
    fetcher.is_free = True
    assert fetcher._get_actions_per_node(ASSIGNMENT)[0]
    assert begun


def test_how_far_apart_is_asked_each_time() -> None:
    fetcher, apart_s = Fetcher(), [3600.0]
    wait_by(fetcher, 700, lambda: False, lambda: apart_s[0])
    fetcher._get_actions_per_node(ASSIGNMENT)
    assert not fetcher._get_actions_per_node(ASSIGNMENT)[0]
    apart_s[0] = 0.0
    assert fetcher._get_actions_per_node(ASSIGNMENT)[0]


def test_a_look_wakes_whoever_waits() -> None:
    fetcher = Fetcher()
    # Before it was ever started there is nobody.
    look(fetcher)
    assert not fetcher.notified
    fetcher._wait_consume_future = "who waits"
    look(fetcher)
    assert fetcher.notified == ["who waits"]
