"""Event ids are derived, never drawn: the same fact has the same id wherever and whenever it is computed."""

import hashlib
import struct
from collections.abc import Iterable
from typing import NamedTuple

_HEX_DIGITS = 32
_length = struct.Struct(">I").pack


def _digest(parts: Iterable[bytes]) -> str:
    # Each part goes in with its length, so that ("ab", "c") and ("a", "bc") differ.
    text = b"".join([piece for part in parts for piece in (_length(len(part)), part)])
    return hashlib.sha256(text).hexdigest()[:_HEX_DIGITS]


class Place(NamedTuple):
    """Where a record stands in its topic: two records may have one offset and one time, on two partitions."""

    partition: int
    offset: int


def raw_event_id(kind: str, tenant: str, content: Iterable[bytes]) -> str:
    """The id of a fact as Twilio stated it: 32 hex digits of its content, without the time of arrival."""
    return _digest((kind.encode(), tenant.encode(), *content))


def derived_event_id(source_id: str, kind: str, transition: str) -> str:
    """The id of what a fold emits: 32 hex digits of its source's id, its kind and the transition it states."""
    return _digest((source_id.encode(), kind.encode(), transition.encode()))
