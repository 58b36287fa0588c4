"""What a worker tells of its lag, its delays and its tables: see `world` for what stands in."""

from types import SimpleNamespace
from typing import cast

from faust.types import TP

from services.runtime import metrics
from services.runtime.folding.consumer import ConsumerThread
from services.runtime.folding.showing import Behind, Showing
from tests.folding.world import SOURCE, World, fact, record
from tests.waiting import eventually

FOLD_DELAY = "switchboard_fold_delay_seconds_count"


def counted(name: str, fold: str) -> float:
    return metrics.FOLDING.get_sample_value(name, {"fold": fold}) or 0.0


def test_a_consumer_that_has_not_subscribed_yet_tells_of_no_end() -> None:
    """Prometheus asks when it likes: while a worker starts as well."""
    starting = SimpleNamespace(_subscription=SimpleNamespace(subscription=None))
    thread = cast(ConsumerThread, SimpleNamespace(_ensure_consumer=lambda: starting))
    assert ConsumerThread.ends_now(thread, [TP(SOURCE, 0)]) == {}


async def test_nothing_is_told_of_a_topic_that_was_not_read_yet(world: World) -> None:
    assert world.partition.behind(SOURCE, 1000) is None


async def test_what_was_folded_before_this_worker_came_is_no_lag(world: World) -> None:
    world.partition.progress.begin(SOURCE, 990)
    found = world.partition.behind(SOURCE, 1000)
    assert found is not None
    assert (found.records, found.seconds) == (10, 0.0)


async def test_a_flush_that_does_not_end_is_a_lag_that_grows(world: World) -> None:
    """A worker that is stuck folds nothing, and so tells no delay of it: its lag must."""
    world.gate.clear()
    world.partition.progress.begin(SOURCE, 0)
    await world.partition.queue.put(SOURCE, [record(0, fact(1)), record(1, fact(2))])
    world.run()
    await eventually(lambda: "fold" in world.names())
    found = world.partition.behind(SOURCE, 2)
    assert found is not None
    assert found.records == 2
    assert found.seconds > 0
    # What is folded meanwhile hides nothing.
    await world.partition.queue.put(SOURCE, [record(2, fact(3))])
    await eventually(lambda: world.partition.progress.upto == {SOURCE: 3})
    found = world.partition.behind(SOURCE, 3)
    assert found is not None
    assert found.records == 3
    world.gate.set()
    await world.flushed(2)
    assert world.partition.behind(SOURCE, 3) == Behind(found.fold, SOURCE, 0, 0.0)


async def test_each_record_counts_and_nothing_else_does(world: World) -> None:
    """A flush of many is as many records; one that only wakes a timer, or passes a mark of Kafka's, is none."""
    fold = world.partition.fold.name
    before = [counted(name, fold) for name in (FOLD_DELAY, "switchboard_folded_total")]
    await world.partition.queue.put(SOURCE, [record(offset, fact(offset)) for offset in range(3)])
    await world.partition.accept(SOURCE, [], 4)
    world.run()
    await world.flushed()
    await world.partition.accept(SOURCE, [], 9)
    await world.flushed(2)
    after = [counted(name, fold) for name in (FOLD_DELAY, "switchboard_folded_total")]
    assert [now - then for now, then in zip(after, before, strict=True)] == [3, 3]


def test_lags_of_partitions_are_added_and_the_longest_wait_counts() -> None:
    showing = Showing()
    showing.behind = lambda: [Behind("f", "t", 3, 1.5), Behind("f", "t", 4, 9.0), Behind("f", "u", 0, 0.0)]
    told = {
        (family.name, sample.labels["topic"]): sample.value
        for family in showing.collect()
        for sample in family.samples
        if "topic" in sample.labels
    }
    assert told == {
        ("switchboard_consumer_lag_records", "t"): 7,
        ("switchboard_consumer_lag_seconds", "t"): 9.0,
        ("switchboard_consumer_lag_records", "u"): 0,
        ("switchboard_consumer_lag_seconds", "u"): 0.0,
    }
