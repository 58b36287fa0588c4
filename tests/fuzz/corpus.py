"""Values that were made to be trouble, and strategies for more of them."""

import json
from typing import Any

import msgspec
from hypothesis import strategies as st

from services.contract import codec
from tests.contract.generated import events

# The name that Faust's store gives its own row.
STORE_KEY = "__faust\0offset__"
OFFSETS = "0001-01-01T00:00:00+23:59", "9999-12-31T23:59:59.999999-23:59", "2026-02-30T00:00:00Z", "2026-W08-6T00:00Z"
TEXTS = (
    "", "\0", STORE_KEY, "x" * 70_000, "👋" * 500, "\u202e\ufeff\uffff", "a|b|" + "0" * 32, "whatsapp:" * 200,
    "+" * 300,     "../../etc/passwd", "%00%ff%zz", "+1415555012" + "3" * 200, "US.1", "NaN", "null", *OFFSETS,
)  # fmt: skip
NUMBERS = 0, -1, 2**31, 2**63, -(2**63) - 1, 2**64, 10**400, 1.5, 1e308, -0.0, float("nan"), float("inf")

SEND = {"command_id": "c-1", "tenant": "acme", "to": "+14155550123", "from": "+14155550100", "body": "Hello"}
RESOLVE = {
    "event_type": "resolve_ambiguous", "command_id": "c-1", "tenant": "acme", "outcome": "not_sent", "by": "me",
    "to": "+14155550123",
}  # fmt: skip
CONSENT = {
    "command_id": "k-1",
    "tenant": "acme",
    "address": "+14155550123",
    "action": "opt_out",
    "sender": "+14155550100",
}
COMMANDS: tuple[dict[str, Any], ...] = (SEND, RESOLVE, CONSENT)


def raw(value: Any) -> bytes:
    """JSON as other languages may write it: lone surrogates, NaN and numbers of any size among it."""
    return json.dumps(value).encode()


VALUES: dict[str, bytes | None] = {
    "tombstone": None,
    "nothing": b"",
    "no UTF-8": b'{"command_id": "\xff\xfe"}',
    "a null byte": b"\0",
    "UTF-16": '{"command_id": "c"}'.encode("utf-16"),
    "a byte order mark": b"\xef\xbb\xbf" + raw(SEND),
    "Avro with a schema id": b"\0\0\0\0\1" + raw(SEND),
    "deep lists": b"[" * 60_000,
    "deep objects": b'{"a":' * 10_000 + b"1" + b"}" * 10_000,
    "deep below a field": b'{"media_urls":' + b"[" * 30_000 + b"]" * 30_000 + b"}",
    "far too long": b'{"body":"' + b"x" * 500_000 + b'"}',
    "white space without end": b" " * 60_000,
    "a huge number": b"9" * 60_000,
    "a huge exponent": b'{"max_price": 1e999999999}',
    "a key twice": b'{"tenant": "acme", "tenant": "other", "command_id": "c", "command_id": 1}',
    "lone surrogates": raw({**SEND, "command_id": "\ud800", "body": "\udfff"}),
    "thousands of fields": raw({f"field-{number}": number for number in range(4_000)}),
    "a field as long as the record": raw({"x" * 60_000: 1}),
    **{f"no number: {number!r}"[:40]: raw({**SEND, "max_price": number, "attempt": number}) for number in NUMBERS},
    **{f"command id: {text[:20]!r}": raw({**SEND, "command_id": text}) for text in TEXTS},
    **{f"tenant: {text[:20]!r}": raw({**SEND, "tenant": text}) for text in TEXTS},
    **{f"address: {text[:20]!r}": raw({**SEND, "to": text, "address": text}) for text in TEXTS},
    **{f"time: {text}": raw({**SEND, "not_after": text}) for text in OFFSETS},
    **{f"consent time: {text}": raw({**CONSENT, "given_at": text}) for text in OFFSETS},
}
KEYS = None, b"", b"\xff\xfe\0", b"k" * 100_000, STORE_KEY.encode()
TIMESTAMPS = -1, 0, 1, 1_700_000_000_000, 253_402_300_799_999, 253_402_300_800_000, 2**63 - 1, -(2**63)
HEADERS: tuple[list[tuple[str, bytes | None]], ...] = (
    [],
    [("traceparent", None), ("traceparent", b"\xff"), ("traceparent", b"00-" + b"a" * 32 + b"-" + b"b" * 16 + b"-01")],
    [("same", b"1")] * 5_000,
    [("", b""), ("\\xff", None), ("n" * 40_000, b"v" * 40_000)],
)

_odd = (
    st.sampled_from(TEXTS) | st.sampled_from(NUMBERS) | st.text(max_size=50) | st.booleans() | st.none() | st.integers()
)
_tree = st.recursive(
    _odd,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=9), inner, max_size=3),
    max_leaves=8,
)


def values(types: tuple[type[msgspec.Struct], ...]) -> st.SearchStrategy[bytes | None]:
    """Bytes, any JSON, and what the topic holds: as it should be, with fields changed, with bytes changed."""
    right = st.one_of([events(type_) for type_ in types]).map(codec.encode)
    known = right | st.sampled_from(COMMANDS).map(raw)
    changed = st.builds(_changed, known, st.lists(st.tuples(st.integers(0, 30), _tree), max_size=3))
    broken = st.builds(_broken, known, st.integers(0, 2000), st.binary(max_size=3))
    return st.one_of(
        st.sampled_from(list(VALUES.values())), st.binary(max_size=200), _tree.map(raw), right, changed, changed, broken
    )


def _changed(value: bytes, changes: list[tuple[int, Any]]) -> bytes:
    fields = json.loads(value)
    names = list(fields)
    for number, new in changes:
        fields[names[number % len(names)]] = new
    return raw(fields)


def _broken(value: bytes, at: int, new: bytes) -> bytes:
    at %= len(value)
    return value[:at] + new + value[at + len(new) :]
