"""A histogram of seconds that takes many values at once: a flush has thousands of them."""

from bisect import bisect_left
from collections.abc import Iterator, Sequence
from itertools import accumulate

from prometheus_client import CollectorRegistry, Metric
from prometheus_client.core import HistogramMetricFamily
from prometheus_client.registry import Collector
from prometheus_client.utils import INF


class Delays(Collector):
    """By one label, or by none: then what is observed is of "". A value counts in the first bucket whose bound it does
    not exceed, as everywhere."""

    def __init__(
        self, name: str, text: str, bounds: Sequence[float], registry: CollectorRegistry, label: str | None = "fold"
    ) -> None:
        self._name = name
        self._text = text
        self._labels = [] if label is None else [label]
        self._bounds = (*bounds, INF)
        self._counts: dict[str, list[int]] = {}
        self._sums: dict[str, float] = {}
        registry.register(self)

    def begin(self, of: str) -> None:
        """Show that there was nothing yet: a rate does not see the first value of what begins with one."""
        self._counts.setdefault(of, [0] * len(self._bounds))
        self._sums.setdefault(of, 0.0)

    def observe(self, of: str, seconds: Sequence[float]) -> None:
        """Count all of these."""
        if not seconds:
            return
        if of not in self._counts:
            self.begin(of)
        counts = self._counts[of]
        least, most = bisect_left(self._bounds, min(seconds)), bisect_left(self._bounds, max(seconds))
        if least == most:
            # As nearly always: what is folded together has waited as long.
            counts[least] += len(seconds)
        else:
            for one in seconds:
                counts[bisect_left(self._bounds, one)] += 1
        self._sums[of] += sum(seconds)

    def collect(self) -> Iterator[Metric]:
        family = HistogramMetricFamily(self._name, self._text, labels=self._labels)
        # As Prometheus' own: alerts name a bucket by this text.
        names = [*(str(float(bound)) for bound in self._bounds[:-1]), "+Inf"]
        for of, counts in self._counts.items():
            shown = [of] if self._labels else []
            family.add_metric(shown, list(zip(names, accumulate(counts), strict=True)), self._sums[of])
        yield family
