"""Values on the log as JSON bytes, typed both ways: what decodes is valid, and what is encoded is exact."""

import re
from collections.abc import Hashable, Iterable
from functools import cache
from typing import Any, TypeVar, cast

import msgspec

from services.contract.topic import shared_name
from services.contract.topics import BY_CONTACT
from services.domain.aliases import ALIAS_VERSION

T = TypeVar("T")

# What our facts are written in. A change that an earlier release would misread or not read makes it one more; a reader
# then knows that it, and not the record, is at fault. A record that names none is of the first.
FORMAT = 1
FORMAT_HEADER = "format"
_OUR_FORMAT = b"%d" % FORMAT

# By which table of spellings a record's contact key was made.
ALIAS_HEADER = "alias-version"
_OUR_ALIASES = b"%d" % ALIAS_VERSION

_FORMAT = re.compile(rb"[1-9][0-9]{0,8}")
_TRACEPARENT = re.compile(rb"[0-9a-f]{2}-[0-9a-f]{32}-[0-9a-f]{16}-[0-9a-f]{2}")
_encoder = msgspec.json.Encoder()


class DecodeError(Exception):
    """The bytes are not what the topic holds. The text says where and why, and quotes nothing of them."""


class NewerFormat(Exception):
    """A newer release of ours wrote the record. The text says what to do."""


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


def format_of(headers: Iterable[tuple[str, bytes | None]]) -> int:
    """The format that a record says it is written in; what is no number says nothing."""
    named = [content for name, content in headers if name == FORMAT_HEADER and content]
    if named == [_OUR_FORMAT]:
        # As of nearly all.
        return FORMAT
    return max([int(content) for content in named if _FORMAT.fullmatch(content)], default=1)


def refuse_newer(headers: Iterable[tuple[str, bytes | None]], where: str) -> None:
    """Raises NewerFormat for a record, which stands at `where`, of a format that this release does not read."""
    if (found := format_of(headers)) > FORMAT:
        raise NewerFormat(
            f"{where} is written in format {found}, and this release reads up to {FORMAT}: a newer release runs beside "
            "this one, or ran before it. Nothing is lost or skipped: start the newer release again, and go back to an "
            "older one only with topics that it wrote"
        )


def headers(topic_name: str, traceparent: bytes | None = None) -> list[tuple[str, bytes]]:
    """The headers of a record: content type, schema, format, the aliases of a contact key, and its trace if known."""
    fixed = _fixed_headers(topic_name)
    return [*fixed, ("traceparent", traceparent)] if traceparent else list(fixed)


@cache
def _fixed_headers(topic_name: str) -> tuple[tuple[str, bytes], ...]:
    fixed = (
        ("content-type", b"application/json"),
        ("schema", shared_name(topic_name).encode()),
        (FORMAT_HEADER, _OUR_FORMAT),
    )
    return (*fixed, (ALIAS_HEADER, _OUR_ALIASES)) if topic_name in BY_CONTACT else fixed


def other_aliases(headers: Iterable[tuple[str, bytes | None]]) -> str | None:
    """The alias version that a contact key was made by, or `none`, where that is not ours; else None."""
    for name, stated in headers:
        if name == ALIAS_HEADER:
            return None if stated == _OUR_ALIASES else (stated or b"")[:20].decode("utf-8", "replace") or "none"
    return "none"
