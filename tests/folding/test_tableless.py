"""An app of which no fold has a table: nothing to restore, and everything to fold."""

import asyncio
from pathlib import Path

from services.runtime.folding.app import fold_app
from services.runtime.folding.fold import Fold, Step
from services.runtime.folding.lifetime import run_app
from services.runtime.sections.kafka import KafkaSettings
from services.runtime.sections.worker import WorkerSettings
from tests.folding import tally
from tests.folding.rig import Rig
from tests.waiting import eventually


async def test_folds_without_tables_fold(rig: Rig, tmp_path: Path) -> None:
    tally.register(rig.derived)
    fold = Fold(tally.contract(rig.source)._replace(name="plain", keeps=()), (Step(tally.fold),))
    settings = KafkaSettings(bootstrap=rig.bootstrap, partitions=rig.partitions, replication=1, min_insync_replicas=1)
    app = fold_app(rig.app, [fold], settings, WorkerSettings(data_dir=tmp_path / "data"))
    stop = asyncio.Event()
    running = asyncio.create_task(run_app(app, stop))
    await rig.tell(rig.facts(9))

    async def all_counted() -> bool:
        assert not running.done() or running.result()
        return len(await rig.counted()) == 9

    await eventually(all_counted, 40, "every event")
    stop.set()
    await asyncio.wait_for(running, 40)
