"""Whether the log can be compared: the topics are there, with the partitions that the settings say."""

from collections.abc import Sequence

from services.cli.backfill.errors import BackfillError
from services.cli.topic_admin import connect
from services.runtime.config import KafkaSettings


async def check(kafka: KafkaSettings, names: Sequence[str]) -> None:
    """Raises ConfigError, with the remedy, unless Kafka answers and has these topics with our number of partitions."""
    async with connect(kafka) as admin:
        actual = await admin.actual(names)
    if absent := [name for name in names if name not in actual]:
        raise BackfillError(f"no topic {', '.join(absent)}; run `switchboard topics apply`")
    for name, topic in actual.items():
        if topic.partitions != kafka.partitions:
            raise BackfillError(
                f"{name} has {topic.partitions} partitions, kafka.partitions says {kafka.partitions}; facts would go "
                "where nobody looks for them: correct the setting"
            )
