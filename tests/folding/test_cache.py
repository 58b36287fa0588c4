"""A row is decoded once while its partition is owned, and what another may have written since is never taken for it."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from services.contract import codec
from services.contract.fold import FoldContract
from services.runtime.folding import rows
from services.runtime.folding.cache import FRAME_BYTES, RowCache
from services.runtime.folding.fold import Fold, Step
from services.runtime.folding.store import Change
from tests.folding.ground import Ground, opened, registered, topic
from tests.folding.test_timers import RANG, SOURCE, T1, T2, TABLE, Alarms, Rang, Set, alarms


@pytest.fixture
async def ground(tmp_path: Path) -> AsyncIterator[Ground]:
    rings, sources = topic(RANG, Rang, lambda event: event.key), (topic(SOURCE, Set, lambda event: event.key),)
    fold = Fold(FoldContract("any", "timed", sources, (TABLE.name,), (rings,)), (Step(alarms, TABLE),))
    with registered(rings):
        ground = Ground(fold, opened(fold, tmp_path))
        yield ground
        await ground.end()


async def test_a_row_is_decoded_once_for_all_that_reads_it(ground: Ground, monkeypatch: pytest.MonkeyPatch) -> None:
    row = codec.encode(Alarms("a", [T1]))
    ground.stores["alarms"].restore(0, [(b"a", row)], 1, 0.0)
    decoded: list[bytes] = []

    class Counting:
        @staticmethod
        def decode(value: bytes, type_: type) -> object:
            decoded.append(value)
            return codec.decode(value, type_)

    monkeypatch.setattr(rows, "codec", Counting)
    assert ground.partition.read("a") == ground.partition.read("a", "alarms") == Alarms("a", [T1])
    await ground.fold(Set("a", [T2]), Set("b", [T1]), Set("a", [T1, T2]))
    await ground.tick(T1)
    assert ground.partition.read("a") == Alarms("a", [T2])
    assert decoded == [row]


async def test_a_row_that_is_removed_is_gone(ground: Ground) -> None:
    await ground.fold(Set("a", [T1]))
    await ground.fold(Set("a", None))
    assert ground.partition.read("a") is None


async def test_nothing_is_known_before_it_is_committed(ground: Ground) -> None:
    await ground.fold(Set("a", [T1]))

    async def fenced(*_: object) -> dict[str, int]:
        raise RuntimeError("fenced")

    ground.write = fenced  # type: ignore[method-assign]
    with pytest.raises(RuntimeError, match="fenced"):
        await ground.fold(Set("a", [T2]), Set("b", [T2]))
    assert ground.partition.read("a") == Alarms("a", [T1])
    assert ground.partition.read("b") is None


async def test_a_partition_that_left_knows_nothing_of_before(ground: Ground) -> None:
    await ground.fold(Set("a", [T1]), Set("b", [T1]))
    ground.partition.close()
    # What its next owner writes comes by the changelog, into the same store.
    for left in ([T2], []):
        ground.stores["alarms"].restore(0, [(b"a", codec.encode(Alarms("a", left))), (b"b", None)], 9, 0.0)
        assert ground.partition.read("a") == Alarms("a", left)
        assert ground.partition.read("b") is None


async def test_that_there_is_no_row_is_asked_once_and_one_that_comes_is_seen(ground: Ground) -> None:
    store, asked = ground.stores["alarms"], []
    database = store.partition(0)

    class Counting:
        @staticmethod
        def get(key: bytes) -> object:
            asked.append(key)
            return database.get(key)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(store, "partition", lambda _: Counting)
        assert ground.partition.read("a") is None
        assert ground.partition.read("a") is None
        assert asked == [b"a"]
    await ground.fold(Set("a", [T1]))
    assert ground.partition.read("a") == Alarms("a", [T1])
    await ground.fold(Set("a", None))
    assert ground.partition.read("a") is None


def test_it_is_bounded_and_drops_what_was_not_looked_at() -> None:
    each = 1 + FRAME_BYTES
    cache = RowCache(most_bytes=4 * (25 + each))

    def row(name: str) -> object:
        known = cache.get(("t", name))
        return None if known is None else known.row

    for number in range(4):
        cache.put(("t", str(number)), number + 1, 25)
    assert row("0") == 1
    cache.put(("t", "4"), "row", 25)
    assert [row(name) for name in ("0", "1", "2", "4")] == [1, None, 3, "row"]
    # Written again it counts once, and by its new size.
    cache.put(("t", "0"), "grown", 50)
    assert [row(name) for name in ("0", "2", "3", "4")] == ["grown", 3, None, "row"]
    cache.put(("t", "5"), "row", 3 * each + 101)
    assert [row(name) for name in ("0", "2", "4", "5")] == [None] * 4
    cache.put(("t", "0"), 1, 3 * each + 100)
    assert row("0") == 1


def test_that_a_row_is_none_takes_room_too() -> None:
    cache = RowCache(most_bytes=3 * (1 + FRAME_BYTES))
    for number in range(4):
        cache.put(("t", str(number)), None, 0)
    assert [cache.get(("t", str(number))) is None for number in range(4)] == [True, False, False, False]


def test_keys_and_index_entries_count_too() -> None:
    """Anybody may choose a long name, also of what there is not."""
    cache = RowCache(most_bytes=1000)
    for number in range(4):
        cache.put(("t", f"{number}{'x' * 500}"), None, 0)
    assert [cache.get(("t", f"{number}{'x' * 500}")) is None for number in range(4)] == [True, True, True, False]
    cache.put(("t", "listed"), "row", 3, frozenset([b"\xff" + b"y" * 600, b"\xff" + b"z" * 300]))
    assert cache.get(("t", "listed")) is None


def test_rows_and_their_index_are_written_as_one(tmp_path: Path) -> None:
    """There is nothing between the two where a kill could fall."""
    change = Change(b"a", b"{}", frozenset([b"\xffx", b"\xffz"]), frozenset([b"\xffx", b"\xffy"]))
    assert list(change.written()) == [(b"a", b"{}"), (b"\xffz", None), (b"\xffy", b"")]
