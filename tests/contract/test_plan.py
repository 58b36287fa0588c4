"""What is to be done at the broker, given what is there."""

import pytest

from services.contract.plan import Action, Actual, Shape, Wanted, plan, refusals, wanted
from services.contract.topic import own_topic
from services.contract.topics import CHANGELOGS, DEAD, EVENTS, PUBLIC

DAY_MS = 86_400_000
TOPIC = Wanted("t", 8, 3, {"cleanup.policy": "delete", "retention.ms": str(30 * DAY_MS), "min.insync.replicas": "2"})
TABLE = Wanted("c", 8, 3, {"cleanup.policy": "compact", "delete.retention.ms": str(7 * DAY_MS)})


def actual(topic: Wanted = TOPIC, partitions: int = 8, replication: int = 3, **keys: str) -> Actual:
    """As wanted, but for what is named; `_` stands for a dot."""
    changed = {key.replace("_", "."): value for key, value in keys.items()}
    return Actual(partitions, replication, {**topic.config, "segment.bytes": "1073741824", **changed})


def action(found: Actual | None, topic: Wanted = TOPIC, shorten: bool = False) -> Action:
    [one] = plan([topic], {topic.name: found} if found else {}, shorten)
    return one


def test_all_topics_of_the_product_are_wanted_once_and_alike() -> None:
    topics = wanted(Shape(partitions=8, replication=3, min_insync_replicas=2))
    names = [topic.name for topic in topics]
    assert sorted(names) == sorted([*(topic.name for topic in (*EVENTS, *DEAD)), *CHANGELOGS])
    assert {(topic.partitions, topic.replication) for topic in topics} == {(8, 3)}
    assert {topic.config["min.insync.replicas"] for topic in topics} == {"2"}


def test_changelogs_are_compacted_and_keep_tombstones_for_a_week() -> None:
    configs = {topic.name: topic.config for topic in wanted(Shape(8, 3, 2))}
    for name in CHANGELOGS:
        assert configs[name]["cleanup.policy"] == "compact"
        assert configs[name]["delete.retention.ms"] == str(7 * DAY_MS)
        assert "retention.ms" not in configs[name]


@pytest.mark.parametrize(
    ("name", "config"),
    [
        pytest.param("twilio.inbound.v1", {"cleanup.policy": "delete", "retention.ms": str(30 * DAY_MS)}, id="a month"),
        pytest.param("twilio.consent.v1", {"cleanup.policy": "delete", "retention.ms": "-1"}, id="for ever"),
        pytest.param(
            "twilio.suppression.v1",
            {"cleanup.policy": "compact", "delete.retention.ms": str(7 * DAY_MS)},
            id="the last of each key",
        ),
    ],
)
def test_events_are_kept_as_the_registry_says(name: str, config: dict[str, str]) -> None:
    configs = {topic.name: topic.config for topic in wanted(Shape(8, 3, 2))}
    assert configs[name] == config | {"min.insync.replicas": "2"}


@pytest.mark.parametrize(
    ("found", "kind", "why"),
    [
        pytest.param(None, "create", "8 partitions, replication 3", id="missing"),
        pytest.param(actual(), "in step", "", id="as wanted"),
        pytest.param(actual(segment_bytes="1"), "in step", "", id="a key that is not ours"),
        pytest.param(actual(retention_ms=str(7 * DAY_MS)), "differs", "retention.ms: 7 days → 30 days", id="shorter"),
        pytest.param(actual(retention_ms="1500"), "differs", "retention.ms: 1500 ms → 30 days", id="no whole days"),
        pytest.param(
            actual(min_insync_replicas="1"), "differs", "min.insync.replicas: 1 → 2", id="less durable"
        ),
        pytest.param(
            actual(cleanup_policy="compact"), "differs", "cleanup.policy: compact → delete", id="another policy"
        ),
        pytest.param(actual(replication=2), "in step", "replication is 2, the settings say 3", id="less replication"),
        pytest.param(actual(partitions=4), "refused", "never change in place, up or down", id="fewer partitions"),
        pytest.param(actual(partitions=16), "refused", "never change in place, up or down", id="more partitions"),
        pytest.param(
            actual(replication=1, min_insync_replicas="1"), "refused", "would stop every write", id="no way to ack"
        ),
        pytest.param(actual(retention_ms="-1"), "refused", "for ever → 30 days would delete", id="kept for ever"),
        pytest.param(actual(retention_ms=str(2**63 - 1)), "refused", "would delete records", id="kept very long"),
        pytest.param(actual(retention_ms=str(90 * DAY_MS)), "refused", "90 days → 30 days would delete", id="longer"),
    ],
)  # fmt: skip
def test_a_topic_as_it_is_found(found: Actual | None, kind: str, why: str) -> None:
    one = action(found)
    assert one.kind == kind
    assert why in "; ".join(one.why)
    assert bool(refusals([one])) == (kind == "refused")
    assert bool(one.changes) == (kind in ("create", "differs"))


def test_only_what_differs_is_changed() -> None:
    assert action(actual(retention_ms="1000")).changes == {"retention.ms": str(30 * DAY_MS)}


def test_a_refused_topic_is_not_changed_in_any_other_way() -> None:
    assert action(actual(partitions=4, min_insync_replicas="1")).changes == {}


def test_topics_that_are_refused_for_one_reason_are_one_sentence_with_the_remedy() -> None:
    names = [f"t{number}" for number in range(40)]
    found = {name: actual(partitions=4) for name in names} | {"t0": actual(min_insync_replicas="1", replication=1)}
    one, many = refusals(plan([TOPIC._replace(name=name) for name in names], found))
    assert one.startswith("t0: min.insync.replicas 2 with replication 1")
    assert many.startswith("t1, t2, t3 and 36 more: 4 partitions, the settings say 8:")
    assert "set kafka.partitions to 4" in many


def test_a_longer_retention_is_cut_when_asked() -> None:
    one = action(actual(retention_ms="-1"), shorten=True)
    assert (one.kind, one.changes) == ("differs", {"retention.ms": str(30 * DAY_MS)})


def test_the_order_of_a_policy_means_nothing() -> None:
    both = TABLE._replace(config={"cleanup.policy": "compact,delete"})
    found = Actual(8, 3, {"cleanup.policy": "delete,compact"})
    assert action(found, both).kind == "in step"


def test_topics_that_are_not_ours_are_not_mentioned() -> None:
    assert [one.topic.name for one in plan([TOPIC], {"orders": actual()})] == ["t"]


def test_a_tenants_own_topics_are_as_the_shared_ones_and_said_to_need_a_stop() -> None:
    shape = Shape(8, 3, 2)
    by_name = {topic.name: topic for topic in wanted(shape, ["acme"])}
    for shared in PUBLIC:
        own = by_name[own_topic(shared, "acme").name]
        # A command's place in a row, and the time that decides of consent, are the broker's there too.
        assert own == by_name[shared.name]._replace(name=own.name)
        assert own.config["message.timestamp.type"] == "LogAppendTime"
        [made] = plan([own], {})
        assert made.kind == "create"
        assert [line for line in made.why if "stop all senders" in line]
        assert not [line for line in plan([by_name[shared.name]], {})[0].why if "senders" in line]
        # Commands of one person are folded by the partition of their number, whichever topic they came by.
        assert plan([own], {own.name: actual(own, partitions=4)})[0].kind == "refused"
    assert len(by_name) == len(wanted(shape)) + len(PUBLIC)
