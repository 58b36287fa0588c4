"""Flights of record batches: what gathers goes together; after one that took long for little the next waits a while."""

import asyncio
from collections.abc import AsyncIterator, Sequence

import pytest

from services.ingress import publisher
from services.ingress.producer import Producer, Queue
from services.ingress.publisher import Publisher
from services.ingress.segments import Fact
from services.ingress.spool import Waiting
from tests.waiting import eventually

_LONGEST_REST_S = 0.1
_TAKES_S = 0.02


class Kafka(Producer):
    """Notes when each flight began, what it carried, and when it ended; one ends when it is let go."""

    def __init__(self) -> None:
        self.begun: list[float] = []
        self.carried: list[list[int]] = []
        self.ended: list[float] = []
        self.may_end = asyncio.Event()
        self.may_end.set()

    def partition(self, topic: str, key: bytes) -> int:
        return 0

    async def send(self, queues: Sequence[Queue], deadline: float) -> list[int]:
        now = asyncio.get_running_loop().time
        self.begun.append(now())
        self.carried.append([int(fact.value) for _, _, queue in queues for fact in queue])
        await self.may_end.wait()
        self.ended.append(now())
        return [len(queue) for _, _, queue in queues]


class Publishing:
    """A publisher to such a Kafka; `publish` queues facts by number."""

    def __init__(self, deadline_s: float = 60.0) -> None:
        self.kafka = Kafka()
        self.failures: list[Exception] = []
        self.publisher = Publisher(self.kafka, deadline_s, lambda _, error: self.failures.append(error))

    def publish(self, *numbers: int) -> list["asyncio.Future[None]"]:
        waiting = [
            Waiting(Fact("topic", b"key", b"%d" % number, []), asyncio.get_running_loop().create_future())
            for number in numbers
        ]
        for one in waiting:
            self.publisher.publish(one)
        return [one.done for one in waiting]

    async def one_that_takes(self, seconds: float, *numbers: int) -> None:
        """A flight that carries these and takes so long, at least."""
        self.kafka.may_end.clear()
        sent = self.publish(*numbers)
        await eventually(lambda: len(self.kafka.begun) > len(self.kafka.ended))
        asyncio.get_running_loop().call_later(seconds, self.kafka.may_end.set)
        await asyncio.wait_for(asyncio.gather(*sent), 20)


@pytest.fixture
async def publishing(monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Publishing]:
    monkeypatch.setattr(publisher, "_LONGEST_REST_S", _LONGEST_REST_S)
    publishing = Publishing()
    yield publishing
    assert publishing.failures == []
    await publishing.publisher.flush()


def _no_rest(monkeypatch: pytest.MonkeyPatch) -> None:
    async def sleep(_: float) -> None:
        raise AssertionError("it rests")

    monkeypatch.setattr(asyncio, "sleep", sleep)


async def test_what_comes_while_one_is_under_way_goes_with_the_next(publishing: Publishing) -> None:
    publishing.kafka.may_end.clear()
    first = publishing.publish(0)
    await eventually(lambda: publishing.kafka.begun)
    others = publishing.publish(1, 2, 3)
    publishing.kafka.may_end.set()
    await asyncio.wait_for(asyncio.gather(*first, *others), 20)
    assert publishing.kafka.carried == [[0], [1, 2, 3]]


async def test_after_one_that_took_long_for_little_the_next_waits_and_carries_more(publishing: Publishing) -> None:
    await publishing.one_that_takes(_TAKES_S, 0)
    sent = publishing.publish(1)
    await asyncio.sleep(0)
    sent += publishing.publish(2)
    await asyncio.wait_for(asyncio.gather(*sent), 20)
    assert publishing.kafka.carried == [[0], [1, 2]]
    # Twice as long as it took itself.
    assert publishing.kafka.begun[1] - publishing.kafka.ended[0] >= 2 * _TAKES_S


@pytest.mark.parametrize(("deadline_s", "longest_s"), [(60.0, _LONGEST_REST_S), (0.5, 0.05)])
async def test_a_rest_is_bounded_and_a_part_of_the_deadline(
    monkeypatch: pytest.MonkeyPatch, deadline_s: float, longest_s: float
) -> None:
    monkeypatch.setattr(publisher, "_LONGEST_REST_S", _LONGEST_REST_S)
    publishing, rests = Publishing(deadline_s), list[float]()
    await publishing.one_that_takes(0.2, 0)
    sleep = asyncio.sleep

    async def rest(seconds: float) -> None:
        rests.append(seconds)
        await sleep(0)

    monkeypatch.setattr(asyncio, "sleep", rest)
    await asyncio.wait_for(asyncio.gather(*publishing.publish(1)), 20)
    monkeypatch.undo()
    assert len(rests) == 1
    assert 0 < rests[0] <= longest_s
    await publishing.publisher.flush()
    assert publishing.failures == []


async def test_one_that_carried_much_is_followed_at_once(
    publishing: Publishing, monkeypatch: pytest.MonkeyPatch
) -> None:
    await publishing.one_that_takes(_TAKES_S, *range(publisher._FEW))
    _no_rest(monkeypatch)
    await asyncio.wait_for(asyncio.gather(*publishing.publish(-1)), 20)


async def test_after_a_quick_one_nothing_waits(publishing: Publishing, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(publisher, "_LONG_S", 600.0)
    await publishing.one_that_takes(_TAKES_S, 0)
    _no_rest(monkeypatch)
    await asyncio.wait_for(asyncio.gather(*publishing.publish(1)), 20)


async def test_after_a_rest_nothing_waits(publishing: Publishing, monkeypatch: pytest.MonkeyPatch) -> None:
    await publishing.one_that_takes(_TAKES_S, 0)
    rested = asyncio.Event()
    asyncio.get_running_loop().call_later(_LONGEST_REST_S, rested.set)
    await rested.wait()
    _no_rest(monkeypatch)
    await asyncio.wait_for(asyncio.gather(*publishing.publish(1)), 20)
