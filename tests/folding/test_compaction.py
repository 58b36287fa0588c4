"""A restore after the broker compacted the changelog."""

from pathlib import Path

import pytest

from services.embedded.broker import EmbeddedKafka
from tests.folding.rig import Rig, rig_with
from tests.waiting import eventually

EAGER = {
    "segment.ms": "500",
    "min.cleanable.dirty.ratio": "0.001",
    "min.compaction.lag.ms": "0",
    "max.compaction.lag.ms": "500",
    "delete.retention.ms": "0",
}


@pytest.mark.slow
@pytest.mark.timeout(300)
async def test_a_compacted_changelog_restores_the_same_rows(tmp_path: Path) -> None:
    with EmbeddedKafka.start(properties={"log.cleaner.backoff.ms": "200"}) as broker:
        async with rig_with(broker.bootstrap, tmp_path, partitions=2, changelog_config=EAGER) as rig:
            await rig.tell(rig.facts(300))
            worker = rig.start(max_batch=10)
            await rig.folded()
            await eventually(lambda: is_shorter(rig), 180, "the broker compacted the changelog")
            await rig.folded()
            await worker.stop()
            rig.wipe()

            again = rig.start()
            await again.ready(rig.partitions, deadline_s=60)
            assert sum(again.said("restored")) < await rig.end(rig.changelog) // 2
            await rig.tell(rig.facts(50))
            await rig.folded()
            await rig.same_rows([await again.stop()])


async def is_shorter(rig: Rig) -> bool:
    # Each fact of the same keys rolls the segment, which makes the former one cleanable. What was ever written is told
    # by the offsets: the broker compacts while the facts are still folded.
    await rig.tell(rig.facts(2))
    return len(await rig.read(rig.changelog)) < await rig.end(rig.changelog) // 2
