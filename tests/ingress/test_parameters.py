"""The form parser is exact: as the URL standard has it, and lossless on what is not UTF-8."""

from urllib.parse import parse_qsl, quote_plus, unquote_to_bytes, urlencode

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from services.ingress.parameters import form, legible
from services.ingress.reasons import Rejected

pieces = st.sampled_from(
    [
        *b"a = & + %2B % %4 %ZZ %ff %C3 %A9 %E2%82%AC %F0%9F%98%80 %ED%A0%80 %00".split(),
        *b"; \x01 \x02 %01 %02 \xff \xc3\xa9 %26 %3D %3d %25 %25ff [] %3b".split(),
        b" ",
        b"\n",
    ]
)
bodies = st.binary(max_size=30) | st.lists(pieces, max_size=14).map(b"".join)


@given(bodies)
@example(b"a=%FF&b=1")
@example(b"=&=x&a&&b=+%2B;c")
def test_every_body_reads_as_the_url_standard_says(body: bytes) -> None:
    assert form(body).pairs == by_the_standard(body)
    if body.isascii():
        assert form(body).pairs == parse_qsl(body.decode(), keep_blank_values=True, errors="surrogateescape")


def by_the_standard(body: bytes) -> list[tuple[str, str]]:
    """Split, then unescape each; bytes beside escapes make characters together."""
    split = [piece.partition(b"=") for piece in body.split(b"&") if piece]
    return [(_unescaped(name), _unescaped(value)) for name, _, value in split]


def _unescaped(text: bytes) -> str:
    return unquote_to_bytes(text.replace(b"+", b" ")).decode("utf-8", "surrogateescape")


@given(st.lists(st.tuples(st.text(), st.text()), max_size=6))
def test_what_was_encoded_comes_back(pairs: list[tuple[str, str]]) -> None:
    encodable = [(n, v) for n, v in pairs if (n + v).isprintable() or (n + v).isascii()]
    found = form(urlencode(encodable).encode())
    # A pair of nothing and nothing is written as `=`.
    assert found.pairs == encodable
    assert found.decodable


@given(st.binary(max_size=20))
def test_bytes_survive_whatever_they_are(value: bytes) -> None:
    found = form(b"Body=" + quote_plus(value).encode())
    assert found.pairs[0][1].encode("utf-8", "surrogateescape") == value
    (_, text), *_ = legible(found)
    text.encode()
    assert found.decodable == (value.decode("utf-8", "replace").encode() == value)


@pytest.mark.parametrize(
    ("body", "pairs"),
    [
        (b"Body=1+%2B+1", [("Body", "1 + 1")]),
        (b"a=&b", [("a", ""), ("b", "")]),
        (b"=x", [("", "x")]),
        (b"a=1&a=2&a=1", [("a", "1"), ("a", "2"), ("a", "1")]),
        (b"a=1;b=2", [("a", "1;b=2")]),
        (b"Body=%F0%9F%91%8B%F0%9F%8F%BD", [("Body", "👋🏽")]),
        (b"a=%ZZ&b=%4", [("a", "%ZZ"), ("b", "%4")]),
        (b"", []),
    ],
)
def test_examples(body: bytes, pairs: list[tuple[str, str]]) -> None:
    assert form(body) == (pairs, True)


def test_bytes_that_are_no_text_become_legible() -> None:
    found = form(b"Body=caf%E9")
    assert not found.decodable
    assert legible(found) == [("Body", "caf\\xe9")]


@pytest.mark.parametrize("odd", [b"%C3%A9", "é".encode()])
def test_of_what_twilio_never_writes_little_is_read(odd: bytes) -> None:
    def named(count: int) -> bytes:
        return b"&".join(b"%b%d=x" % (odd, number) for number in range(count))

    assert len(form(named(251)).pairs) == 251
    with pytest.raises(Rejected, match="malformed"):
        form(named(252))
    # Values may be whatever people write.
    usual = b"&".join(b"%d=%b" % (number, odd if odd.isascii() else b"x") for number in range(1000))
    assert len(form(usual).pairs) == 1000
