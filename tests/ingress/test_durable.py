"""A disk that fails while the spool is drained: nothing twice, nothing held in memory, and it is said."""

import asyncio
import contextlib
import errno
import logging
from collections.abc import AsyncIterator, Callable, Sequence
from pathlib import Path
from typing import Any

import pytest

from services.ingress import disk, durable
from services.ingress.durable import DurableLog
from services.ingress.producer import NotAcknowledgedError, Producer, Queue, RefusedError
from services.ingress.segments import Fact
from services.ingress.spool import Spool, SpoolStuck
from services.runtime.sections.ingress import SpoolSettings
from tests.waiting import eventually


class Kafka(Producer):
    """Takes what it is given, but for the facts that are too large for it."""

    def __init__(self, too_large: Sequence[int] = ()) -> None:
        self.taken: list[int] = []
        self.tries = 0
        self.broken = False
        self._too_large = too_large

    async def connect(self) -> Producer:
        self.tries += 1
        return self

    def partition(self, topic: str, key: bytes) -> int:
        return 0

    async def send(self, queues: Sequence[Queue], deadline: float) -> list[int]:
        facts = [fact for _, _, queue in queues for fact in queue]
        numbers = [int(fact.value) for fact in facts]
        if set(numbers) & set(self._too_large):
            raise RefusedError(ValueError("too large"), facts)
        self.taken += numbers
        return [len(queue) for _, _, queue in queues]

    async def settle(self, timeout_s: float) -> Any:
        return {}

    async def close(self) -> None:
        pass


class Away(Kafka):
    async def connect(self) -> Producer:
        raise NotAcknowledgedError("no broker")


def fact(number: int) -> Fact:
    return Fact("topic", b"key", b"%d" % number, [])


def opened(directory: Path) -> Spool:
    return Spool(SpoolSettings(directory=directory, max_bytes=1 << 24))


@contextlib.asynccontextmanager
async def running(spool: Spool, kafka: Kafka) -> AsyncIterator[DurableLog]:
    log = DurableLog(kafka.connect, spool, 1.0)
    stop = asyncio.Event()
    task = asyncio.create_task(log.run(stop))
    yield log
    stop.set()
    await asyncio.wait_for(task, 10)


async def spooled(directory: Path, *numbers: int) -> Spool:
    """A spool that an earlier process left."""
    async with running(opened(directory), Away()) as log:
        await asyncio.gather(*(log.append(fact(number)) for number in numbers))
    return opened(directory)


def read_only(*_: object, **__: object) -> None:
    raise OSError(errno.EROFS, "Read-only file system")


def unlink(patched: pytest.MonkeyPatch) -> None:
    patched.setattr(Path, "unlink", read_only)


def read(patched: pytest.MonkeyPatch) -> None:
    patched.setattr(disk, "read", read_only)


class Back(Kafka):
    """Away, until it is `back`."""

    back = False

    async def connect(self) -> Producer:
        if not self.back:
            raise NotAcknowledgedError("no broker")
        return await super().connect()


class Failing(Kafka):
    """Fails its first flight, once it `may`."""

    def __init__(self) -> None:
        super().__init__()
        self.flying, self.may = asyncio.Event(), asyncio.Event()

    async def send(self, queues: Sequence[Queue], deadline: float) -> list[int]:
        if not self.may.is_set():
            self.flying.set()
            await self.may.wait()
            raise NotAcknowledgedError("no answer")
        return await super().send(queues, deadline)


async def test_what_comes_after_it_begins_anew_does_not_overtake_the_flight_under_way(tmp_path: Path) -> None:
    spool, kafka = opened(tmp_path), Failing()
    async with running(spool, kafka) as log:
        await eventually(lambda: log.trouble is None, 10, "facts go straight to Kafka")
        came = [log.append(fact(1))]
        await asyncio.wait_for(kafka.flying.wait(), 5)
        log.anew()
        for number in range(2, 12):
            came.append(log.append(fact(number)))
            await asyncio.sleep(0)
        kafka.may.set()
        await asyncio.wait_for(asyncio.gather(*came), 5)
        await eventually(lambda: len(kafka.taken) == 11, 10, "the spool is drained")
    assert kafka.taken == list(range(1, 12))


async def test_told_to_end_it_empties_its_spool_first(tmp_path: Path) -> None:
    """The folder may be gone with its machine."""
    spool, kafka = await spooled(tmp_path, 1, 2, 3), Back()
    async with running(spool, kafka) as log:
        await log.append(fact(4))
        await eventually(lambda: log.trouble == "no broker", 10, "it was tried")
        kafka.back = True
    assert kafka.taken == [1, 2, 3, 4]
    assert opened(tmp_path).empty


async def test_and_leaves_to_the_next_what_kafka_does_not_take(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(durable, "_LAST_S", 0.2)
    spool, kafka = await spooled(tmp_path, 1), Kafka()

    async def never() -> Producer:
        await asyncio.sleep(60)
        raise NotAcknowledgedError("no broker")

    monkeypatch.setattr(kafka, "connect", never)
    began = asyncio.get_running_loop().time()
    async with running(spool, kafka):
        pass
    assert asyncio.get_running_loop().time() - began < 5
    assert not opened(tmp_path).empty
    assert "stay in the spool" in caplog.text


@pytest.mark.parametrize(("breaks", "landed"), [(unlink, [1, 2, 3]), (read, [])])
async def test_a_spool_that_cannot_be_emptied_refuses_until_it_can(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
    breaks: Callable[[pytest.MonkeyPatch], None],
    landed: list[int],
) -> None:
    spool, kafka = await spooled(tmp_path, 1, 2, 3), Kafka()
    with monkeypatch.context() as patched:
        breaks(patched)
        async with running(spool, kafka) as log:
            await eventually(lambda: kafka.tries >= 3, 10, "it was tried three times")
            assert kafka.taken == landed
            assert log.unready() == ["the spool cannot be drained: Read-only file system"]
            for number in range(10, 13):
                with pytest.raises(SpoolStuck, match="Read-only"):
                    await asyncio.wait_for(log.append(fact(number)), 5)
            assert [one.message for one in caplog.records if one.levelno == logging.ERROR] == [
                "the spool cannot be drained: [Errno 30] Read-only file system"
            ]
            patched.undo()
            await eventually(lambda: log.trouble is None, 10, "facts go straight to Kafka")
            await log.append(fact(4))
            assert log.unready() == []
    assert kafka.taken == [1, 2, 3, 4]


async def test_what_came_while_the_last_segment_left_is_not_held(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    spool, kafka = await spooled(tmp_path, 1), Kafka()
    came: list[asyncio.Future[None]] = []

    async with running(spool, kafka) as log:

        async def remove(_: Path) -> None:
            came.append(log.append(fact(2)))
            raise ValueError("a defect")

        with monkeypatch.context() as patched:
            patched.setattr(spool, "remove", remove)
            await eventually(lambda: len(came) == 2, 10, "it was tried twice")
            # No fault of the disk: they are durable in the spool.
            await asyncio.wait_for(asyncio.gather(*came), 5)
        await eventually(lambda: log.trouble is None, 10, "facts go straight to Kafka")
    assert kafka.taken == [1, *[2] * len(came)]


async def test_a_fact_that_cannot_be_set_aside_stays_and_the_others_land_once(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    spool, kafka = await spooled(tmp_path, 1, 2, 3), Kafka(too_large=[2])
    with monkeypatch.context() as patched:
        patched.setattr(disk, "write", read_only)
        async with running(spool, kafka) as log:
            await eventually(log.unready, 10, "it is said")
            patched.undo()
            await eventually(lambda: log.trouble is None, 10, "facts go straight to Kafka")
    assert kafka.taken == [1, 3]
