"""Form bodies, exactly: blanks, repeats, empty names, `+` and `%2B`, order. Nothing is trimmed or merged.

The Rust parser is several times faster than `parse_qsl`, and wrong in two cases that are kept from it: it
decodes before it splits, so an escaped `=` may end a name; and a pair that is not UTF-8 comes back whole as
a name, with its percent signs. A test compares the two.
"""

from typing import NamedTuple
from urllib.parse import parse_qsl

from fast_query_parsers import parse_query_string

# Parameters as ingress passes them on: name and value, in the order sent.
Pairs = list[tuple[str, str]]


class Form(NamedTuple):
    """Names and values as sent. Bytes that are not UTF-8 stand as lone surrogates if not `decodable`."""

    pairs: Pairs
    decodable: bool


def parse(body: bytes) -> Form:
    """Read `application/x-www-form-urlencoded`. Total: broken percent escapes stay as they are."""
    if body.isascii() and b"%3D" not in body and b"%3d" not in body:
        pairs: Pairs = parse_query_string(body, "&")
        if "%" not in "".join([name for name, _ in pairs]):
            return Form(pairs, True)
    text = body.decode("utf-8", "surrogateescape")
    pairs = parse_qsl(text, keep_blank_values=True, encoding="utf-8", errors="surrogateescape")
    return Form(pairs, all(_decodable(name) and _decodable(value) for name, value in pairs))


def legible(pairs: Pairs) -> Pairs:
    """The pairs as text that any reader can take: bytes that are not UTF-8 become `\\xff`."""
    return [(_legible(name), _legible(value)) for name, value in pairs]


def _legible(text: str) -> str:
    return text.encode("utf-8", "surrogateescape").decode("utf-8", "backslashreplace")


def _decodable(text: str) -> bool:
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return True
