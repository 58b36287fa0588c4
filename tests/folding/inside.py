"""A worker inside the test's own loop, so that a test can look at its partitions."""

import asyncio
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from pathlib import Path

from aiokafka import AIOKafkaConsumer, TopicPartition

from services.embedded import ports
from services.runtime.folding.app import FoldApp, fold_app
from services.runtime.folding.fold import Fold
from services.runtime.folding.health import reasons
from services.runtime.folding.lifetime import run_app
from services.runtime.folding.partition import Partition
from services.runtime.folding.runner import Listener
from services.runtime.sections.worker import WorkerSettings
from tests.folding.rig import Rig
from tests.waiting import eventually


class Inside:
    """One worker of a rig, folding one fold."""

    def __init__(self, app: FoldApp, fold: Fold) -> None:
        self.app = app
        self.fold = fold

    def partitions(self) -> dict[int, Partition]:
        """Those that it owns when it is ready, else none."""
        if reasons(self.app):
            return {}
        return {one.partition: one for one in self.app.runner.partitions(self.fold.name)}

    async def ready(self, count: int, deadline_s: float = 30.0) -> dict[int, Partition]:
        """Wait until it is ready with that many partitions."""
        await eventually(lambda: len(self.partitions()) == count, deadline_s, f"ready with {count} partitions")
        return self.partitions()

    def upto(self, topic: str) -> dict[int, int]:
        return {number: one.progress.upto[topic] for number, one in self.partitions().items()}

    async def at(self, topic: str, ends: Mapping[int, int], deadline_s: float = 20.0) -> None:
        """Wait until the partitions it owns are reported as folded exactly up to these ends."""

        def there() -> bool:
            found = self.upto(topic)
            wanted = {number: end for number, end in ends.items() if number in found}
            assert found == wanted, f"reported {found}, wanted {wanted}"
            return bool(found)

        await eventually(there, deadline_s, "reported up to the end")


@asynccontextmanager
async def inside(
    rig: Rig,
    folder: Path,
    fold: Fold,
    listener: Listener | None = None,
    max_batch: int = 50,
) -> AsyncIterator[Inside]:
    """Run a worker while the block runs. Whatever crashes it comes out."""
    settings = WorkerSettings(port=ports.pick(), data_dir=folder, session_timeout_s=6.0, max_batch=max_batch)
    app = fold_app(rig.app, [fold], rig.settings(), settings, {fold.name: listener} if listener else None)
    stop = asyncio.Event()
    running = asyncio.create_task(run_app(app, stop))
    try:
        yield Inside(app, fold)
    finally:
        stop.set()
        await asyncio.wait_for(running, 30)


async def ends(rig: Rig, topic: str) -> dict[int, int]:
    """The broker's end offsets by partition, also past what is not committed."""
    async with AIOKafkaConsumer(bootstrap_servers=rig.bootstrap) as reader:
        found = await reader.end_offsets([TopicPartition(topic, number) for number in range(rig.partitions)])
    return {tp.partition: end for tp, end in found.items()}
