"""`switchboard topics plan|apply` on a real broker."""

import asyncio
from collections.abc import AsyncIterator

import pytest
from aiokafka.admin import AIOKafkaAdminClient, NewPartitions, NewTopic
from aiokafka.errors import GroupCoordinatorNotAvailableError, KafkaError, TopicAuthorizationFailedError
from click.testing import Result
from typer.testing import CliRunner

from services.cli.main import app
from services.contract.plan import Action
from services.contract.topics import CHANGELOGS, DEAD, EVENTS
from services.operations import topics
from services.operations.topic_admin import TopicAdmin, TopicsError, connect
from services.runtime.config import Settings
from services.runtime.sections.kafka import KafkaSettings
from tests.environment import SharedBroker
from tests.waiting import eventually

ALL = {topic.name for topic in (*EVENTS, *DEAD)} | set(CHANGELOGS)
STATUS = "twilio.status.v1"
CHANGELOG = CHANGELOGS[0]
DAY_MS = 86_400_000
PARTITIONS = 2


@pytest.fixture(scope="module")
def module_begun(shared: SharedBroker) -> None:
    """What other rooms have left is gone."""
    shared.emptied()


@pytest.fixture
def empty(shared: SharedBroker, module_begun: None) -> None:
    """A broker without topics. Who needs them as they are to be has them from `ensure`, whatever was there before."""
    shared.emptied()


@pytest.fixture
async def admin(shared: SharedBroker, module_begun: None) -> AsyncIterator[AIOKafkaAdminClient]:
    client = AIOKafkaAdminClient(bootstrap_servers=shared.bootstrap)
    await client.start()
    yield client
    await client.close()


@pytest.fixture
def settings(shared: SharedBroker) -> Settings:
    kafka = KafkaSettings(bootstrap=shared.bootstrap, partitions=PARTITIONS, replication=1, min_insync_replicas=1)
    return Settings(kafka=kafka)


def with_kafka(settings: Settings, **changed: int | str) -> Settings:
    return Settings(kafka=settings.kafka.model_copy(update=changed))


async def shapes(settings: Settings) -> dict[str, Action]:
    return {action.topic.name: action for action in await topics.planned(settings)}


async def set_keys(client: AIOKafkaAdminClient, topic: str, **keys: object) -> None:
    """Set keys of a topic as an operator would; `_` stands for a dot."""
    config = {key.replace("_", "."): str(value) for key, value in keys.items()}
    await TopicAdmin(client).alter({topic: config})


async def keys_of(client: AIOKafkaAdminClient, topic: str) -> dict[str, str]:
    return dict((await TopicAdmin(client).actual([topic]))[topic].config)


async def differing(settings: Settings, topic: str) -> Action:
    """The plan for a topic, once the broker shows what was done to it."""

    async def seen() -> Action | None:
        action = (await shapes(settings))[topic]
        return None if action.kind == "in step" else action

    return await eventually(seen, what=f"{topic} differs")


async def gone(client: AIOKafkaAdminClient, *names: str) -> None:
    """Delete topics, and return once the broker shows it."""
    await client.delete_topics(list(names))

    async def unseen() -> bool:
        return not set(names) & set(await client.list_topics())

    await eventually(unseen, what="topics are deleted")


@pytest.mark.usefixtures("empty")
async def test_a_fresh_apply_creates_all_and_a_second_nothing(settings: Settings) -> None:
    [absent] = await topics.obstacles(settings, ALL)
    assert all(name in absent for name in ALL)
    assert "switchboard topics apply" in absent
    assert {action.kind for action in (await shapes(settings)).values()} == {"create"}

    done = await topics.ensure(settings)

    assert len(done) == len(ALL)
    assert all(line.startswith("created ") for line in done)
    assert await topics.obstacles(settings, ALL) == []
    assert {action.kind for action in (await shapes(settings)).values()} == {"in step"}
    assert await topics.ensure(settings) == []


async def test_topics_are_made_as_the_registry_says(admin: AIOKafkaAdminClient, settings: Settings) -> None:
    await topics.ensure(settings)
    found = await TopicAdmin(admin).actual(ALL)
    assert {(one.partitions, one.replication) for one in found.values()} == {(PARTITIONS, 1)}
    status, changelog = found[STATUS].config, found[CHANGELOG].config
    assert (status["cleanup.policy"], status["retention.ms"]) == ("delete", str(30 * DAY_MS))
    assert (changelog["cleanup.policy"], changelog["delete.retention.ms"]) == ("compact", str(7 * DAY_MS))
    assert status["min.insync.replicas"] == "1"


async def test_drift_is_explained_and_mended_and_other_keys_stay(
    admin: AIOKafkaAdminClient, settings: Settings
) -> None:
    await topics.ensure(settings)
    await set_keys(admin, STATUS, retention_ms=2 * DAY_MS, segment_bytes=1 << 24, compression_type="zstd")
    await set_keys(admin, CHANGELOG, cleanup_policy="compact,delete", max_message_bytes=2 << 20)

    status, changelog = await differing(settings, STATUS), await differing(settings, CHANGELOG)
    assert status.why == ("retention.ms: 2 days → 30 days",)
    assert changelog.why == ("cleanup.policy: compact,delete → compact",)
    done = await topics.ensure(settings)

    assert {line.split(":")[0] for line in done} == {f"changed {STATUS}", f"changed {CHANGELOG}"}
    mended = await keys_of(admin, STATUS)
    assert mended["retention.ms"] == str(30 * DAY_MS)
    assert (mended["segment.bytes"], mended["compression.type"]) == (str(1 << 24), "zstd")
    assert (await keys_of(admin, CHANGELOG))["max.message.bytes"] == str(2 << 20)


async def test_a_longer_retention_is_cut_only_when_asked(admin: AIOKafkaAdminClient, settings: Settings) -> None:
    await topics.ensure(settings)
    await set_keys(admin, STATUS, retention_ms=-1)

    refused = await differing(settings, STATUS)
    assert refused.kind == "refused"
    assert "for ever → 30 days" in refused.why[0]
    with pytest.raises(TopicsError, match="would delete records"):
        await topics.ensure(settings)

    assert await topics.ensure(settings, shorten=True) != []
    assert (await keys_of(admin, STATUS))["retention.ms"] == str(30 * DAY_MS)


@pytest.mark.parametrize("partitions", [PARTITIONS - 1, PARTITIONS + 1])
async def test_a_partition_count_never_changes(admin: AIOKafkaAdminClient, settings: Settings, partitions: int) -> None:
    await topics.ensure(settings)
    await gone(admin, STATUS)
    other = with_kafka(settings, partitions=partitions)

    with pytest.raises(TopicsError, match="partition counts never change in place, up or down"):
        await topics.ensure(other)

    # Not even what could be done was: a topic with another count would part what belongs together.
    counts, absent = await topics.obstacles(other, ALL)
    assert f"and {len(ALL) - 4} more: {PARTITIONS} partitions, kafka.partitions says {partitions};" in counts
    assert counts.endswith(f"correct the setting to {PARTITIONS}")
    assert STATUS in absent
    found = await TopicAdmin(admin).actual(ALL)
    assert {one.partitions for one in found.values()} == {PARTITIONS}


async def test_a_topic_that_somebody_grew_is_refused(admin: AIOKafkaAdminClient, settings: Settings) -> None:
    await topics.ensure(settings)
    await admin.create_partitions({CHANGELOG: NewPartitions(5)})
    refused = await differing(settings, CHANGELOG)
    assert refused.kind == "refused"
    assert refused.why[0].startswith(f"5 partitions, the settings say {PARTITIONS}")
    await gone(admin, CHANGELOG)


async def test_unknown_topics_are_left_alone(admin: AIOKafkaAdminClient, settings: Settings) -> None:
    strangers = ["orders", "twilio.unknown.v1", "switchboard-processor-retired-changelog"]
    await admin.create_topics([NewTopic(name, 1, 1, topic_configs={"retention.ms": "1000"}) for name in strangers])
    await topics.ensure(settings)
    found = await TopicAdmin(admin).actual(strangers)
    left = {name: (one.partitions, one.config["retention.ms"]) for name, one in found.items()}
    assert left == dict.fromkeys(strangers, (1, "1000"))


@pytest.mark.usefixtures("empty")
async def test_two_who_apply_at_once_are_both_content(settings: Settings) -> None:
    await asyncio.gather(topics.ensure(settings), topics.ensure(settings))
    assert await topics.obstacles(settings, ALL) == []


@pytest.mark.usefixtures("module_begun")
async def test_min_insync_replicas_that_would_stop_all_writes_is_refused(settings: Settings) -> None:
    await topics.ensure(settings)
    other = with_kafka(settings, replication=3, min_insync_replicas=2)
    with pytest.raises(TopicsError, match="would stop every write"):
        await topics.ensure(other)
    kept = with_kafka(settings, replication=3)
    assert "replication is 1, the settings say 3" in (await shapes(kept))[STATUS].why[0]
    assert await topics.ensure(kept) == []


@pytest.mark.usefixtures("empty")
async def test_too_few_brokers_is_said(settings: Settings) -> None:
    with pytest.raises(TopicsError, match=r"cannot be created: .*lower kafka\.replication or add brokers"):
        await topics.ensure(with_kafka(settings, replication=3))


@pytest.mark.usefixtures("module_begun")
@pytest.mark.parametrize(
    ("error", "remedy"),
    [
        (GroupCoordinatorNotAvailableError, "run it again"),
        (TopicAuthorizationFailedError, r"what kafka\.sasl_username may do"),
    ],
)
async def test_what_passes_by_itself_is_no_question_of_rights(
    settings: Settings, error: type[KafkaError], remedy: str
) -> None:
    """A new cluster has no coordinator until somebody has asked for one."""
    with pytest.raises(TopicsError, match=remedy):
        async with connect(settings.kafka):
            raise error


class TestCommands:
    """Exit codes and words, as a person or a script sees them."""

    @pytest.fixture(autouse=True)
    def environment(self, monkeypatch: pytest.MonkeyPatch, settings: Settings) -> None:
        monkeypatch.delenv("SWITCHBOARD_CONFIG", raising=False)
        monkeypatch.setenv("COLUMNS", "200")
        for key in ("bootstrap", "partitions", "replication", "min_insync_replicas"):
            monkeypatch.setenv(f"SWITCHBOARD_KAFKA__{key.upper()}", str(getattr(settings.kafka, key)))

    async def run(self, *arguments: str) -> Result:
        return await asyncio.to_thread(CliRunner().invoke, app, ["topics", *arguments])

    @pytest.mark.usefixtures("empty")
    async def test_plan_then_apply_then_plan(self) -> None:
        planned = await self.run("plan")
        assert (planned.exit_code, planned.output.count(f"{PARTITIONS} partitions, replication 1")) == (1, len(ALL))
        applied = await self.run("apply")
        assert (applied.exit_code, applied.output.count("created ")) == (0, len(ALL))
        assert (await self.run("plan")).exit_code == 0
        assert (await self.run("apply")).output == "all topics are in step\n"

    @pytest.mark.usefixtures("module_begun")
    async def test_a_refusal_is_code_2(self, monkeypatch: pytest.MonkeyPatch) -> None:
        await self.run("apply")
        monkeypatch.setenv("SWITCHBOARD_KAFKA__PARTITIONS", str(PARTITIONS + 1))
        for command in ("plan", "apply"):
            refused = await self.run(command)
            assert refused.exit_code == 2
            # A cell of the table may take several lines.
            said = " ".join(refused.output.replace("│", " ").split())
            assert "another count takes a v2 topic and a migration" in said

    async def test_a_broker_that_is_away_is_one_sentence(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setenv("SWITCHBOARD_KAFKA__BOOTSTRAP", "127.0.0.1:1")
        for command in ("plan", "apply"):
            away = await self.run(command)
            assert away.exit_code == 2
            assert away.output.startswith("no Kafka answers at 127.0.0.1:1; check")
            assert away.output.count("\n") == 1

    async def test_settings_that_cannot_be_used_are_told(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setenv("SWITCHBOARD_KAFKA__PARTITIONS", "0")
        refused = await self.run("plan")
        assert refused.exit_code == 2
        assert refused.output.startswith("kafka.partitions: ")

    async def test_the_help_tells_the_exit_codes(self) -> None:
        told = await self.run("plan", "--help")
        assert "0 nothing to do, 1 something to do, 2 refused" in told.output
