"""Whatever a broker takes from a producer is read on: each record, or a batch's bytes in place of what is none."""

import gc
import tracemalloc

import pytest
from aiokafka.errors import CorruptRecordException
from aiokafka.record.default_records import DefaultRecordBatch
from hypothesis import given, settings
from hypothesis import strategies as st

from services.contract.messages import MESSAGES
from services.runtime.batches import Batches, Unread
from services.runtime.folding.dead import Why, dead_letter
from services.runtime.folding.fold import Record
from services.runtime.unpacking import MAX_UNPACKED_BYTES
from tests.fuzz.forge import CODECS, Forged, around, batch

TIME = 1_700_000_000_000
MIB = 1 << 20

anything = st.binary(max_size=40)
records = st.builds(
    Forged,
    value=st.none() | anything,
    key=st.none() | anything,
    headers=st.lists(st.tuples(anything, st.none() | anything), max_size=4),
    attributes=st.integers(0, 255),
    later=st.integers(-(2**62), 2**62),
)
codecs = st.sampled_from(sorted(CODECS))


def read(data: bytes) -> list[DefaultRecordBatch]:
    """All records of a fetch."""
    found, fetched = [], Batches(data)
    while fetched.has_next():
        one = fetched.next_batch()
        assert one.validate_crc()
        found += list(one)
    return found


@settings(deadline=None)
@given(st.lists(records, min_size=1, max_size=5), codecs, st.sampled_from([-1, 0, TIME, 2**63 - 1, -(2**63)]))
def test_every_record_comes_as_it_was_written(written: list[Forged], codec: str, time: int) -> None:
    found = read(batch(written, codec, time))
    assert [(one.offset, one.key, one.value) for one in found] == [
        (number, one.key, one.value) for number, one in enumerate(written)
    ]
    for one, by in zip(found, written, strict=True):
        assert one.headers == [(name.decode("utf-8", "backslashreplace"), value) for name, value in by.headers]
        assert (one.timestamp - time - by.later) % 2**64 == 0
        assert -(2**63) <= one.timestamp < 2**63


@settings(deadline=None)
@given(st.binary(max_size=200), codecs, st.integers(1, 5))
def test_what_is_no_record_stands_as_its_batch(body: bytes, codec: str, count: int) -> None:
    """The bytes under a right checksum may be anything; what comes next is still read, at its own offset."""
    odd, good = around(body, count, codec), batch([Forged(b"good")], base=count)
    *first, last = read(odd + good)
    assert (last.offset, last.value) == (count, b"good")
    offsets = [one.offset for one in first]
    assert offsets == sorted(set(offsets) & set(range(count)))
    unread = [one for one in first if isinstance(one.value, Unread)]
    assert unread == first[len(first) - len(unread) :]
    assert all(one.value == odd and one.offset == count - 1 for one in unread)


@pytest.mark.parametrize("codec", sorted(set(CODECS) - {"none"}))
def test_a_bomb_is_not_unpacked(codec: str) -> None:
    bomb = batch([Forged(bytes(MIB)) for _ in range(MAX_UNPACKED_BYTES // MIB + 1)], codec)
    assert len(bomb) < 3 * MIB
    (one,) = read(bomb)
    assert isinstance(one.value, Unread)
    assert "unpacks to more than" in one.value.why
    gc.disable()
    tracemalloc.start()
    for _ in range(5):
        read(bomb)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    gc.enable()
    assert peak < 3 * MAX_UNPACKED_BYTES
    fits = batch([Forged(bytes(MIB)) for _ in range(MAX_UNPACKED_BYTES // MIB - 1)], codec)
    assert [one.offset for one in read(fits)] == list(range(MAX_UNPACKED_BYTES // MIB - 1))


def test_what_attributes_move_is_read_where_it_stands() -> None:
    """aiokafka takes them for a number of several bytes, and what follows for something else."""
    forged = batch([Forged(b"v", attributes=0x80), Forged(b"w")])
    with pytest.raises(CorruptRecordException):
        list(DefaultRecordBatch(forged))
    assert [(one.offset, one.value) for one in read(forged)] == [(0, b"v"), (1, b"w")]
    # Nor does it always notice: here it reads another key, and there offsets that hide what comes next.
    forged = batch([Forged(None), Forged(None, b"\0", attributes=0x80)])
    assert [one.key for one in DefaultRecordBatch(forged)] == [None, b""]
    assert [one.key for one in read(forged)] == [None, b"\0"]
    forged = batch([Forged(b"", b"k", attributes=0x80), Forged(b"w"), Forged(b"x")])
    assert [(one.offset, one.value) for one in read(forged)] == [(0, b""), (1, b"w"), (2, b"x")]


def _framed_by_java(body: bytes) -> bytes:
    blocks = [CODECS["snappy"](body[at : at + 32_768]) for at in range(0, len(body), 32_768)]
    header = b"\x82SNAPPY\x00\x00\x00\x00\x01\x00\x00\x00\x01"
    return header + b"".join(len(block).to_bytes(4, "big") + block for block in blocks)


@pytest.mark.parametrize("rest", [b"", b"\0", b"\0\0\0"], ids=["", "1 byte more", "3 bytes more"])
def test_the_java_client_frames_snappy(rest: bytes) -> None:
    """A broker takes it with a rest that is no length, as the Java client's reader does."""
    body = batch([Forged(b"v" * 50_000), Forged(b"w")])[61:]
    assert [len(one.value) for one in read(around(_framed_by_java(body) + rest, 2, "snappy"))] == [50_000, 1]


def test_one_framed_stream_may_follow_another() -> None:
    body = batch([Forged(b"v" * 50_000), Forged(b"w")])[61:]
    streams = _framed_by_java(body[:40_000]) + _framed_by_java(body[40_000:])
    assert [len(one.value) for one in read(around(streams, 2, "snappy"))] == [50_000, 1]


@given(st.binary(max_size=60), st.integers(0, 80))
def test_whatever_is_framed_ends_in_records_or_in_its_batch(noise: bytes, cut: int) -> None:
    packed = _framed_by_java(batch([Forged(b"v")])[61:])[:cut] + noise
    assert all(one.value is None or isinstance(one.value, bytes) for one in read(around(packed, 1, "snappy")))


@pytest.mark.parametrize(
    "large",
    [
        Forged(b"v" * 2 * MIB, b"k" * 10, [(b"a", b"1")]),
        Forged(b"v", b"k" * 2 * MIB, [(b"a", b"1")]),
        Forged(None, b"k", [(b"a", b"1"), (b"b", b"h" * 2 * MIB)]),
    ],
    ids=["value", "key", "headers"],
)
@pytest.mark.parametrize("codec", sorted(CODECS))
def test_what_no_dead_letter_would_hold_is_not_carried_on(large: Forged, codec: str) -> None:
    one, good = read(batch([large, Forged(b"good")], codec))
    assert good.value == b"good"
    assert len(one.value or b"") + len(one.key) + sum(len(content) for _, content in one.headers) < MIB
    letter = dict(
        dead_letter(MESSAGES, Record(MESSAGES.name, 0, 7, 0, one.key, one.value, one.headers), Why("r", "")).headers
    )
    wholes = {
        "truncated-from-bytes": len(large.value or b""),
        "truncated-key-from-bytes": len(large.key or b""),
        "truncated-headers-from-count": 2,
    }
    told = {name: int(content) for name, content in letter.items() if name.startswith("truncated-")}
    assert len(told) == 1
    assert told.items() <= wholes.items()
    assert isinstance(one.value, Unread) == ("truncated-from-bytes" in told)
    assert letter["source-header-a"] == b"1"


def test_a_wrong_checksum_is_the_brokers_fault_and_half_a_batch_waits() -> None:
    good = batch([Forged(b"good")])
    assert not Batches(good[:-1] + b"!").next_batch().validate_crc()
    assert not Batches(good[:-1]).has_next()
    assert Batches(good + good[:30]).next_batch() is not None
