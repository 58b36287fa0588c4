"""A gzip batch may be of many members: all are read, in time that grows with their bytes alone."""

import gzip
import zlib
from typing import Any

import pytest

from services.runtime.unpacking import MAX_UNPACKED_BYTES, unpacked

GZIP = 1
TINY = gzip.compress(b"x", mtime=0)
EMPTY = gzip.compress(b"", mtime=0)


class Counted:
    """zlib's own, and how much it is given."""

    def __init__(self) -> None:
        self.given = 0
        self.streams = 0
        self._decompressobj = zlib.decompressobj

    def decompressobj(self, *args: Any, **options: Any) -> "Counted":
        self.streams += 1
        self._stream = self._decompressobj(*args, **options)
        return self

    def decompress(self, piece: bytes, room: int) -> bytes:
        self.given += len(piece)
        return self._stream.decompress(piece, room)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._stream, name)


def given_for(members: int, monkeypatch: pytest.MonkeyPatch) -> int:
    counted = Counted()
    with monkeypatch.context() as patch:
        patch.setattr(zlib, "decompressobj", counted.decompressobj)
        assert unpacked(GZIP, TINY * members) == b"x" * members
    assert counted.streams == members
    return counted.given


def test_twice_as_many_members_cost_twice_as_much(monkeypatch: pytest.MonkeyPatch) -> None:
    few, many = (given_for(members, monkeypatch) for members in (10_000, 20_000))
    assert many < 2.2 * few


def test_as_many_members_as_a_batch_has_room_for() -> None:
    members = (1 << 20) // len(TINY)
    assert unpacked(GZIP, TINY * members) == b"x" * members


@pytest.mark.parametrize("size", [0, 1, 4095, 4096, 4097, 100_000])
def test_members_of_any_size_stand_beside_each_other(size: int) -> None:
    body = bytes(number * number % 251 for number in range(size))
    assert unpacked(GZIP, (gzip.compress(body, 0) + EMPTY) * 3) == body * 3


@pytest.mark.parametrize("cut", [1, 8, len(TINY) - 1])
def test_the_last_member_may_not_be_cut(cut: int) -> None:
    with pytest.raises(ValueError, match="ends too early"):
        unpacked(GZIP, TINY * 1000 + TINY[:cut])


def test_what_follows_a_member_is_a_member() -> None:
    with pytest.raises(ValueError, match="no gzip"):
        unpacked(GZIP, TINY + b"\0" * 20)


def test_the_bound_is_on_all_members_together() -> None:
    half = gzip.compress(bytes(MAX_UNPACKED_BYTES // 2))
    assert len(unpacked(GZIP, half * 2)) == MAX_UNPACKED_BYTES
    with pytest.raises(ValueError, match="more than"):
        unpacked(GZIP, half * 2 + TINY)
