"""A counter without a lock shows what prometheus_client's own does."""

from hypothesis import given
from hypothesis import strategies as st
from prometheus_client import CollectorRegistry, Counter, generate_latest

from services.runtime.counts import Counts

_LABELS = st.tuples(st.sampled_from(["sent", "failed"]), st.sampled_from(["", "media"]))


@given(st.lists(_LABELS, max_size=20))
def test_it_counts_as_a_counter_does(counted: list[tuple[str, str]]) -> None:
    ours, theirs = CollectorRegistry(), CollectorRegistry()
    counts = Counts("x_total", "Text.", ["step", "why"], ours)
    counter = Counter("x_total", "Text.", ["step", "why"], registry=theirs)
    for one in counted:
        counts.add(*one)
        counter.labels(*one).inc()
    lines = [line for line in generate_latest(theirs).splitlines() if b"_created" not in line]
    assert generate_latest(ours).splitlines() == lines
    for one in set(counted):
        assert counts.of(*one) == counted.count(one)
