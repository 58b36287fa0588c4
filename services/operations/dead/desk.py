"""Where letters are dealt with: the record goes to its topic again together with the mark that says so, or neither.

So does the release of the hold on its contact. It is written last: a sender that reads it can read the record too.

One desk at a time. Its transactional id is a fence: whoever opens it ends what another shell had under way, and reads
the marks after that, so that no letter is dealt with twice by two people at once.
"""

import asyncio
from collections.abc import Sequence
from types import TracebackType
from typing import Literal, NamedTuple, Self

from aiokafka.errors import KafkaError

from services.contract.codec import encode, headers
from services.contract.letters import HANDLED, PRODUCED_MS, handled
from services.contract.outbound import ACCEPTED
from services.contract.partition import partition_of
from services.contract.topic import shared_name
from services.contract.topics import PUBLIC
from services.domain.consent import holds
from services.domain.consent.holds import HoldReleased
from services.operations.dead.errors import DeadError
from services.operations.dead.letters import RETRIED_FROM, Letter
from services.operations.fence import SHUT_OUT, Fence
from services.runtime.clock import now
from services.runtime.failpoints import reach
from services.runtime.kafka import trouble
from services.runtime.sections.kafka import KafkaSettings

How = Literal["retried", "dropped"]
_ID = "switchboard-dead-letters"
# How long readers of those topics wait for a shell that was killed in the middle and has no successor.
_TRANSACTION_TIMEOUT_MS = 10_000
_PUBLIC = frozenset(topic.name for topic in PUBLIC)


class Dealing(NamedTuple):
    """What is done about a letter. `value`: the bytes to write, where they are not the original ones; `headers` too."""

    letter: Letter
    how: How
    note: str | None = None
    value: bytes | None = None
    headers: Sequence[tuple[str, bytes]] | None = None


class Desk:
    """Writes while it is open. Raises DeadError, a sentence, for whatever Kafka does not do."""

    def __init__(self, kafka: KafkaSettings) -> None:
        self._kafka = kafka
        self._fence = Fence(kafka, _ID, _TRANSACTION_TIMEOUT_MS)

    async def __aenter__(self) -> Self:
        try:
            await self._fence.__aenter__()
        except (KafkaError, OSError, TimeoutError) as error:
            raise self._refused(error) from error
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self._fence.__aexit__(kind, error, trace)

    async def release(self, releases: Sequence[HoldReleased]) -> None:
        """Release holds whose letters are gone, in one transaction."""
        await self._write((), releases)

    async def deal(self, dealings: Sequence[Dealing]) -> None:
        """All of them, in one transaction. When it raises, or is cancelled, none of them stands."""
        await self._write(dealings, _releases(dealings))

    async def _write(self, dealings: Sequence[Dealing], releases: Sequence[HoldReleased]) -> None:
        try:
            async with self._fence.transaction():
                await asyncio.gather(*[await self._enqueue(one) for one in dealings if one.how == "retried"])
                reach("retry.enqueued")
                await asyncio.gather(*[await self._mark(one) for one in dealings])
                reach("retry.marked")
                await asyncio.gather(*[await self._release(one) for one in releases])
                reach("retry.released")
            reach("retry.committed")
        except SHUT_OUT as error:
            raise DeadError(
                "another shell began to retry or drop letters, and this one stops for it; run it again when that is "
                "done"
            ) from error
        except (KafkaError, OSError, TimeoutError) as error:
            raise self._refused(error) from error

    async def _enqueue(self, dealing: Dealing) -> "asyncio.Future[object]":
        """The record as it was: key, bytes, headers and partition, so that it is the same fact and in its order."""
        letter = dealing.letter
        headers = letter.headers if dealing.headers is None else dealing.headers
        kept = [(name, content) for name, content in headers if name != RETRIED_FROM]
        if (
            shared_name(letter.name.topic) in _PUBLIC
            and letter.timestamp_ms is not None
            and PRODUCED_MS not in dict(kept)
        ):
            # A command that names no end of its validity counts it from when it was produced: it is not younger now.
            kept.append((PRODUCED_MS, b"%d" % letter.timestamp_ms))
        return await self._fence.send(
            letter.name.topic,
            letter.value if dealing.value is None else dealing.value,
            key=letter.key,
            partition=letter.name.partition,
            headers=[*kept, (RETRIED_FROM, str(letter.name).encode())],
        )

    async def _mark(self, dealing: Dealing) -> "asyncio.Future[object]":
        fact = handled(dealing.letter.name, dealing.how, now(), dealing.note)
        key = HANDLED.key(fact).encode()
        partition = partition_of(key, self._kafka.partitions)
        return await self._fence.send(
            HANDLED.name, encode(fact), key=key, partition=partition, headers=headers(HANDLED.name)
        )

    async def _release(self, fact: HoldReleased) -> "asyncio.Future[object]":
        key = ACCEPTED.key(fact).encode()
        partition = partition_of(key, self._kafka.partitions)
        return await self._fence.send(
            ACCEPTED.name, encode(fact), key=key, partition=partition, headers=headers(ACCEPTED.name)
        )

    def _refused(self, error: BaseException) -> DeadError:
        return DeadError(
            f"Kafka at {self._kafka.bootstrap} does not take it ({trouble(error)}); see to it, and run it again: "
            "what is done already is known then"
        )


def _releases(dealings: Sequence[Dealing]) -> list[HoldReleased]:
    """Of whoever may be held for these letters."""
    moment = now()
    return [
        holds.release(str(one.letter.name), one.letter.person, moment, one.how)
        for one in dealings
        if one.letter.person is not None
    ]
