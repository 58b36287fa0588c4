"""A Faust app that folds: the one place where Faust is configured."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import cache
from pathlib import Path
from typing import Any

import faust
from rocksdict import Rdict
from yarl import URL

from services.runtime.folding.agent import agent_of
from services.runtime.folding.consumer import BatchTransport
from services.runtime.folding.fold import Fold
from services.runtime.folding.memory import Memory
from services.runtime.folding.pulse import Pulse
from services.runtime.folding.recovery import FoldTableManager
from services.runtime.folding.runner import Listener, Runner
from services.runtime.folding.showing import Behind
from services.runtime.folding.store import LogTable
from services.runtime.section import ConfigError
from services.runtime.sections.kafka import KafkaSettings
from services.runtime.sections.worker import WorkerSettings
from services.runtime.tls import ssl_context

# Batches, not messages: enough to keep every fold busy, little enough to bound memory where each holds 10 MB.
_QUEUED_BATCHES = 4


class FoldApp(faust.App):
    """A Faust app with the runner of its folds."""

    runner: Runner
    pulse: Pulse

    # Told of the first reason to crash, in whichever thread it came up.
    crashes: Callable[[BaseException], None] = staticmethod(lambda _: None)

    def behind(self) -> Iterator[Behind]:
        """What is not folded yet; nothing before the app has a consumer."""
        if self._consumer is not None:
            yield from self._consumer.behind()

    def databases(self) -> Iterator[tuple[str, Mapping[int, Rdict]]]:
        """The tables that are open here, by name; of each, its partitions."""
        for stores in self.runner.stores.values():
            for name, store in stores.items():
                yield name, dict(store._dbs)

    def _crash(self, reason: BaseException) -> None:
        # Faust keeps the last one, which is what the first one led to.
        if self.crash_reason is None:
            self.crashes(reason)
        super()._crash(self.crash_reason or reason)


def fold_app(
    app_id: str,
    folds: Sequence[Fold],
    kafka: KafkaSettings,
    worker: WorkerSettings,
    listeners: Mapping[str, Listener] | None = None,
) -> FoldApp:
    """A Faust app with an agent per fold, not started. `listeners`: by fold, who hears of its partitions.

    Raises ValueError where two folds claim one name, topic or table.
    """
    _each_its_own(folds)
    _make(worker.data_dir)
    app = FoldApp(
        app_id,
        broker=f"kafka://{kafka.bootstrap.replace(',', ';kafka://')}",
        broker_credentials=_credentials(kafka),
        broker_session_timeout=worker.session_timeout_s,
        broker_heartbeat_interval=worker.session_timeout_s / 5,
        broker_commit_interval=1.0,
        broker_max_poll_records=worker.max_batch,
        canonical_url=worker.url,
        consumer_group_instance_id=worker.instance_id,
        consumer_auto_offset_reset="earliest",
        datadir=str(worker.data_dir),
        store="rocksdb://",
        stream_buffer_maxsize=_QUEUED_BATCHES,
        table_cleanup_interval=86400.0,
        table_standby_replicas=worker.standby_replicas,
        topic_allow_declare=False,
        topic_disable_leader=True,
        topic_partitions=kafka.partitions,
        topic_replication_factor=kafka.replication,
        web_enabled=False,
        TableManager=FoldTableManager,
    )
    app.transport = BatchTransport([URL(f"kafka://{address}") for address in kafka.bootstrap.split(",")], app)
    app.runner = Runner(app_id, kafka, folds, worker.max_batch, app.crash)
    app.runner.listeners.update(listeners or {})
    app.pulse = Pulse(worker.session_timeout_s)
    memory = _memory(worker.block_cache_bytes, worker.memtable_bytes)
    for fold in folds:
        _add_fold(app, fold, memory, kafka.partitions)
    app.on_rebalance_complete.connect(_start_folding, weak=False)
    return app


@cache
def _memory(block_cache_bytes: int, memtable_bytes: int) -> Memory:
    """What RocksDB may take in this process: all apps of a worker share it."""
    return Memory(block_cache_bytes, memtable_bytes)


def _each_its_own(folds: Sequence[Fold]) -> None:
    """An app has one position in a topic: of two folds that read it each would miss what the other one took."""
    claims = (("name", lambda fold: [fold.name]), ("topic", _topics), ("table", _tables))
    for what, of in claims:
        whose: dict[str, str] = {}
        for fold in folds:
            for claimed in of(fold):
                if claimed in whose:
                    both = f"{whose[claimed]} and {fold.name}"
                    raise ValueError(f"{both}: both claim {what} {claimed}; make one fold of them")
                whose[claimed] = fold.name


def _topics(fold: Fold) -> list[str]:
    return [topic.name for topic in fold.sources]


def _tables(fold: Fold) -> list[str]:
    return [table.name for table in fold.tables]


def _make(data_dir: Path) -> None:
    try:
        data_dir.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise ConfigError(
            f"data_dir: {data_dir} cannot be made ({error.strerror}); name a folder to write to"
        ) from error


def _add_fold(app: FoldApp, fold: Fold, memory: Memory, partitions: int) -> None:
    stores = app.runner.stores.setdefault(fold.name, {})
    for table in fold.tables:
        kept = LogTable(app, name=table.name, partitions=partitions, memory=memory, rows=table)
        app.tables.add(kept)
        stores[table.name] = kept.data

    source = app.topic(*(topic.name for topic in fold.sources), key_serializer="raw", value_serializer="raw")
    app.agent(source, name=fold.name)(agent_of(app.runner))


async def _start_folding(app: FoldApp, **_: Any) -> None:
    await app.runner.start()


def _credentials(kafka: KafkaSettings) -> Any:
    context = ssl_context(kafka)
    if kafka.security_protocol.startswith("SASL") and kafka.sasl_password is not None:
        return faust.SASLCredentials(
            username=kafka.sasl_username,
            password=kafka.sasl_password.get_secret_value(),
            mechanism=kafka.sasl_mechanism,
            ssl_context=context,
        )
    return faust.SSLCredentials(context) if context is not None else None
