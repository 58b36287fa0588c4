"""The restore, where the next rebalance begins while it is under way."""

from collections import Counter

import pytest
from faust.tables.recovery import RebalanceAgain
from faust.types import TP

from services.runtime.folding.recovery import PositionRecovery


async def test_a_partition_that_a_rebalance_names_meanwhile_begins_the_restore_anew() -> None:
    """Found by the fault bench: a worker that restored while another was killed ended by a defect."""
    known, named = TP("changelog", 0), TP("changelog", 1)
    recovery = PositionRecovery.__new__(PositionRecovery)
    sought: list[dict[TP, int]] = []

    class Consumer:
        async def seek_wait(self, offsets: dict[TP, int]) -> None:
            sought.append(offsets)

    offsets: Counter[TP] = Counter({known: 7})
    offsets.setdefault(named, None)
    with pytest.raises(RebalanceAgain):
        await recovery._seek_offsets(Consumer(), {known, named}, offsets, "standby")
    assert sought == []
    await recovery._seek_offsets(Consumer(), {known}, offsets, "standby")
    assert sought == [{known: 7}]
