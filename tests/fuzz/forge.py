"""Record batches that no client library would write, and a producer that sends them as they are."""

import gzip
import struct
from collections.abc import Iterable
from typing import NamedTuple

import cramjam
from aiokafka import AIOKafkaProducer
from aiokafka.codec import lz4_encode
from aiokafka.record._crc32c import crc as crc32c

CODECS = {
    "none": lambda body: body,
    "gzip": gzip.compress,
    "snappy": lambda body: bytes(cramjam.snappy.compress_raw(body)),
    # Brokers take no blocks that refer to each other.
    "lz4": lz4_encode,
    "zstd": lambda body: bytes(cramjam.zstd.compress(body)),
}


class Forged(NamedTuple):
    """A record; header names are bytes, `attributes` means nothing to anybody."""

    value: bytes | None = b""
    key: bytes | None = None
    headers: Iterable[tuple[bytes, bytes | None]] = ()
    attributes: int = 0
    # Milliseconds after the batch's first.
    later: int = 0


def batch(records: Iterable[Forged], codec: str = "none", time: int = 1_700_000_000_000, base: int = 0) -> bytes:
    """A batch in Kafka's format 2, with a right checksum."""
    records = list(records)
    body = b"".join(_framed(_record(number, record)) for number, record in enumerate(records))
    return around(CODECS[codec](body), len(records), codec, time, base)


def around(packed: bytes, count: int, codec: str, time: int = 1_700_000_000_000, base: int = 0) -> bytes:
    """A batch of `count` records, around what is said to be them, packed."""
    tail = struct.pack(">hiqqqhii", list(CODECS).index(codec), count - 1, time, time, -1, -1, -1, count) + packed
    return struct.pack(">qiibI", base, 9 + len(tail), -1, 2, crc32c(tail)) + tail


async def send(producer: AIOKafkaProducer, topic: str, partition: int, forged: bytes) -> int:
    """Write a batch as it is; the offset of its first record. The producer must not be idempotent."""
    builder = producer.create_batch()
    builder.close()
    builder._buffer = forged
    (builder._relative_offset,) = struct.unpack_from(">i", forged, 57)
    done = await (await producer.send_batch(builder, topic, partition=partition))
    return int(done.offset)


def _record(number: int, record: Forged) -> bytes:
    headers = list(record.headers)
    named = b"".join(varint(len(name)) + name + _nullable(value) for name, value in headers)
    start = bytes([record.attributes]) + varint(record.later) + varint(number)
    return start + _nullable(record.key) + _nullable(record.value) + varint(len(headers)) + named


def _framed(record: bytes) -> bytes:
    return varint(len(record)) + record


def _nullable(value: bytes | None) -> bytes:
    return varint(-1) if value is None else varint(len(value)) + value


def varint(number: int) -> bytes:
    zigzag = (number << 1) ^ (number >> 63)
    found = bytearray()
    while zigzag >= 0x80:
        found.append(zigzag & 0x7F | 0x80)
        zigzag >>= 7
    return bytes([*found, zigzag])
