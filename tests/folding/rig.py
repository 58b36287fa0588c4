"""The topics and workers of one test, and what is checked when all is folded."""

import asyncio
import shutil
import signal
import uuid
from collections import Counter, defaultdict
from collections.abc import AsyncIterator, Iterable, Mapping, Sequence, Set
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
from aiokafka import AIOKafkaConsumer, AIOKafkaProducer, ConsumerRecord, TopicPartition
from aiokafka.admin import AIOKafkaAdminClient
from aiokafka.errors import GroupCoordinatorNotAvailableError

from services.contract import codec
from services.contract.fold import changelog
from services.embedded import ports
from services.runtime.folding.ledger import Ledger
from services.runtime.sections.kafka import KafkaSettings
from tests.folding import tally
from tests.folding.process import Worker
from tests.folding.tally import Counted, Fact, Tally
from tests.folding.worker import Spec
from tests.kafka_records import create_topics
from tests.members import Members
from tests.waiting import eventually


class Rig:
    """One fold app's topics, its workers, and the facts it was given."""

    def __init__(self, bootstrap: str, home: Path, partitions: int = 4) -> None:
        unique = uuid.uuid4().hex[:10]
        self.bootstrap = bootstrap
        self.home = home
        self.partitions = partitions
        self.app = f"folding-{unique}"
        self.source = f"facts-{unique}.v1"
        self.derived = f"counted-{unique}.v1"
        self.changelog = changelog(self.app, tally.FOLD)
        self.dead = tally.source(self.source).dead
        self.workers: list[Worker] = []
        self._members = Members(bootstrap, self.app)
        self._facts = 0

    async def create(self, changelog_config: Mapping[str, str] | None = None) -> None:
        await create_topics(self.bootstrap, [self.source, self.derived, self.dead], self.partitions)
        compacted = {"cleanup.policy": "compact", **(changelog_config or {})}
        await create_topics(self.bootstrap, [self.changelog], self.partitions, compacted)

    def start(self, name: str = "one", failpoint: str | None = None, **more: Any) -> Worker:
        """Start a worker; its store lies under its name and is kept."""
        spec = Spec(
            bootstrap=self.bootstrap,
            app=self.app,
            source=self.source,
            derived=self.derived,
            data_dir=str(self.home / name / "data"),
            port=more.pop("port", None) or ports.pick(),
            partitions=self.partitions,
            **more,
        )
        if spec.instance_id is None:
            self._members.free()
        worker = Worker(spec, self.home / name, failpoint)
        self.workers.append(worker)
        self._members.joins(worker.process)
        return worker

    def wipe(self, name: str = "one") -> None:
        shutil.rmtree(self.home / name / "data")

    def facts(self, count: int, keys: int = 20) -> list[Fact]:
        """New facts, some of them told twice."""
        first = self._facts
        self._facts += count
        return [
            Fact(f"fact-{number - 1 if number % 10 == 9 else number}", f"key-{(number - (number % 10 == 9)) % keys}")
            for number in range(first, first + count)
        ]

    async def tell(self, facts: Iterable[Fact], **producer: Any) -> None:
        """Produce facts and await the acks."""
        async with AIOKafkaProducer(bootstrap_servers=self.bootstrap, acks="all", **producer) as writer:
            acks = [await writer.send(self.source, codec.encode(fact), key=fact.key.encode()) for fact in facts]
            await asyncio.gather(*acks)

    async def tell_in_transactions(self, facts: Sequence[Fact], size: int = 3) -> None:
        """Produce facts as a transactional producer would, every second transaction followed by an aborted one."""
        async with AIOKafkaProducer(
            bootstrap_servers=self.bootstrap, transactional_id=f"{self.source}-{uuid.uuid4().hex[:6]}"
        ) as writer:
            for at in range(0, len(facts), size):
                async with writer.transaction():
                    for fact in facts[at : at + size]:
                        await writer.send(self.source, codec.encode(fact), key=fact.key.encode())
                if at % (2 * size) == 0:
                    await writer.begin_transaction()
                    lost = Fact(f"aborted-{at}", facts[at].key)
                    await (await writer.send(self.source, codec.encode(lost), key=lost.key.encode()))
                    await writer.abort_transaction()

    async def read(self, topic: str, isolation: str = "read_committed") -> list[ConsumerRecord]:
        """All that stands on a topic now, partition by partition in order."""
        records: dict[int, list[ConsumerRecord]] = defaultdict(list)
        async with AIOKafkaConsumer(
            bootstrap_servers=self.bootstrap, isolation_level=isolation, auto_offset_reset="earliest"
        ) as reader:
            everywhere = [TopicPartition(topic, number) for number in range(self.partitions)]
            reader.assign(everywhere)
            ends = await reader.end_offsets(everywhere)
            behind = {tp for tp, end in ends.items() if end > 0}
            while behind:
                for tp, batch in (await reader.getmany(*behind, timeout_ms=100)).items():
                    records[tp.partition] += [record for record in batch if record.offset < ends[tp]]
                behind = {tp for tp in behind if await reader.position(tp) < ends[tp]}
        return [record for number in sorted(records) for record in records[number]]

    async def end(self, topic: str) -> int:
        """How many records were ever written to a topic, with those compacted away, and transactions' marks."""
        async with AIOKafkaConsumer(bootstrap_servers=self.bootstrap) as reader:
            everywhere = [TopicPartition(topic, number) for number in range(self.partitions)]
            return sum((await reader.end_offsets(everywhere)).values())

    async def committed(self) -> dict[int, int]:
        """The group's committed offsets by partition of the source."""
        admin = AIOKafkaAdminClient(bootstrap_servers=self.bootstrap)
        await admin.start()
        try:
            offsets = await admin.list_consumer_group_offsets(self.app)
        except GroupCoordinatorNotAvailableError:
            # Nobody has committed anything on this broker yet.
            offsets = {}
        finally:
            await admin.close()
        return {tp.partition: found.offset for tp, found in offsets.items() if tp.topic == self.source}

    async def counted(self) -> list[Counted]:
        return [codec.decode(record.value, Counted) for record in await self.read(self.derived)]

    async def rows(self) -> dict[str, Tally]:
        """The rows as the changelog has them."""
        return {key.decode(): codec.decode(value, Tally) for key, value in (await self.table(self.changelog)).items()}

    async def table(self, changelog: str, isolation: str = "read_committed") -> dict[bytes, bytes]:
        """What a changelog comes to."""
        rows: dict[bytes, bytes] = {}
        for record in await self.read(changelog, isolation):
            if record.value is None:
                rows.pop(record.key, None)
            else:
                rows[record.key] = record.value
        return rows

    async def oracle(self, ignoring: Set[tuple[int, int]] = frozenset()) -> tuple[Mapping[str, Tally], list[Counted]]:
        """What should stand; records `ignoring`, given as (partition, offset), have no part in it."""
        log = await self.read(self.source)
        return tally.expected(record.value for record in log if (record.partition, record.offset) not in ignoring)

    async def where(self, events: Iterable[str]) -> str:
        """Where the facts lie whose events these are, for people who wonder why they are missing."""
        wanted = set(events)
        log = [(record.partition, record.offset, record.value or b"") for record in await self.read(self.source)]
        names = {tally.event_id(Fact(f"fact-{n}", "")): f"fact-{n}" for n in range(self._facts)}
        facts = {b'"%s"' % names[event].encode() for event in wanted if event in names}
        return " ".join(f"{number}@{offset}" for number, offset, value in log if any(fact in value for fact in facts))

    async def folded(
        self, deadline_s: float = 60.0, but: Worker | None = None, ignoring: Set[tuple[int, int]] = frozenset()
    ) -> None:
        """Wait until every fact on the log has its event and every row stands; then both must equal the oracle's.

        Every event stands exactly once among the committed ones. No worker may fail meanwhile `but` this one.
        """
        rows, events = await self.oracle(ignoring)
        wanted = {event.event_id for event in events}

        async def all_there() -> bool:
            for worker in self.workers:
                if worker is not but and worker.process.poll() not in (None, 0, -signal.SIGKILL):
                    pytest.fail(f"a worker ended\n{worker.log[-3000:]}")
            missing = wanted - {event.event_id for event in await self.counted()}
            assert not missing, f"{len(missing)} of {len(wanted)} missing: {await self.where(missing)}"
            return True

        await eventually(all_there, deadline_s, "every event")
        counted = await self.counted()
        twice = {event: times for event, times in Counter(e.event_id for e in counted).items() if times > 1}
        assert not twice
        wrong = {event.event_id for event in set(counted) ^ set(events)}
        assert not wrong, f"{len(wrong)} folded from a wrong state: {await self.where(wrong)}"

        # A transaction's end is marked partition by partition: for a moment its events show and its rows do not.
        async def same() -> bool:
            found = await self.rows()
            wrong = {key: (rows.get(key), found.get(key)) for key in {*rows, *found} if rows.get(key) != found.get(key)}
            assert not wrong, f"expected and found: {wrong}"
            return True

        await eventually(same, what="the oracle's rows")

    async def take_fence(self, number: int) -> Ledger:
        """Be the next owner of a partition's ledger: what the former one left open is aborted."""
        ledger = Ledger(self.settings(), f"{self.app}-{tally.FOLD}-{number}")
        await ledger.open()
        return ledger

    async def abort_open_transactions(self) -> None:
        """What takes over a dead worker's partitions does this first."""
        for number in range(self.partitions):
            await (await self.take_fence(number)).close()

    def settings(self) -> KafkaSettings:
        return KafkaSettings(bootstrap=self.bootstrap, partitions=self.partitions, replication=1, min_insync_replicas=1)

    @staticmethod
    async def stop(*workers: Worker) -> list[Mapping[str, list[Any]]]:
        """End all at once, so that none is given what another had and shows nothing meanwhile; their rows."""
        for worker in workers:
            worker.signal(signal.SIGTERM)
        return [await worker.shown() for worker in workers]

    async def same_rows(self, shown: Iterable[Mapping[str, list[Any]]]) -> None:
        """What the workers showed at their end equals the oracle's rows: the local stores are right too."""
        rows, _ = await self.oracle()
        together = {key: row for rows_of_one in shown for key, row in rows_of_one.items()}
        assert together == {key: [row.number, row.chain] for key, row in rows.items()}


@asynccontextmanager
async def rig_with(
    bootstrap: str, home: Path, partitions: int = 4, changelog_config: Mapping[str, str] | None = None
) -> AsyncIterator[Rig]:
    """A rig whose topics exist; ends its workers."""
    rig = Rig(bootstrap, home, partitions)
    await rig.create(changelog_config)
    try:
        yield rig
    finally:
        for worker in rig.workers:
            worker.discard()
