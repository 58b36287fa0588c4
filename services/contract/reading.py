"""A record's value as a JSON object, read with distrust: what is no such object, and what is in it that cannot stay."""

import codecs
import json
import math
from collections.abc import Iterator
from typing import Any, NamedTuple

import msgspec

from services.contract.codec import DecodeError

# Twilio takes 1,600 characters and ten URLs; what is longer is no message.
MAX_COMMAND_BYTES = 64 * 1024
# Of a name that strangers chose.
_SHOWN = 64
_MOST_NAMED = 10

# What each thing of JSON is called in a sentence; the first that fits, since Python takes True for 1.
KINDS: dict[type, str] = {
    type(None): "null",
    bool: "true or false",
    int: "a whole number",
    float: "a number with a decimal point",
    str: "a text",
    list: "a list",
    dict: "an object",
}


class NotACommand(DecodeError):
    """The value is no JSON object of bounded size: it cannot be judged field by field."""


class Read(NamedTuple):
    """The object, and what is wrong with its very values, a sentence each."""

    fields: dict[str, Any]
    faults: list[str]


class _Pairs(dict[str, Any]):
    """A JSON object that remembers which names stood in it twice."""

    def __init__(self, pairs: list[tuple[str, Any]]) -> None:
        super().__init__(pairs)
        names = [name for name, _ in pairs]
        self.doubled = sorted({name for name in names if names.count(name) > 1}) if len(self) < len(names) else []


def read_object(value: bytes | None) -> Read:
    """The JSON object of a record. Raises NotACommand.

    What strict JSON has no place for, but common writers write (NaN, half a character), is a fault of its field.
    """
    if value is None:
        raise NotACommand("the record has no value; produce one JSON object")
    if len(value) > MAX_COMMAND_BYTES:
        raise NotACommand(f"{len(value)} bytes; a command has at most {MAX_COMMAND_BYTES}: give media by their URLs")
    if (known := _plainly(value)) is not None:
        return Read(known, [])
    found, trouble = _loosely(value), _not_json(value)
    if not isinstance(found, dict):
        raise NotACommand(trouble or f"JSON, but {kind_of(found)}; produce one object")
    faults = [] if _is_plain(found) else list(_faults(found))
    if trouble and not faults:
        raise NotACommand(trouble)
    return Read(found, faults[:_MOST_NAMED])


def names_of(value: bytes | None) -> dict[str, Any]:
    """The names that a value that is no command may still tell of itself: enough to answer by them."""
    try:
        found = json.loads((value or b"").decode("utf-8", "replace"), strict=False)
    except (ValueError, RecursionError):
        return {}
    return found if isinstance(found, dict) else {}


def kind_of(value: Any) -> str:
    return next(words for kind, words in KINDS.items() if isinstance(value, kind))


def printable(text: str, most: int = _SHOWN) -> str:
    """A text of a stranger's as it can be written to the log, and not without end."""
    return text[:most].encode("utf-8", "replace").decode()


_decoder = json.JSONDecoder(object_pairs_hook=_Pairs)


def _plainly(value: bytes) -> dict[str, Any] | None:
    """An object in which nothing can be a fault, as most are; None where it must be looked at more closely.

    Without escapes each text in it has two quotation marks: where there are more of them than of the texts that were
    read, a name stood there twice.
    """
    if b"\\" in value or not value.isascii():
        return None
    try:
        found = msgspec.json.decode(value)
        plain = isinstance(found, dict) and value.count(b'"') == 2 * _texts(found)
    except (msgspec.DecodeError, ValueError, RecursionError):
        return None
    return found if plain else None


def _texts(found: Any) -> float:
    """How many texts, names among them, stand in it; no number where a fraction, or what may be one, does."""
    match found:
        case str():
            return 1
        case float():
            return math.nan
        case dict():
            # Most of what is in it is text.
            return len(found) + sum([1 if type(one) is str else _texts(one) for one in found.values()])
        case list():
            return sum(map(_texts, found))
    return 0


def _loosely(value: bytes) -> Any:
    """As `json.loads` reads it, which makes a decoder each time."""
    try:
        return _decoder.decode(value.decode(json.detect_encoding(value), "surrogatepass"))
    except (ValueError, RecursionError):
        return None


def _not_json(value: bytes) -> str | None:
    if value.startswith(codecs.BOM_UTF8):
        return "not JSON: a byte order mark stands before it; write UTF-8 without one"
    try:
        msgspec.json.decode(value)
    except UnicodeDecodeError:
        return "not JSON: it is not UTF-8; write the object in UTF-8"
    except (msgspec.DecodeError, ValueError):
        return f"not JSON: {_where_it_ends(value)}; write one object, names and texts in double quotes"
    except RecursionError:
        return "nested too deeply; a command is flat"
    return None


def _where_it_ends(value: bytes) -> str:
    try:
        json.loads(value)
    except json.JSONDecodeError as error:
        cut = error.pos >= len(error.doc.rstrip()) or error.msg.startswith("Unterminated")
        return "it ends too early" if cut else f"wrong at line {error.lineno}, column {error.colno}"
    except (ValueError, RecursionError):
        pass
    return "a number in it is none, or is too long"


def _is_plain(found: Any) -> bool:
    """Whether nothing in it can be a fault, as in most: then no place in it needs a name."""
    rest = [found]
    while rest:
        match rest.pop():
            case str(text):
                if not text.isascii():
                    return False
            case _Pairs() as pairs:
                if pairs.doubled or not "".join(pairs).isascii():
                    return False
                rest.extend(pairs.values())
            case list(values):
                rest.extend(values)
            case float(number):
                if not math.isfinite(number):
                    return False
    return True


def _faults(found: Any, path: str = "") -> Iterator[str]:
    match found:
        case _Pairs():
            for name in found.doubled:
                yield f"{path}{printable(name)}: twice in one object; name it once"
            for name, value in found.items():
                if _halved(name):
                    yield f"{path}{printable(name)}: half a character in the name (a lone surrogate)"
                yield from _faults(value, f"{path}{printable(name)}.")
        case list():
            for place, value in enumerate(found):
                yield from _faults(value, f"{path[:-1]}[{place}].")
        case str() if _halved(found):
            yield f"{path[:-1]}: half a character (a lone surrogate); the text was cut in the middle of one, or garbled"
        case float() if not math.isfinite(found):
            yield f"{path[:-1]}: no number, or one beyond all bounds; leave it out"
        case _:
            pass


def _halved(text: str) -> bool:
    return not text.isascii() and any("\ud800" <= char <= "\udfff" for char in text)
