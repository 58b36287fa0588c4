"""Which partitions aiokafka fetches: those that are read.

A partition that Faust has paused is one that Faust does not look at. aiokafka fetched it all the same: the sources
while tables are restored, and every row that we write to a changelog while we fold. For the consumer's thread.
"""

from collections.abc import Iterable
from typing import Any

from aiokafka import AIOKafkaConsumer, TopicPartition


def pause(consumer: AIOKafkaConsumer, partitions: Iterable[Any]) -> None:
    """Fetch nothing of those that are still assigned."""
    consumer.pause(*_assigned(consumer, partitions))


def resume(consumer: AIOKafkaConsumer, partitions: Iterable[Any]) -> None:
    """Fetch those that are still assigned, from where they are placed."""
    consumer.resume(*_assigned(consumer, partitions))


def _assigned(consumer: AIOKafkaConsumer, partitions: Iterable[Any]) -> list[TopicPartition]:
    assigned = consumer.assignment()
    return [TopicPartition(*tp) for tp in partitions if tp in assigned]
