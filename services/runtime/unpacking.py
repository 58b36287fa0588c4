"""The compressions that a Kafka producer may use, undone within bounds."""

import struct
import zlib
from collections.abc import Iterator
from contextlib import suppress
from typing import Any

import cramjam

# What a compressed batch may become. A broker takes 1 MiB by default; of zeros that would be gigabytes.
MAX_UNPACKED_BYTES = 32 << 20

# What zlib is given at once; it copies as much, at most, for each member.
_PIECE_BYTES = 4096

_GZIP, _SNAPPY, _LZ4, _ZSTD = 1, 2, 3, 4
_XERIAL = b"\x82SNAPPY\x00"


def unpacked(codec: int, packed: bytes) -> bytes:
    """The records of a batch, by Kafka's number of the compression.

    Raises ValueError where they are too many, or cannot be unpacked.
    """
    if codec == _GZIP:
        return _inflated(packed)
    if codec == _SNAPPY:
        return b"".join(_snappy_blocks(packed))
    if codec in (_LZ4, _ZSTD):
        return _into_bounds(cramjam.lz4 if codec == _LZ4 else cramjam.zstd, packed)
    raise ValueError(f"unknown compression {codec}")


def _inflated(packed: bytes) -> bytes:
    """One gzip member after another. Read in pieces: zlib copies what follows a member, so a whole rest each time."""
    blocks, at, room = [], 0, MAX_UNPACKED_BYTES
    while at < len(packed):
        stream = zlib.decompressobj(wbits=31)
        while not stream.eof:
            piece = packed[at : at + _PIECE_BYTES]
            if not piece:
                raise ValueError("gzip ends too early")
            try:
                blocks.append(stream.decompress(piece, room + 1))
            except zlib.error as error:
                raise ValueError("no gzip") from error
            room -= len(blocks[-1])
            if room < 0:
                raise _too_large()
            at += len(piece) - len(stream.unused_data)
    return b"".join(blocks)


def _snappy_blocks(packed: bytes) -> Iterator[bytes]:
    """Blocks as the Java client frames them, or one block as others write it."""
    if not packed.startswith(_XERIAL):
        yield _snappy(packed, MAX_UNPACKED_BYTES)
        return
    at, room = 16, MAX_UNPACKED_BYTES
    # A rest that is no length is the end, as the Java client has it.
    while at + 4 <= len(packed):
        if packed.startswith(_XERIAL, at):
            # One stream after another.
            at += 16
            continue
        (size,) = struct.unpack_from(">i", packed, at)
        if size < 0 or at + 4 + size > len(packed):
            raise ValueError("a snappy block ends too early")
        block = _snappy(packed[at + 4 : at + 4 + size], room)
        yield block
        at, room = at + 4 + size, room - len(block)


def _snappy(block: bytes, room: int) -> bytes:
    try:
        if cramjam.snappy.decompress_raw_len(block) > room:
            raise _too_large()
        return bytes(cramjam.snappy.decompress_raw(block))
    except cramjam.DecompressionError as error:
        raise ValueError("no snappy") from error


def _into_bounds(codec: Any, packed: bytes) -> bytes:
    """Unpack into a buffer that does not grow: first into a likely one, then into the largest."""
    for size in (16 * len(packed), MAX_UNPACKED_BYTES):
        # Errors are not kept: with them the buffers would be, until a garbage collection.
        with suppress(cramjam.DecompressionError):
            buffer = bytearray(min(size, MAX_UNPACKED_BYTES))
            return bytes(memoryview(buffer)[: codec.decompress_into(packed, buffer)])
    raise ValueError(f"it unpacks to more than {MAX_UNPACKED_BYTES} bytes, or not at all")


def _too_large() -> ValueError:
    return ValueError(f"it unpacks to more than {MAX_UNPACKED_BYTES} bytes")
