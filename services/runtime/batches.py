"""Record batches as a broker hands them out, read with distrust: whatever it took from a producer can be read on.

aiokafka's parser stops at a header name that is not UTF-8, reads a record's attributes as a number of any length (so
that a forged one moves the offset), and unpacks a compressed batch whole, however large it becomes. A partition
would be held up, or a process's memory used up, by one record. Here such a batch is read record by record; what
cannot be read even so stands as one `Unread` record with the batch's bytes. A wrong checksum is still an error: it
is no producer's doing.
"""

import struct
from collections.abc import Iterator, Sequence
from typing import Any, Self

from aiokafka.errors import CorruptRecordException
from aiokafka.record.default_records import DefaultRecord, DefaultRecordBatch
from aiokafka.record.legacy_records import LegacyRecordBatch

from services.contract import letters
from services.runtime.unpacking import unpacked

# No key, value or headers of ours are larger. Of a stranger's no more is carried on than a dead letter has room for,
# lest a few of them fill the memory.
_LARGE_BYTES = 1 << 20
MAX_VALUE_BYTES = 900 * 1024
MAX_KEY_BYTES = 32 * 1024
MAX_HEADERS_BYTES = 32 * 1024
# Stands among the headers in place of those that are left out.
HEADERS_CUT = f"{letters.TRUNCATED}headers-from-count"

_LENGTH = struct.Struct(">qi")
# Offset, length, epoch, magic, checksum, attributes, last offset delta, first and last timestamp, producer id, its
# epoch, sequence, count.
_HEADER = struct.Struct(">qiibIhiqqqhii")
_MAGIC_AT = 16
_ATTRIBUTES_AT = 21
_CODEC = 0x07
_APPEND_TIME = 0x08


class Cut(bytes):
    """The beginning of a key or a value that was `whole` bytes long."""

    whole: int

    def __new__(cls, whole: bytes, most: int) -> Self:
        cut = super().__new__(cls, whole[:most])
        cut.whole = len(whole)
        return cut


class Unread(Cut):
    """A value that is not to be taken for one, and why: too long, or the batch whose records cannot be read."""

    why: str
    # Is it the batch?
    batch: bool


def unread(whole: bytes, why: str, batch: bool = False) -> Unread:
    found = Unread(whole, MAX_VALUE_BYTES)
    found.why, found.batch = why, batch
    return found


class Batch:
    """A batch of today's format, with what aiokafka's fetcher asks of one."""

    def __init__(self, data: bytes) -> None:
        self._data = data
        self._parsed = DefaultRecordBatch(data)
        self.base_offset: int = self._parsed.base_offset
        self.next_offset: int = self._parsed.next_offset
        self.producer_id: int = self._parsed.producer_id
        self.is_transactional: bool = self._parsed.is_transactional
        self.is_control_batch: bool = self._parsed.is_control_batch

    def validate_crc(self) -> bool:
        valid: bool = self._parsed.validate_crc()
        return valid

    def __next__(self) -> Any:
        """The first record of a control batch: those are the broker's own."""
        return next(self._parsed)

    def __iter__(self) -> Iterator[Any]:
        if len(self._data) <= _LARGE_BYTES and self._parsed.compression_type == 0:
            return self._records()
        return map(_bounded, self._records())

    def _records(self) -> Iterator[Any]:
        last = self.base_offset - 1
        try:
            for record in self._quickly():
                if not last < record.offset < self.next_offset:
                    break
                yield record
                last = record.offset
            else:
                return
        except (CorruptRecordException, ValueError, IndexError, struct.error):
            pass
        try:
            for record in _carefully(self._data):
                if record.offset >= self.next_offset:
                    raise ValueError("an offset beyond the batch")
                if record.offset > last:
                    yield record
                    last = record.offset
        except (ValueError, IndexError, struct.error) as error:
            yield self._unread(last + 1, str(error))

    def _quickly(self) -> Any:
        """aiokafka's records, unpacked within bounds, where it reads what stands there."""
        body = _body(self._data)
        if not _plain_attributes(body, _HEADER.unpack_from(self._data)[-1]):
            return _carefully(self._data)
        if self._parsed.compression_type == 0:
            return self._parsed
        plain = bytearray(self._data[: _HEADER.size])
        plain[_ATTRIBUTES_AT + 1] &= ~_CODEC & 0xFF
        return DefaultRecordBatch(bytes(plain) + body)

    def _unread(self, first: int, why: str) -> Any:
        last = self.next_offset - 1
        told = f"offsets {first} to {last} cannot be read: {why}; the value is their whole record batch"
        timestamp, kind = self._parsed.max_timestamp, self._parsed.timestamp_type
        return DefaultRecord(last, timestamp, kind, None, unread(self._data, told, batch=True), [])


class Batches:
    """The batches of a fetch. A last one that is not whole is left out: it is fetched again."""

    def __init__(self, data: bytes | None) -> None:
        self._data = data or b""
        self._at = 0

    def size_in_bytes(self) -> int:
        return len(self._data)

    def has_next(self) -> bool:
        return self._end() is not None

    def next_batch(self) -> Any:
        end = self._end()
        if end is None:
            return None
        data, self._at = self._data[self._at : end], end
        return Batch(data) if data[_MAGIC_AT] >= 2 else LegacyRecordBatch(data, data[_MAGIC_AT])

    def _end(self) -> int | None:
        if len(self._data) - self._at < _LENGTH.size:
            return None
        _, length = _LENGTH.unpack_from(self._data, self._at)
        end: int = self._at + _LENGTH.size + length
        if length < _MAGIC_AT:
            raise CorruptRecordException(f"a record batch of {length} bytes")
        return end if end <= len(self._data) else None


def _bounded(record: Any) -> Any:
    """The record without what no dead letter would hold of it."""
    key, value, headers = record.key, record.value, record.headers
    if value is not None and len(value) > _LARGE_BYTES:
        value = unread(value, f"a value of {len(value)} bytes; a record has at most {_LARGE_BYTES}")
    if key is not None and len(key) > _LARGE_BYTES:
        key = Cut(key, MAX_KEY_BYTES)
    if sum(len(name) + len(content or b"") for name, content in headers) > _LARGE_BYTES:
        headers = list(within(headers, MAX_HEADERS_BYTES))
    if value is record.value and key is record.key and headers is record.headers:
        return record
    return DefaultRecord(record.offset, record.timestamp, record.timestamp_type, key, value, headers)


def within(headers: Sequence[tuple[str, bytes | None]], room: int) -> Iterator[tuple[str, bytes | None]]:
    """The first headers, as many as there is room for; then one that says how many there were."""
    for name, content in headers:
        # A few bytes for the frame of each, so that empty ones count too.
        room -= len(name.encode()) + len(content or b"") + 10
        if room < 0:
            yield HEADERS_CUT, str(len(headers)).encode()
            return
        yield name, content


def _body(batch: bytes) -> bytes:
    """The records of a batch, unpacked. Raises ValueError where that cannot be done within bounds."""
    codec, rest = _HEADER.unpack_from(batch)[5] & _CODEC, batch[_HEADER.size :]
    return unpacked(codec, rest) if codec else rest


def _plain_attributes(body: bytes, count: int) -> bool:
    """Whether each record's attributes are the same as a byte and as a number: else the rest is read one byte late."""
    reader = _Reader(body)
    for _ in range(count):
        length = reader.number()
        if length < 1 or body[reader.at] & 0x80:
            return False
        reader.at += length
    return True


def _carefully(batch: bytes) -> Iterator[Any]:
    """The records of a batch, one by one. Raises ValueError or IndexError at the first that is none."""
    base, *_, attributes, _last, first_time, last_time, _id, _epoch, _sequence, count = _HEADER.unpack_from(batch)
    append_time = attributes & _APPEND_TIME
    reader = _Reader(_body(batch))
    for _ in range(count):
        reader.number()
        reader.at += 1  # its attributes: a byte without a meaning
        time = first_time + reader.number()
        offset = base + reader.number()
        key, value = reader.nullable(), reader.nullable()
        headers = [(reader.name(), reader.nullable()) for _ in range(reader.number())]
        yield DefaultRecord(
            offset, last_time if append_time else _long(time), int(bool(append_time)), key, value, headers
        )


def _long(number: int) -> int:
    """As 64 bits hold it, wrapped around as everybody else's arithmetic does."""
    return (number + (1 << 63)) % (1 << 64) - (1 << 63)


class _Reader:
    """Kafka's variable-length numbers and what they are the lengths of."""

    def __init__(self, data: bytes) -> None:
        self._data = data
        self.at = 0

    def number(self) -> int:
        found = shift = 0
        while True:
            byte = self._data[self.at]
            self.at += 1
            found |= (byte & 0x7F) << shift
            if byte < 0x80:
                return (found >> 1) ^ -(found & 1)
            shift += 7
            if shift > 63:
                raise ValueError("a number without an end")

    def nullable(self) -> bytes | None:
        length = self.number()
        return None if length < 0 else self._bytes(length)

    def name(self) -> str:
        """A header's name; what is not UTF-8 in it becomes `\\xff`."""
        return self._bytes(self.number()).decode("utf-8", "backslashreplace")

    def _bytes(self, length: int) -> bytes:
        end = self.at + length
        if not 0 <= length <= len(self._data) - self.at:
            raise ValueError("a length beyond the end")
        found, self.at = self._data[self.at : end], end
        return found
