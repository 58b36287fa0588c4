"""Where a key belongs: the partition that any Kafka client chooses, by 32-bit MurmurHash2 with Kafka's seed.

aiokafka has the hash too, byte by byte; a word at a time takes half as long, and it is needed for every record.
A test compares the two.
"""

import struct
from functools import lru_cache
from itertools import count

_SEED = 0x9747B28C
_MULTIPLIER = 0x5BD1E995
_WORD = 0xFFFFFFFF
_REMEMBERED_BYTES = 256


def partition_of(key: bytes, count: int) -> int:
    """The partition of a key, of `count`."""
    # A command's and its contact's key come several times within a moment; a stranger's may be of any length.
    return _on(_lately(key) if len(key) <= _REMEMBERED_BYTES else murmur2(key), count)


def partition_once(key: bytes, count: int) -> int:
    """The same, where a key does not come again within a moment: to remember it costs more than to reckon it."""
    return _on(murmur2(key), count)


def _on(hashed: int, count: int) -> int:
    return (hashed & 0x7FFFFFFF) % count


def murmur2(data: bytes) -> int:
    """The hash as an unsigned 32-bit number."""
    length = len(data)
    hashed = _SEED ^ length
    for word in struct.unpack_from(f"<{length >> 2}I", data):
        mixed = word * _MULTIPLIER & _WORD
        hashed = (hashed * _MULTIPLIER ^ (mixed ^ mixed >> 24) * _MULTIPLIER) & _WORD
    if tail := data[length & ~3 :]:
        hashed = (hashed ^ int.from_bytes(tail, "little")) * _MULTIPLIER & _WORD
    hashed = (hashed ^ hashed >> 13) * _MULTIPLIER & _WORD
    return hashed ^ hashed >> 15


_lately = lru_cache(maxsize=4096)(murmur2)


def key_on(partition: int, partitions: int) -> str:
    """A key, no contact's, whose records lie on this partition: for what is said once on each."""
    return next(
        key for number in count() if partition_of((key := f"|every-{number}").encode(), partitions) == partition
    )
