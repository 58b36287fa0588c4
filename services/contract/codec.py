"""Values on the log as JSON bytes, typed both ways: what decodes is valid, and what is encoded is exact."""

import re
from collections.abc import Hashable, Iterable
from functools import cache
from typing import Any, TypeVar, cast

import msgspec

T = TypeVar("T")

_TRACEPARENT = re.compile(rb"[0-9a-f]{2}-[0-9a-f]{32}-[0-9a-f]{16}-[0-9a-f]{2}")
_encoder = msgspec.json.Encoder()


class DecodeError(Exception):
    """The bytes are not what the topic holds. The text says where and why, and quotes nothing of them."""


@cache
def _decoder(type_: Hashable) -> msgspec.json.Decoder[Any]:
    return msgspec.json.Decoder(cast(Any, type_))


def encode(value: Any) -> bytes:
    """An event or a table row as JSON."""
    return _encoder.encode(value)


def decode(data: bytes | None, type_: type[T]) -> T:
    """A typed value from JSON. Raises DecodeError, also for a missing value (a tombstone)."""
    if data is None:
        raise DecodeError("the record has no value")
    holds: Any = type_  # mypy takes type[T] for unhashable
    try:
        value: T = _decoder(holds).decode(data)
    # Unchained: the cause quotes the value, and a traceback in a log would tell it.
    except msgspec.DecodeError as error:
        raise DecodeError(_without_quote(str(error))) from None
    except UnicodeDecodeError:
        raise DecodeError("a text is not UTF-8") from None
    except RecursionError:
        raise DecodeError("nested too deeply") from None
    return value


def _without_quote(text: str) -> str:
    """msgspec's message; where it quotes the value, without that. The path after it holds no keys of maps."""
    if not text.startswith("Invalid enum value"):
        return text
    _, where, path = text.rpartition(" - at `$")
    return f"Invalid enum value{where}{path}"


def traceparent(headers: Iterable[tuple[str, bytes | None]]) -> bytes | None:
    """The trace that a record belongs to, if its headers name one in W3C's form."""
    for name, content in headers:
        if name == "traceparent" and content is not None and _TRACEPARENT.fullmatch(content):
            return content
    return None


def headers(topic_name: str, traceparent: bytes | None = None) -> list[tuple[str, bytes]]:
    """The headers of a record: content type, schema and, where one is known, the trace that it belongs to."""
    fixed = _fixed_headers(topic_name)
    return [*fixed, ("traceparent", traceparent)] if traceparent else list(fixed)


@cache
def _fixed_headers(topic_name: str) -> tuple[tuple[str, bytes], ...]:
    return ("content-type", b"application/json"), ("schema", topic_name.encode())
