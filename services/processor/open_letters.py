"""How many dead letters nobody has retried or dropped yet: of all services, so each processor tells the same."""

import logging
from collections import Counter
from collections.abc import Callable, Iterator

from aiokafka import ConsumerRecord
from prometheus_client import CollectorRegistry, Metric
from prometheus_client.core import GaugeMetricFamily
from prometheus_client.registry import Collector

from services.contract.codec import DecodeError, decode
from services.contract.letters import HANDLED, LetterHandled, Position
from services.contract.positions import kept_in, source
from services.contract.topics import DEAD
from services.processor.metrics import PROCESSOR
from services.runtime.clock import CLOCK
from services.runtime.following import Following
from services.runtime.sections.kafka import KafkaSettings

logger = logging.getLogger(__name__)

# Known one by one; what comes beyond is a number alone, so that a flood of letters takes no memory. It may count the
# letters twice that two services wrote of one record, and those that retention has removed, until the next start.
_MOST = 100_000
_RETENTION_MS = {topic.name: topic.retention.total_seconds() * 1000 for topic in DEAD if topic.retention}


class Letters:
    """What was put aside, without what was dealt with. A mark may come before its letter, of another service's say."""

    def __init__(self, now_ms: Callable[[], int] = CLOCK.milliseconds, most: int = _MOST) -> None:
        self._now_ms = now_ms
        self._most = most
        # By name, in the order in which they came; a letter with its topic and time.
        self._open: dict[Position, tuple[str, int]] = {}
        self._handled: dict[Position, None] = {}
        self._beyond = Counter[str]()

    def put(self, topic: str, name: Position, at_ms: int) -> None:
        if name in self._handled or name in self._open:
            return
        if len(self._open) < self._most:
            self._open[name] = topic, at_ms
        else:
            self._beyond[topic] += 1

    def handled(self, name: Position) -> None:
        again = name in self._handled
        self._handled[name] = None
        if len(self._handled) > self._most:
            del self._handled[next(iter(self._handled))]
        topic = kept_in(name)
        if self._open.pop(name, None) is None and not again and self._beyond[topic]:
            self._beyond[topic] -= 1

    def counts(self) -> dict[str, int]:
        """By dead-letter topic. What is older than the topic keeps is open no more: it is gone."""
        now = self._now_ms()
        found = Counter(topic for topic, at in self._open.values() if at > now - _RETENTION_MS[topic])
        return {topic.name: found[topic.name] + self._beyond[topic.name] for topic in DEAD}


class OpenLetters(Collector):
    """Reads them off the log, and tells them once all is read."""

    def __init__(self, registry: CollectorRegistry = PROCESSOR) -> None:
        self._letters = Letters()
        self._following: Following | None = None
        registry.register(self)

    async def start(self, kafka: KafkaSettings) -> None:
        # The marks last: what each is about is known then.
        topics = [*(topic.name for topic in DEAD), HANDLED.name]
        self._following = Following(kafka, topics, self._take)
        await self._following.start()

    async def stop(self) -> None:
        if self._following is not None:
            await self._following.stop()

    def collect(self) -> Iterator[Metric]:
        text = "Dead letters of all services that nobody has retried or dropped; every processor tells the same"
        family = GaugeMetricFamily("switchboard_dead_letters_open", text, labels=["topic"])
        if self._following is not None and self._following.whole:
            for topic, count in self._letters.counts().items():
                family.add_metric([topic], count)
        yield family

    def _take(self, record: ConsumerRecord) -> None:
        if record.topic != HANDLED.name:
            name = source(record.topic, {name: content or b"" for name, content in record.headers})
            own = Position(record.topic, record.partition, record.offset)
            self._letters.put(record.topic, name or own, record.timestamp)
            return
        try:
            self._letters.handled(decode(record.value, LetterHandled).position)
        except DecodeError as error:
            logger.error("%s/%s@%s cannot be read: %s", record.topic, record.partition, record.offset, error)


OPEN_LETTERS = OpenLetters()
