"""The spool: what was acknowledged is there after anything, in order; what is damaged is known and kept."""

import asyncio
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.ingress import segments
from services.ingress.segments import Fact
from services.ingress.spool import Spool, SpoolFull, Waiting
from services.runtime.section import ConfigError
from services.runtime.sections.ingress import SpoolSettings

facts = st.builds(
    Fact,
    st.text(max_size=5),
    st.binary(max_size=5),
    st.binary(max_size=20),
    st.lists(st.tuples(st.text(max_size=3), st.binary(max_size=3)), max_size=2),
)


def fact(number: int, size: int = 0) -> Fact:
    return Fact("topic", b"key", b"%d" % number + b"x" * size, [("schema", b"topic")])


def opened(directory: Path, max_bytes: int = 1 << 30) -> Spool:
    return Spool(SpoolSettings(directory=directory, max_bytes=max_bytes))


async def append(spool: Spool, *numbers: int, size: int = 0) -> None:
    waiting = [Waiting(fact(n, size), asyncio.get_running_loop().create_future()) for n in numbers]
    for one in waiting:
        spool.append(one)
    await asyncio.gather(*(one.done for one in waiting))


async def drain(spool: Spool) -> list[int]:
    found = []
    while taken := await spool.take():
        path, read = taken
        found += [int(one.value) for one in read]
        await spool.remove(path)
    return found


def names(directory: Path, pattern: str) -> list[Path]:
    return sorted(directory.glob(pattern))


def change(directory: Path, how: Callable[[bytes], bytes]) -> bytes:
    """Rewrite the one segment; returns what it holds then."""
    (path,) = names(directory, "*.facts")
    path.write_bytes(how(path.read_bytes()))
    return path.read_bytes()


@given(st.lists(facts, max_size=5))
def test_lines_come_back_as_they_went(written: list[Fact]) -> None:
    data = b"".join(segments.encode(one, 1) for one in written)
    assert segments.decode(data) == (written, [], b"")


@given(facts, facts, st.data())
def test_a_line_cut_anywhere_is_dropped_and_the_others_stand(first: Fact, last: Fact, data: st.DataObject) -> None:
    line = segments.encode(last, 1)
    cut = line[: data.draw(st.integers(0, len(line) - 1))]
    assert segments.decode(segments.encode(first, 1) + cut) == ([first], [], cut)


@given(facts, facts, st.data())
def test_a_damaged_byte_is_noticed(first: Fact, last: Fact, data: st.DataObject) -> None:
    line = bytearray(segments.encode(first, 1))
    line[data.draw(st.integers(0, len(line) - 2))] ^= data.draw(st.integers(1, 255))
    read = segments.decode(bytes(line) + segments.encode(last, 1))
    assert read.facts[-1] == last
    assert read.corrupt
    assert first not in read.facts[:-1]


async def test_facts_leave_in_the_order_they_came(tmp_path: Path) -> None:
    spool = opened(tmp_path)
    assert spool.empty
    await append(spool, *range(50))
    await append(spool, *range(50, 100))
    assert not spool.empty
    assert spool.size > 0
    assert await drain(spool) == [*range(100)]
    assert (spool.empty, spool.size, spool.oldest_age_s) == (True, 0, 0)
    await spool.close()


async def test_facts_of_an_earlier_process_leave_first(tmp_path: Path) -> None:
    before = opened(tmp_path)
    await append(before, 1, 2)
    await before.close()
    after = opened(tmp_path)
    assert after.size == before.size
    assert 0 <= after.oldest_age_s < 60
    await append(after, 3)
    assert await drain(after) == [1, 2, 3]
    await after.close()


async def test_a_torn_tail_was_never_acknowledged(tmp_path: Path) -> None:
    spool = opened(tmp_path)
    await append(spool, 1)
    await spool.close()
    change(tmp_path, lambda data: data + segments.encode(fact(2), 1)[:-5])
    again = opened(tmp_path)
    assert await drain(again) == [1]
    assert not names(tmp_path, "*.corrupt")
    await again.close()


async def test_a_damaged_line_in_the_middle_is_set_aside(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    spool = opened(tmp_path)
    await append(spool, 1, 2, 3)
    await spool.close()
    damaged = change(tmp_path, lambda data: data.replace(b"\n", b"!\n", 2).replace(b"!", b"", 1)).splitlines()[1]
    again = opened(tmp_path)
    assert await drain(again) == [1, 3]
    (aside,) = names(tmp_path, "*.corrupt")
    assert aside.read_bytes().splitlines() == [damaged]
    assert "damaged" in caplog.text
    await again.close()


async def test_a_full_spool_says_so_and_takes_again_when_it_has_room(tmp_path: Path) -> None:
    spool = opened(tmp_path, max_bytes=1 << 16)
    await append(spool, *range(10), size=4000)
    assert not spool.full
    with pytest.raises(SpoolFull):
        await append(spool, 10, size=40_000)
    await append(spool, 11)
    taken = await spool.take()
    assert taken
    await spool.remove(taken[0])
    await append(spool, 12, size=40_000)
    await spool.close()


async def test_segments_are_rolled_and_removed_one_by_one(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("services.ingress.spool._SEGMENT_BYTES", 1000)
    spool = opened(tmp_path)
    for number in range(20):
        await append(spool, number, size=0)
    assert len(names(tmp_path, "*.facts")) > 1
    assert await drain(spool) == [*range(20)]
    assert not names(tmp_path, "*.facts")
    await spool.close()


async def test_a_disk_that_fails_is_an_error_to_the_waiter_and_no_end(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    spool = opened(tmp_path)
    await append(spool, 1)
    with monkeypatch.context() as patched:
        patched.setattr("services.ingress.disk.os.fsync", _no_space)
        with pytest.raises(OSError, match="No space left"):
            await append(spool, 2)
        assert spool.broken == "No space left"
    await append(spool, 3)
    assert spool.broken is None
    assert [n for n in await drain(spool) if n != 2] == [1, 3]
    await spool.close()


def _no_space(_: int) -> None:
    raise OSError(28, "No space left")


async def test_two_processes_cannot_share_a_directory(tmp_path: Path) -> None:
    spool = opened(tmp_path)
    with pytest.raises(ConfigError, match=r"ingress\.spool\.directory.*another ingress"):
        opened(tmp_path)
    await spool.close()
    await opened(tmp_path).close()
