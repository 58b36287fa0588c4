"""Group commit: what gathers while a flight is under way goes out with the next, one record batch per partition.

So batches grow with the load, and without load nothing waits. There is one flight at a time: more of them would be
smaller, and each batch costs as much as several records. For the same reason the next waits a while after one that took
long for the little that it carried.
"""

import asyncio
import logging
from collections.abc import Callable

from services.ingress import metrics
from services.ingress.producer import NotAcknowledgedError, Producer, Queues
from services.ingress.spool import Waiting

# A busy broker's flights, back to back, carried two webhooks each and kept it busy: at 500 a second on two cores what
# follows from a webhook came twice as late, and its answer no sooner. So one that took long for little is followed by a
# rest twice as long; or so long, and no part of a deadline that somebody would miss.
_FEW = 16
_LONG_S = 0.002
_LONGEST_REST_S = 0.05
_OF_DEADLINE = 0.1

_log = logging.getLogger(__name__)


class Publisher:
    """Publishes until the first failure; then hands back what is not acknowledged, in order, and is done."""

    def __init__(
        self, producer: Producer, deadline_s: float, on_failure: Callable[[list[Waiting], Exception], None]
    ) -> None:
        self._producer = producer
        self._deadline_s = deadline_s
        self._on_failure = on_failure
        self._flying: Queues[Waiting] = {}
        self._pending: Queues[Waiting] = {}
        self._since = 0.0
        self._arrived = asyncio.Event()
        self._time = asyncio.get_running_loop().time
        self._task = asyncio.create_task(self._run())

    def publish(self, waiting: Waiting) -> None:
        """Queue a fact; its `done` is resolved when all in-sync replicas have it."""
        topic, key, _, _ = waiting.fact
        place = topic, self._producer.partition(topic, key)
        if not self._pending:
            self._since = self._time()
            self._arrived.set()
        self._pending.setdefault(place, []).append(waiting)

    async def flush(self) -> None:
        """Wait until everything queued is acknowledged or handed back; then stop."""
        if waiting := self._unacknowledged():
            await asyncio.wait([one.done for one in waiting], timeout=2 * self._deadline_s)
        self._task.cancel()

    async def _run(self) -> None:
        rested, longest_s = 0.0, min(_LONGEST_REST_S, _OF_DEADLINE * self._deadline_s)
        try:
            while True:
                await self._arrived.wait()
                if (rest_s := rested - self._time()) > 0:
                    await asyncio.sleep(rest_s)
                self._arrived.clear()
                self._flying, self._pending = self._pending, {}
                deadline = self._since + self._deadline_s
                few, began = sum(map(len, self._flying.values())) < _FEW, self._time()
                while self._flying:
                    await self._fly(deadline)
                ended = self._time()
                took_s = ended - began
                rested = ended + min(longest_s, 2 * took_s) if few and took_s > _LONG_S else ended
        except NotAcknowledgedError as error:
            self._on_failure(self._unacknowledged(), error)
        except Exception as error:
            _log.exception("publishing failed in a way that should not happen")
            self._on_failure(self._unacknowledged(), error)

    async def _fly(self, deadline: float) -> None:
        """Send one record batch for each partition; what did not fit stays."""
        queues = [(*place, [one.fact for one in queue]) for place, queue in self._flying.items()]
        with metrics.PRODUCE_SECONDS.time():
            counts = await self._producer.send(queues, deadline)
        left: Queues[Waiting] = {}
        for (place, queue), count in zip(self._flying.items(), counts, strict=True):
            for one in queue[:count]:
                if not one.done.done():
                    one.done.set_result(None)
            if count < len(queue):
                left[place] = queue[count:]
        self._flying = left

    def _unacknowledged(self) -> list[Waiting]:
        return [one for queues in (self._flying, self._pending) for queue in queues.values() for one in queue]
