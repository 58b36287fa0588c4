"""What is looked up only when `/metrics` is asked: how far the folds are behind, and how large their tables are.

So it costs the folds nothing.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import NamedTuple

from prometheus_client import Metric
from prometheus_client.core import GaugeMetricFamily
from prometheus_client.registry import Collector
from rocksdict import Rdict

from services.runtime.metrics import FOLDING

_ROWS = "rocksdb.estimate-num-keys"
_BYTES = ("rocksdb.total-sst-files-size", "rocksdb.cur-size-all-mem-tables")


class Behind(NamedTuple):
    """What of one partition of a topic is not folded yet, as far as this worker has heard: records, and for how many
    seconds the first of them has been on the log."""

    fold: str
    topic: str
    records: int
    seconds: float


class Showing(Collector):
    """Of the app that this process runs, once there is one. `tables`: by name, its databases by partition."""

    behind: Callable[[], Iterable[Behind]] = staticmethod(lambda: ())
    tables: Callable[[], Iterable[tuple[str, Mapping[int, Rdict]]]] = staticmethod(lambda: ())

    def collect(self) -> Iterator[Metric]:
        yield from self._lag()
        yield from self._sizes()

    def _lag(self) -> Iterator[Metric]:
        records = GaugeMetricFamily(
            "switchboard_consumer_lag_records",
            "Records on the log and not folded yet, of the partitions that this worker owns",
            labels=["fold", "topic"],
        )
        seconds = GaugeMetricFamily(
            "switchboard_consumer_lag_seconds",
            "For how long the first record that waits has been on the log; the longest of the partitions owned",
            labels=["fold", "topic"],
        )
        waiting: dict[tuple[str, str], tuple[int, float]] = {}
        for one in self.behind():
            count, longest = waiting.get((one.fold, one.topic), (0, 0.0))
            waiting[one.fold, one.topic] = count + one.records, max(longest, one.seconds)
        for labels, (count, longest) in waiting.items():
            records.add_metric(labels, count)
            seconds.add_metric(labels, longest)
        yield records
        yield seconds

    def _sizes(self) -> Iterator[Metric]:
        rows = GaugeMetricFamily(
            "switchboard_table_rows",
            "Rows of a table on this worker, those of its indexes and standbys too, as RocksDB estimates them",
            labels=["table"],
        )
        size = GaugeMetricFamily(
            "switchboard_table_bytes", "The same in bytes, on disk and not written there yet", labels=["table"]
        )
        for name, databases in self.tables():
            rows.add_metric([name], sum(_asked(one, (_ROWS,)) for one in databases.values()))
            size.add_metric([name], sum(_asked(one, _BYTES) for one in databases.values()))
        yield rows
        yield size


def _asked(database: Rdict, properties: Iterable[str]) -> int:
    return sum(database.property_int_value(name) or 0 for name in properties)


SHOWING = Showing()
FOLDING.register(SHOWING)
