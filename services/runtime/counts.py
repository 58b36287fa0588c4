"""A counter that the event loop's thread alone adds to: without the lock that prometheus_client takes each time, which
is most of what counting costs where it is done several times for each command."""

from collections import Counter
from collections.abc import Iterator, Sequence

from prometheus_client import CollectorRegistry, Metric
from prometheus_client.core import CounterMetricFamily
from prometheus_client.registry import Collector


class Counts(Collector):
    """By its labels, in the order in which they are named. Who asks from another thread may see one a moment late."""

    def __init__(self, name: str, text: str, labels: Sequence[str], registry: CollectorRegistry) -> None:
        self._name = name
        self._text = text
        self._labels = labels
        self._counts: Counter[tuple[str, ...]] = Counter()
        registry.register(self)

    def add(self, *of: str) -> None:
        """Count one."""
        self._counts[of] += 1

    def of(self, *of: str) -> int:
        """How many there were."""
        return self._counts[of]

    def collect(self) -> Iterator[Metric]:
        family = CounterMetricFamily(self._name, self._text, labels=self._labels)
        for of, count in list(self._counts.items()):
            family.add_metric(of, count)
        yield family
