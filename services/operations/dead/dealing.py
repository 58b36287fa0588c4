"""Retrying and dropping: which letters may be, which are left alone and why, and doing it."""

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import AsyncExitStack, aclosing
from typing import NamedTuple

from services.contract.letters import Position
from services.operations.dead.asked import Asked
from services.operations.dead.desk import Dealing, Desk, How
from services.operations.dead.errors import DeadError
from services.operations.dead.letters import Letter
from services.operations.dead.reading import Found, find
from services.operations.log import heed_stop
from services.operations.progress import Progress
from services.runtime.sections.kafka import KafkaSettings

# In one transaction, which must be over long before it times out.
_TOGETHER = 500
_TOGETHER_BYTES = 4 << 20
_NAMED = 5


Headers = list[tuple[str, bytes]]


class Wish(NamedTuple):
    """What is to be done about the letters that are meant.

    `again`: also where it was done before. `every`: they may be all there are.

    `value`: mended bytes; then `headers` makes of a record's topic, value and headers those that it is written with.
    """

    asked: Asked
    how: How
    again: bool = False
    every: bool = False
    note: str | None = None
    value: bytes | None = None
    headers: Callable[[str, bytes, Headers], Headers] = lambda _topic, _value, kept: kept


class Dealt:
    """How far it came. `left`: why letters were left alone, each with how many and the first few."""

    def __init__(self) -> None:
        self.done: Counter[tuple[str, str]] = Counter()
        self.left: dict[str, tuple[int, list[str]]] = {}
        self.met: set[Position] = set()
        # Those that were named and are not there.
        self.missing: frozenset[Position] = frozenset()

    @property
    def count(self) -> int:
        return self.done.total()

    def leave(self, letter: Position, why: str) -> None:
        count, named = self.left.get(why, (0, []))
        self.left[why] = count + 1, [*named, str(letter)][:_NAMED]

    def refusals(self) -> list[str]:
        """A sentence for each reason for which letters were left alone."""
        return [
            f"{count:,} left alone ({', '.join(named)}{', …' if count > len(named) else ''}): {why}"
            for why, (count, named) in self.left.items()
        ]


async def deal(kafka: KafkaSettings, wish: Wish, apply: bool, dealt: Dealt, progress: Progress) -> None:
    """Do it, or with `apply` false only find out what would be done; `dealt` tells how far it came, however it ends.

    Raises DeadError where nothing in particular is meant, and LogError.
    """
    if wish.asked.everything and not wish.every:
        raise DeadError("name letters, or give a filter such as --reason; --all means every letter there is")
    async with AsyncExitStack() as stack:
        # Before the marks are read: nobody else adds to them afterwards.
        desk = await stack.enter_async_context(Desk(kafka)) if apply else None
        found = await stack.enter_async_context(aclosing(find(kafka, wish.asked, progress)))
        async for letters in found:
            for parcel in _parcels(_possible(wish, letters, dealt)):
                if desk is not None:
                    await desk.deal(parcel)
                dealt.done.update((one.letter.name.topic, one.letter.reason) for one in parcel)
                progress(wish.how, dealt.count, None)
    heed_stop()
    dealt.missing = wish.asked.names - dealt.met


def _possible(wish: Wish, found: Sequence[Found], dealt: Dealt) -> Iterator[Dealing]:
    for letter, mark in found:
        if wish.asked.names:
            dealt.met.add(letter.name)
        if mark is not None and not wish.again:
            dealt.leave(letter.name, f"{mark.how} before; --again does it again")
        elif wish.how == "retried" and letter.obstacle:
            dealt.leave(
                letter.name, f"{letter.obstacle}; it cannot be retried: have its sender say it again, then drop it"
            )
        else:
            yield _dealing(letter, wish)


def _dealing(letter: Letter, wish: Wish) -> Dealing:
    if wish.value is None:
        return Dealing(letter, wish.how, wish.note)
    headers = wish.headers(letter.name.topic, wish.value, list(letter.headers))
    return Dealing(letter, wish.how, wish.note, wish.value, headers)


def _parcels(dealings: Iterable[Dealing]) -> Iterator[list[Dealing]]:
    parcel: list[Dealing] = []
    size = 0
    for one in dealings:
        parcel.append(one)
        size += len(one.letter.value or b"")
        if len(parcel) >= _TOGETHER or size >= _TOGETHER_BYTES:
            yield parcel
            parcel, size = [], 0
    if parcel:
        yield parcel
