"""The spool's file format: one line per fact, each with a checksum, so that a broken line is known for one.

A line is `{crc32 of the rest, 8 hex digits} {JSON}\\n`; the JSON is `[spooled at (ms), topic, key, value,
headers]` with key, value and header values in base64.
"""

from base64 import b64decode, b64encode
from typing import NamedTuple
from zlib import crc32

import msgspec


class Fact(NamedTuple):
    """A record to be written to Kafka: key, value and header values are bytes as they go onto the log."""

    topic: str
    key: bytes
    value: bytes
    headers: list[tuple[str, bytes]]


class Segment(NamedTuple):
    """What was read of a file: facts in order, damaged lines, and a last line that was never finished."""

    facts: list[Fact]
    corrupt: list[bytes]
    torn: bytes


_Line = tuple[int, str, str, str, list[tuple[str, str]]]
_decoder = msgspec.json.Decoder(_Line)
_encoder = msgspec.json.Encoder()


def encode(fact: Fact, at_ms: int) -> bytes:
    """One line, with its end."""
    headers = [(name, _text(value)) for name, value in fact.headers]
    content = _encoder.encode((at_ms, fact.topic, _text(fact.key), _text(fact.value), headers))
    return b"%08x %b\n" % (crc32(content), content)


def decode(data: bytes) -> Segment:
    """Read a whole file. Total.

    Only what follows the last line end counts as torn: that write was never acknowledged, for its fsync never
    returned. A finished line with a wrong checksum was damaged later, and is reported.
    """
    *lines, torn = data.split(b"\n")
    facts, corrupt = [], []
    for line in lines:
        decoded = _line(line)
        if decoded is None:
            corrupt.append(line)
        else:
            facts.append(_fact(decoded))
    return Segment(facts, corrupt, torn)


def fact_of(line: bytes) -> Fact | None:
    """The fact of a line without its end, or None for a broken one."""
    decoded = _line(line)
    return None if decoded is None else _fact(decoded)


def spooled_at(line: bytes) -> int | None:
    """When the fact of this line was spooled (ms since 1970), or None for a broken line."""
    decoded = _line(line.rstrip(b"\n"))
    return None if decoded is None else decoded[0]


def _line(line: bytes) -> _Line | None:
    checksum, _, content = line.partition(b" ")
    if checksum != b"%08x" % crc32(content):
        return None
    try:
        decoded: _Line = _decoder.decode(content)
    except (msgspec.DecodeError, UnicodeDecodeError):
        return None
    return decoded


def _fact(line: _Line) -> Fact:
    _, topic, key, value, headers = line
    return Fact(topic, b64decode(key), b64decode(value), [(name, b64decode(text)) for name, text in headers])


def _text(data: bytes) -> str:
    return b64encode(data).decode()
