"""Facts from the spool to Kafka, segment by segment, each removed only when Kafka has all of it."""

import asyncio
from collections import Counter
from collections.abc import Sequence

from services.ingress import metrics
from services.ingress.producer import Producer, Queues, RefusedError
from services.ingress.segments import Fact
from services.ingress.spool import Spool
from services.runtime import failpoints


class Drainer:
    """`landed` counts values that Kafka has although the spool has them too: they are passed over.

    It is forgotten with the process; then a fact may be on the log twice, with one event id.
    """

    def __init__(self, spool: Spool, deadline_s: float) -> None:
        self._spool = spool
        self._deadline_s = deadline_s
        self._one_by_one = False
        self.landed: Counter[bytes] = Counter()

    async def drain_segment(self, producer: Producer) -> None:
        """Send the oldest segment and remove it. What landed is remembered, whatever fails.

        Raises NotAcknowledgedError, SpoolStuck.
        """
        taken = await self._spool.take()
        if taken is None:
            # The first group is being written. Let its task go on.
            await asyncio.sleep(0)
            return
        path, facts = taken
        done: list[bytes] = []
        try:
            await self._send(producer, facts, done)
            failpoints.reach("ingress.drained")
            await self._spool.remove(path)
        except Exception:
            self.landed.update(done)
            raise
        self._one_by_one = False
        metrics.DRAINED.inc(len(facts))

    async def _send(self, producer: Producer, facts: list[Fact], done: list[bytes]) -> None:
        """Send what has not landed yet; adds to `done` what has, also if it fails."""
        queues: Queues[Fact] = {}
        for fact in facts:
            if self.landed[fact.value] > 0:
                self.landed[fact.value] -= 1
                done.append(fact.value)
            else:
                place = fact.topic, producer.partition(fact.topic, fact.key)
                queues.setdefault(place, []).append(fact)
        while queues:
            queues = await self._send_some(producer, queues, done)

    async def _send_some(self, producer: Producer, queues: Queues[Fact], done: list[bytes]) -> Queues[Fact]:
        """Send a record batch for each partition; returns what is left, and adds to `done` what is not."""
        deadline = asyncio.get_running_loop().time() + self._deadline_s
        most = 1 if self._one_by_one else None
        try:
            counts = await producer.send([(*place, queue[:most]) for place, queue in queues.items()], deadline)
        except RefusedError as error:
            await self._refused(error.facts, done)
            raise
        left = {}
        for (place, queue), count in zip(queues.items(), counts, strict=True):
            done.extend(fact.value for fact in queue[:count])
            if count < len(queue):
                left[place] = queue[count:]
        return left

    async def _refused(self, facts: Sequence[Fact], done: list[bytes]) -> None:
        """A fact too large for the broker must not hold up the others for ever: find it, set it aside."""
        if len(facts) == 1:
            await self._spool.set_aside(facts[0])
            done.append(facts[0].value)
        self._one_by_one = True
