"""A histogram that takes many values at once counts as prometheus_client's own does, one by one."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from prometheus_client import CollectorRegistry, Histogram

from services.runtime.delays import Delays

BOUNDS = (0.1, 1, 60)
# The bounds themselves among them: a value on a bound is below it.
SECONDS = st.one_of(st.sampled_from([0.0, 0.1, 1.0, 60.0]), st.floats(0, 1e5))


def shown(registry: CollectorRegistry) -> dict[tuple[str, str | None], float]:
    return {
        (sample.name, sample.labels.get("le")): sample.value
        for family in registry.collect()
        for sample in family.samples
        if not sample.name.endswith("_created")
    }


@given(st.lists(st.lists(SECONDS, max_size=8), min_size=1, max_size=8))
def test_it_counts_as_a_histogram_does(flushes: list[list[float]]) -> None:
    ours, theirs = CollectorRegistry(), CollectorRegistry()
    delays = Delays("x_seconds", "text", BOUNDS, ours)
    histogram = Histogram("x_seconds", "text", ["fold"], buckets=BOUNDS, registry=theirs)
    # Both show that there was nothing yet.
    delays.begin("one")
    histogram.labels("one")
    assert shown(ours) == shown(theirs) != {}
    for seconds in flushes:
        delays.observe("one", seconds)
        for each in seconds:
            histogram.labels("one").observe(each)
    # The order of adding rounds a sum otherwise.
    assert shown(ours) == pytest.approx(shown(theirs), rel=1e-9, abs=0)
