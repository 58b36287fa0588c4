"""A fetch waits long where nobody waits for it, and shortly where something may."""

from types import SimpleNamespace
from typing import Any

import pytest
from aiokafka import TopicPartition

from services.runtime.patience import wait_by

READ, PAUSED, GONE = (TopicPartition("t", number) for number in range(3))


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
    asked: list[int] = []

    def actions(_assignment: Any) -> None:
        asked.append(fetcher._fetch_max_wait_ms)

    fetcher = SimpleNamespace(_records=dict.fromkeys(unconsumed), _get_actions_per_node=actions)
    assignment = SimpleNamespace(
        tps={READ, PAUSED}, state_value=lambda tp: SimpleNamespace(paused={READ: False, PAUSED: True}[tp])
    )
    wait_by(fetcher, 700, lambda: hurried)
    fetcher._get_actions_per_node(assignment)
    assert asked == [waits_ms]
