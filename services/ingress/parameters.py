"""A request's parameters, exactly as sent: of a form, a query, or a JSON document. Nothing is trimmed or merged.

Of a form that is blanks, repeats, empty names, `+` and `%2B`, order. The Rust parser is several times faster than
`parse_qsl`, and wrong in two cases that are kept from it: it decodes before it splits, so an escaped `=` may end a
name; and a pair that is not UTF-8 comes back whole as a name, with its percent signs. A test compares the two. Neither
case is Twilio's: what they cost is bounded.
"""

import re
from secrets import token_hex
from typing import NamedTuple, TypeVar
from urllib.parse import unquote_to_bytes

import msgspec
from fast_query_parsers import parse_query_string

from services.ingress.reasons import MOST_PARAMETERS, Rejected

# Parameters as ingress passes them on: name and value, in the order sent.
Pairs = list[tuple[str, str]]

# No name of Twilio's is escaped. To look costs a usual webhook more than to see it afterwards.
_ESCAPED_NAME = re.compile(rb"&[^=&]*%")
_USUAL = 100
# Of what Twilio never was seen to send: escapes in what is not ASCII; pairs where that is so, or a name is escaped.
_MOST_ESCAPES = 1500
_MOST_ODD = 250
# They stand for an escaped `&` and an escaped `=` while all of a text is unescaped at once; no webhook has them.
_AND, _IS = "\1", "\2"
# And these for the bare ones in what is not UTF-8; nobody can guess them.
_BETWEEN, _BEHIND = (f"\0{token_hex(16)}\0" for _ in range(2))


class _Named(msgspec.Struct):
    """All that is read of a JSON document before it is believed: what is passed over costs a hundredth.

    Strings alone are read: long numbers in their place would cost a thousand times what they do elsewhere.
    """

    AccountSid: msgspec.Raw = msgspec.Raw()
    From: msgspec.Raw = msgspec.Raw()
    MessagingServiceSid: msgspec.Raw = msgspec.Raw()
    To: msgspec.Raw = msgspec.Raw()


_NAMED = msgspec.json.Decoder(_Named)
_STRING = msgspec.json.Decoder(str)
_DOCUMENT = msgspec.json.Decoder(dict[str, object])
_T = TypeVar("_T")


class Form(NamedTuple):
    """Names and values as sent. Bytes that are not UTF-8 stand as lone surrogates if not `decodable`."""

    pairs: Pairs
    decodable: bool


def query(target: str) -> Pairs:
    """The query's parameters of a path and query as received. Raises Rejected where they are too many."""
    text = target.partition("?")[2]
    return legible(form(text.encode("utf-8", "surrogateescape"))) if text else []


def document(body: bytes) -> Pairs:
    """Those of a JSON object, each as text. Raises Rejected."""
    content = _read(_DOCUMENT, body)
    if len(content) > MOST_PARAMETERS:
        raise Rejected("parameters")
    return [(name, _text(value)) for name, value in content.items()]


def whose(body: bytes) -> Pairs:
    """What a JSON object says of whose it is, before anybody vouches for it. Raises Rejected."""
    found = msgspec.structs.asdict(_read(_NAMED, body))
    return [(name, _read(_STRING, value)) for name, value in found.items() if bytes(value).startswith(b'"')]


def _read(decoder: "msgspec.json.Decoder[_T]", body: bytes | msgspec.Raw) -> _T:
    try:
        return decoder.decode(body)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise Rejected("malformed") from error


def _text(value: object) -> str:
    return value if isinstance(value, str) else msgspec.json.encode(value).decode()


def form(body: bytes) -> Form:
    """Read `application/x-www-form-urlencoded`. Broken percent escapes stay as they are.

    Raises Rejected for too many, and where so much of it is written as Twilio writes nothing that reading it costs more
    than a stranger's request may.
    """
    escaped, more = b"%3D" in body or b"%3d" in body, body.count(b"&")
    if more >= MOST_PARAMETERS:
        raise Rejected("parameters")
    if body.isascii() and not ((escaped or more > _USUAL) and _ESCAPED_NAME.search(b"&" + body)):
        pairs: Pairs = parse_query_string(body, "&")
        if "%" not in "".join([name for name, _ in pairs]):
            return Form(pairs, True)
    if more > _MOST_ODD:
        raise Rejected("malformed")
    return (_ascii(body) if body.isascii() else None) or _bytes(body)


def _ascii(body: bytes) -> Form | None:
    """By the Rust parser: all of it is given to it as one value, which it cannot misread. None for what is no text."""
    hidden = {_AND: body.count(b"%26"), _IS: body.count(b"%3D") + body.count(b"%3d")}
    if hidden[_AND]:
        body = body.replace(b"%26", _AND.encode())
    if hidden[_IS]:
        body = body.replace(b"%3D", _IS.encode()).replace(b"%3d", _IS.encode())
    found = parse_query_string(b"=" + body.replace(b"\0", b"%00"), "\0")
    name, text = found[0]
    if name or any(text.count(one) != times for one, times in hidden.items()):
        return None
    parts = [piece.partition("=") for piece in text.split("&") if piece]
    if not any(hidden.values()):
        return Form([(name, value) for name, _, value in parts], True)
    return Form([(_shown(name), _shown(value)) for name, _, value in parts], True)


def _shown(text: str) -> str:
    return text.replace(_AND, "&").replace(_IS, "=")


def _bytes(body: bytes) -> Form:
    """What is not UTF-8, unescaped all at once. Raises Rejected."""
    if body.count(b"%") > _MOST_ESCAPES:
        raise Rejected("malformed")
    parts = [piece.partition(b"=") for piece in body.split(b"&") if piece]
    joined = _BETWEEN.encode().join([b"%b%b%b" % (name, _BEHIND.encode(), value) for name, _, value in parts])
    unescaped = unquote_to_bytes(joined.replace(b"+", b" "))
    try:
        text, decodable = unescaped.decode(), True
    except UnicodeDecodeError:
        text, decodable = unescaped.decode("utf-8", "surrogateescape"), False
    pieces = [piece.partition(_BEHIND) for piece in text.split(_BETWEEN)] if text else []
    return Form([(name, value) for name, _, value in pieces], decodable)


def legible(read: Form) -> Pairs:
    """The pairs as text that any reader can take: bytes that are not UTF-8 become `\\xff`."""
    if read.decodable:
        return read.pairs
    return [(_legible(name), _legible(value)) for name, value in read.pairs]


def _legible(text: str) -> str:
    return text.encode("utf-8", "surrogateescape").decode("utf-8", "backslashreplace")
