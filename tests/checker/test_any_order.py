"""The verdict hangs on the order within a partition, and on no other."""

import functools
import random
from collections import defaultdict

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from services.checker.check import check
from services.checker.finding import Finding
from services.checker.history import Entry, History
from tests.checker.good import Spoilt, good
from tests.checker.planted import FAULTS


def interleaved(history: History, dice: random.Random) -> History:
    """The same records, the partitions read in another order."""
    queues: defaultdict[tuple[str, int], list[Entry]] = defaultdict(list)
    for entry in reversed(history.entries):
        queues[entry.topic, entry.partition].append(entry)
    waiting = [key for key, queue in queues.items() for _ in queue]
    dice.shuffle(waiting)
    return History([queues[key].pop() for key in waiting], history.witness)


@functools.cache
def found() -> list[Finding]:
    return check(good())


@settings(max_examples=20, deadline=None)
@given(st.integers(min_value=0))
def test_partitions_may_be_read_in_any_order(seed: int) -> None:
    assert check(interleaved(good(), random.Random(seed))) == found()


@pytest.mark.parametrize("fault", ["a step back", "an older row wins", "a step after the end", "one fact, two ids"])
def test_a_fault_is_the_same_fault_in_any_order(fault: str) -> None:
    log = Spoilt()
    FAULTS[fault].plant(log)
    assert check(interleaved(log.history, random.Random(7))) == check(log.history)
