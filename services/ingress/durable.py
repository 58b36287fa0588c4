"""A fact becomes durable: in Kafka, or in the spool while Kafka is away. The one place that decides which.

Facts go to one place at a time: straight to Kafka; to the spool once Kafka has failed, until the spool is
drained; or, for the drain's last moments and while the last flight is under way, held in memory so that they do
not overtake it. So order is kept per key.
"""

import asyncio
import logging
from collections.abc import Awaitable, Callable

from services.ingress import metrics
from services.ingress.drainer import Drainer
from services.ingress.producer import NotAcknowledgedError, Producer
from services.ingress.publisher import Publisher
from services.ingress.segments import Fact
from services.ingress.spool import Spool, Waiting

_log = logging.getLogger(__name__)

_RETRY_S = 0.5
# How long late answers of an unhealthy connection are waited for before a new one is made.
_SETTLE_S = 30.0
# At the end, while Kafka has not what lies in the spool. The spool's folder may go with its machine.
_LAST_S = 10.0
# Drained in a few milliseconds: requests can wait that long.
_HOLD_BELOW_BYTES = 256 << 10


class DurableLog:
    """`append` from the event loop; `run` beside it, for the life of the process."""

    def __init__(self, connect: Callable[[], Awaitable[Producer]], spool: Spool, deadline_s: float) -> None:
        self._connect = connect
        self._spool = spool
        self._deadline_s = deadline_s
        # While facts go straight to Kafka; and while they are held.
        self._publisher: Publisher | None = None
        self._holds = False
        self._held: list[Waiting] = []
        self._drainer = Drainer(spool, deadline_s)
        self._asked = asyncio.Event()
        self.trouble: str | None = "not connected yet"

    def anew(self) -> None:
        """Have who is who looked at once more, before anything else goes to Kafka."""
        self._asked.set()

    def append(self, fact: Fact) -> "asyncio.Future[None]":
        """Make a fact durable; the future is resolved when it is. It fails with SpoolFull or OSError."""
        done: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        waiting = Waiting(fact, done)
        if self._publisher is not None:
            self._publisher.publish(waiting)
        elif self._holds:
            self._held.append(waiting)
        else:
            self._spool.append(waiting)
        return done

    async def run(self, stop: asyncio.Event) -> None:
        """Keep connected, drain the spool, let facts go straight to Kafka, until told to stop.

        Then what lies in the spool goes to Kafka, as far as it takes that within some seconds; the rest stays.
        """
        stopped, last = asyncio.create_task(stop.wait()), False
        while not (last or (stop.is_set() and self._spool.empty)):
            kept = asyncio.create_task(self._keep_connection(stopped))
            await asyncio.wait({kept, stopped}, return_when=asyncio.FIRST_COMPLETED)
            if last := stop.is_set() and self.trouble is not None:
                await asyncio.wait({kept}, timeout=0.0 if self._spool.empty else _LAST_S)
                kept.cancel()
            await asyncio.wait({kept})
            if not kept.cancelled() and (error := kept.exception()) is not None:
                self._note(error)
            await asyncio.wait({stopped}, timeout=_RETRY_S)
        self._turn_to_spool([])
        await self._spool.close()
        if not self._spool.empty:
            _log.warning("%d bytes stay in the spool, for the next ingress on its folder", self._spool.size)

    async def _keep_connection(self, stopped: "asyncio.Task[bool]") -> None:
        self._asked.clear()
        producer = await self._connect()
        try:
            ended = False
            while not (producer.broken or ended):
                try:
                    await self._drain(producer)
                    await self._serve(producer, stopped)
                except NotAcknowledgedError as error:
                    self._note(error)
                self._drainer.landed += await producer.settle(_SETTLE_S)
                ended = stopped.done() or self._asked.is_set()
        except Exception:
            self._drainer.landed += await producer.settle(_SETTLE_S)
            raise
        finally:
            await producer.close()

    async def _drain(self, producer: Producer) -> None:
        """Empty the spool into Kafka; when it returns, nothing is in the spool and what came last is held.

        However it fails, nothing stays held: it is durable in the spool, or refused by it.
        """
        try:
            while not self._spool.empty:
                if self._spool.size <= _HOLD_BELOW_BYTES:
                    self._hold()
                await self._drainer.drain_segment(producer)
        except Exception:
            self._turn_to_spool([])
            raise

    async def _serve(self, producer: Producer, stopped: "asyncio.Task[bool]") -> None:
        """Let facts go straight to Kafka until that fails, or all is over, or it is to begin anew."""
        failed = asyncio.Event()

        def to_spool(unacknowledged: list[Waiting], error: Exception) -> None:
            self._turn_to_spool(unacknowledged)
            self._note(error)
            failed.set()

        publisher = Publisher(producer, self._deadline_s, to_spool)
        self._turn_to_kafka(publisher)
        failure, asked = asyncio.create_task(failed.wait()), asyncio.create_task(self._asked.wait())
        await asyncio.wait({failure, asked, stopped}, return_when=asyncio.FIRST_COMPLETED)
        asked.cancel()
        if not failure.done():
            # What comes now waits, for the flight under way may fail: its facts are older.
            self._hold()
            await publisher.flush()
            self._turn_to_spool([])
            failure.cancel()

    def _hold(self) -> None:
        self._publisher, self._holds = None, True

    def _turn_to_kafka(self, publisher: Publisher) -> None:
        self._publisher, self._holds = publisher, False
        held, self._held = self._held, []
        for waiting in held:
            publisher.publish(waiting)
        if self.trouble:
            _log.info("facts go straight to Kafka")
        self.trouble = None
        self._drainer.landed.clear()
        metrics.KAFKA_UP.set(1)

    def _turn_to_spool(self, first: list[Waiting]) -> None:
        self._publisher, self._holds = None, False
        held, self._held = self._held, []
        for waiting in (*first, *held):
            self._spool.append(waiting)
        metrics.KAFKA_UP.set(0)

    def _note(self, error: BaseException) -> None:
        if str(error) != self.trouble:
            _log.warning("facts cannot go straight to Kafka: %s", error)
        self.trouble = str(error)

    def unready(self) -> list[str]:
        """Why no fact could be made durable now; empty while Kafka or the spool takes it."""
        if self.trouble is None:
            return []
        if self._spool.full:
            return ["Kafka is away and the spool is full"]
        if self._spool.stuck:
            return [str(self._spool.stuck)]
        return [f"Kafka is away and the spool cannot be written: {self._spool.broken}"] if self._spool.broken else []
