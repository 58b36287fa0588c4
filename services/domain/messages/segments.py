"""How a text becomes SMS segments: GSM-7 (GSM 03.38) where its alphabet suffices, UCS-2 (UTF-16 units) elsewhere.

What Twilio bills may differ: a Messaging Service's smart encoding replaces characters first (`smart_encoding`).
"""

from collections.abc import Iterable
from typing import Literal, NamedTuple

from gsm0338 import Codec

Encoding = Literal["GSM-7", "UCS-2"]

_ESCAPE = 0x1B


class Segments(NamedTuple):
    segments: int
    encoding: Encoding


def _septets() -> dict[str, int]:
    codec = Codec()
    alone = {codec.decode(bytes([code]))[0]: 1 for code in range(128) if code != _ESCAPE}
    escaped = (codec.decode(bytes([_ESCAPE, code]), "ignore")[0] for code in range(128))
    return {char: 2 for char in escaped if len(char) == 1} | alone


_SEPTETS = _septets()
# Of one septet each, as most texts are all through.
_PLAIN = frozenset(char for char, septets in _SEPTETS.items() if septets == 1)


def segments(text: str) -> Segments:
    """The segments of a text; an empty one takes one."""
    if _PLAIN.issuperset(text):
        return Segments(1 if len(text) <= 160 else -(-len(text) // 153), "GSM-7")
    septets = [_SEPTETS.get(char, 0) for char in text]
    if all(septets):
        return Segments(_filled(septets, 160, 153), "GSM-7")
    return Segments(_filled((1 + (char > "\uffff") for char in text), 70, 67), "UCS-2")


def _filled(sizes: Iterable[int], alone: int, joined: int) -> int:
    """Units that belong together (an escape, a surrogate pair) are never split, so a segment may stay short of one."""
    sizes = list(sizes)
    if sum(sizes) <= alone:
        return 1
    count, left = 1, joined
    for size in sizes:
        if size > left:
            count, left = count + 1, joined
        left -= size
    return count
