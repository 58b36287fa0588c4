"""The broker dies and comes back under load: a worker goes on, or ends and is started again; nothing is lost."""

import asyncio
from pathlib import Path

import pytest

from services.embedded.broker import EmbeddedKafka
from tests.folding.rig import rig_with
from tests.waiting import eventually


@pytest.mark.slow
async def test_nothing_is_lost_when_the_broker_is_killed_under_load(broker: EmbeddedKafka, tmp_path: Path) -> None:
    async with rig_with(broker.bootstrap, tmp_path) as rig:
        await rig.tell(rig.facts(1000))
        worker = rig.start(fold_s=0.005, max_batch=10)
        await eventually(lambda: len(worker.said("flushed")) > 5, 60, "some flushes")
        await asyncio.to_thread(broker.kill)
        await asyncio.to_thread(broker.restart)
        await rig.tell(rig.facts(100))

        async def ended_or_done() -> bool:
            return worker.process.poll() is not None or len(await rig.counted()) == len((await rig.oracle())[1])

        await eventually(ended_or_done, 100, "the worker folded all, or gave up")
        if worker.process.poll() is None:
            await worker.stop()
        else:
            assert worker.process.returncode not in (0, -9)
        again = rig.start()
        await again.ready(rig.partitions, deadline_s=60)
        await rig.folded(but=worker)
        await rig.same_rows([await again.stop()])
