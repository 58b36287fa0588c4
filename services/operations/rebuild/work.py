"""One run of `switchboard rebuild`: partition by partition, with one scratch folder for all of them."""

import tempfile
from contextlib import ExitStack, closing
from pathlib import Path
from typing import NamedTuple

from aiokafka import TopicPartition

from services.contract.codec import NewerFormat
from services.operations.log import Offsets, check, heed_stop, readable
from services.operations.progress import Progress
from services.operations.rebuild.compare import Comparison, Found
from services.operations.rebuild.errors import RebuildError
from services.operations.rebuild.live import Live
from services.operations.rebuild.log import Log, reading
from services.operations.rebuild.plan import Plan
from services.operations.rebuild.publish import publish
from services.operations.rebuild.scratch import Scratch, make_memory
from services.operations.rebuild.shadow import Shadow, partitions_of
from services.operations.rebuild.snapshot import Snapshot, save
from services.operations.topic_admin import connect
from services.runtime.folding.ledger import Ledger, fence_of
from services.runtime.sections.kafka import KafkaSettings


class Wish(NamedTuple):
    """What a run is asked for."""

    apply: bool = False
    snapshot: Path | None = None
    save: Path | None = None
    scratch: Path | None = None


class _Partition(NamedTuple):
    """One partition of the table. `cut`: retention took a part of its log, and no snapshot replaces it."""

    number: int
    shadow: Shadow
    live: Live
    cut: bool


class Work:
    """A run, and how far it came."""

    def __init__(self, kafka: KafkaSettings, plan: Plan, wish: Wish) -> None:
        self._kafka = kafka
        self._plan = plan
        self._wish = wish
        self._memory = make_memory()
        self._shadows: list[Shadow] = []
        self.found: list[Found] = []
        self.records = 0
        self.published = 0
        self.saved: int | None = None
        # Does the log not give the whole: did retention cut it, and no snapshot replaces what is gone?
        self.cut = False

    @property
    def differs(self) -> bool:
        """Is there a difference left?"""
        return self.published < sum(len(one.differing) for one in self.found)

    @property
    def undecided(self) -> bool:
        """Are there rows of which it cannot be told?"""
        return any(one.undecided for one in self.found)

    async def run(self, progress: Progress) -> None:
        """Compare, publish if asked to, save if asked to. Raises RebuildError, LogError, TopicsError."""
        await check(self._kafka, [*(topic.name for topic in self._plan.shadow.sources), self._plan.changelog])
        try:
            with readable(self._kafka):
                await self._all(progress)
        except NewerFormat as error:
            raise RebuildError(str(error)) from error
        heed_stop()

    async def _all(self, progress: Progress) -> None:
        snapshot = self._snapshot()
        with ExitStack() as stack:
            folder = Path(stack.enter_context(self._folder()))
            async with connect(self._kafka) as admin, reading(self._kafka, admin) as log:
                await self._stopped(log)
                stores = [
                    stack.enter_context(closing(Scratch(folder / f"shadow-{one}", self._memory)))
                    for one in range(self._kafka.partitions)
                ]
                for partition, saved in snapshot.rows() if snapshot else ():
                    stores[partition].apply(saved)
                if snapshot is None:
                    # What cannot be told at all is refused before anything is published.
                    self._is_cut(await log.begins(self._sources()))
                for partition, rows_of in enumerate(stores):
                    # Of each anew: retention goes on meanwhile.
                    begins = await log.begins(partitions_of(self._plan, partition))
                    cut = snapshot is None and self._is_cut(begins)
                    self.cut |= cut
                    shadow = self._shadow(begins, partition, rows_of, snapshot)
                    with closing(Scratch(folder / f"live-{partition}", self._memory)) as rows:
                        one = _Partition(partition, shadow, Live(self._plan, partition, rows), cut)
                        await self._partition(log, one, progress)
            if self._wish.save is not None:
                self.saved = save(self._wish.save, self._plan, self._shadows)

    def _snapshot(self) -> Snapshot | None:
        file = self._wish.snapshot
        if file is not None and not self._plan.alone:
            raise RebuildError(
                f"{self._plan.table.name} follows from other tables too, so it begins at no snapshot; give none"
            )
        return None if file is None else Snapshot(file, self._plan, self._kafka.partitions)

    def _folder(self) -> "tempfile.TemporaryDirectory[str]":
        try:
            return tempfile.TemporaryDirectory(prefix="switchboard-rebuild-", dir=self._wish.scratch)
        except OSError as error:
            raise RebuildError(
                f"no scratch folder can be made in {self._wish.scratch} ({error.strerror}); name another with --scratch"
            ) from error

    async def _stopped(self, log: Log) -> None:
        if self._wish.apply and (members := await log.members(self._plan.app)):
            raise RebuildError(
                f"{members} of the group {self._plan.app} are running, and would go on from the rows that they have; "
                f"stop every `switchboard {self._plan.service}`, run this with --apply, and start them again"
            )

    def _sources(self) -> list[TopicPartition]:
        return [one for number in range(self._kafka.partitions) for one in partitions_of(self._plan, number)]

    def _is_cut(self, begins: Offsets) -> bool:
        cut = sorted({one.topic for one, offset in begins.items() if offset and self._needs(one)})
        if cut and not self._plan.repeatable:
            raise RebuildError(
                f"{', '.join(cut)} has been cut by retention, and what was counted from the rest cannot be told; give "
                "a --snapshot that was saved before"
            )
        return bool(cut) or not self._plan.alone

    def _shadow(self, begins: Offsets, partition: int, rows: Scratch, snapshot: Snapshot | None) -> Shadow:
        if snapshot is None:
            shadow = Shadow(self._plan, partition, rows, begins)
        else:
            at = {one: snapshot.at(partition)[one.topic] for one in begins}
            if gone := sorted(one.topic for one, offset in begins.items() if offset > at[one] and self._needs(one)):
                raise RebuildError(
                    f"the snapshot is too old: retention has cut {', '.join(gone)} since; give a later one, or none"
                )
            shadow = Shadow(self._plan, partition, rows, {one: max(begins[one], offset) for one, offset in at.items()})
        self._shadows.append(shadow)
        return shadow

    def _needs(self, partition: TopicPartition) -> bool:
        return self._plan.whole is None or partition.topic == self._plan.whole.name

    async def _partition(self, log: Log, one: _Partition, progress: Progress) -> None:
        partition, shadow, live, cut = one
        name = f"partition {partition}"
        ledger = Ledger(self._kafka, fence_of(self._plan.app, self._plan.live, partition))
        try:
            if self._wish.apply:
                # From here on no worker of before writes, and one that starts now shuts us out.
                await ledger.open()
                await self._stopped(log)
            if cut:
                # What is gone cannot be folded again; whether the rows hold what is left can be told.
                await live.refresh(log, lambda done, total: progress(f"{name}, live", done, total))
                # Retention went on meanwhile: for what it took since the rows stand, as for what it took before.
                shadow.begin_with(live, await log.begins(partitions_of(self._plan, partition)))
            comparison = Comparison(self._plan, partition, log, shadow, live)
            found = await comparison.run(cut, lambda what, done, total: progress(f"{name}, {what}", done, total))
            if shadow.unread:
                # Their rows would seem to be nobody's, and --apply would end a suppression.
                raise RebuildError(
                    f"{len(shadow.unread)} records of ours cannot be read by this version, the first at "
                    f"{shadow.unread[0]}: what the rows should be cannot be told; use the version that wrote them"
                )
            self.found.append(found)
            self.records += shadow.records
            if self._wish.apply:
                await publish(self._plan, partition, ledger, comparison, self._note)
        finally:
            await ledger.close()

    def _note(self, rows: int) -> None:
        self.published += rows
