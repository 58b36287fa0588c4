"""Facts to the log, as ingress writes them: keys, headers, partitions, and acknowledged by all in-sync replicas."""

from collections.abc import Callable, Sequence
from itertools import islice

import msgspec

from services.contract.codec import encode, headers
from services.contract.partition import partition_of
from services.contract.topics import topic_of
from services.operations.writing import FactWriter, Outgoing
from services.runtime.sections.kafka import KafkaSettings

# Under way at once. Each is a round trip's worth of work, and what Ctrl-C waits for.
_FLIGHT = 1000


async def inject(kafka: KafkaSettings, facts: Sequence[msgspec.Struct], acknowledged: Callable[[], None]) -> None:
    """Write the facts in order; `acknowledged` is called for each that the log has, also after a cancellation.

    Raises LogError when Kafka does not take them. What was written stays: a fact is the same fact next time.
    """
    async with FactWriter(kafka) as writer:
        waiting = iter(facts)
        while flight := list(islice(waiting, _FLIGHT)):
            await writer.write([_outgoing(fact, kafka.partitions) for fact in flight], acknowledged)


def _outgoing(fact: msgspec.Struct, partitions: int) -> Outgoing:
    topic = topic_of(fact)
    key = topic.key(fact).encode()
    return Outgoing(topic.name, partition_of(key, partitions), key, encode(fact), headers(topic.name))
