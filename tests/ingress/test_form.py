"""The form parser is exact: equal to `parse_qsl` on all that is UTF-8, and lossless on the rest."""

from urllib.parse import parse_qsl, quote_plus, urlencode

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from services.ingress.form import legible, parse

pieces = st.sampled_from(
    [
        *b"a = & + %2B % %4 %ZZ %ff %C3 %A9 %E2%82%AC %F0%9F%98%80 %ED%A0%80 %00".split(),
        *b"; \xff \xc3\xa9 %26 %3D %3d %25 %25ff [] %3b".split(),
        b" ",
        b"\n",
    ]
)
bodies = st.binary(max_size=30) | st.lists(pieces, max_size=14).map(b"".join)


@given(bodies)
@example(b"a=%FF&b=1")
@example(b"=&=x&a&&b=+%2B;c")
def test_every_body_reads_as_the_standard_library_reads_it(body: bytes) -> None:
    text = body.decode("utf-8", "surrogateescape")
    assert parse(body).pairs == parse_qsl(text, keep_blank_values=True, errors="surrogateescape")


@given(st.lists(st.tuples(st.text(), st.text()), max_size=6))
def test_what_was_encoded_comes_back(pairs: list[tuple[str, str]]) -> None:
    encodable = [(n, v) for n, v in pairs if (n + v).isprintable() or (n + v).isascii()]
    form = parse(urlencode(encodable).encode())
    # A pair of nothing and nothing is written as `=`.
    assert form.pairs == encodable
    assert form.decodable


@given(st.binary(max_size=20))
def test_bytes_survive_whatever_they_are(value: bytes) -> None:
    form = parse(b"Body=" + quote_plus(value).encode())
    assert form.pairs[0][1].encode("utf-8", "surrogateescape") == value
    (_, text), *_ = legible(form.pairs)
    text.encode()
    assert form.decodable == (value.decode("utf-8", "replace").encode() == value)


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
    assert parse(body) == (pairs, True)


def test_bytes_that_are_no_text_become_legible() -> None:
    form = parse(b"Body=caf%E9")
    assert not form.decodable
    assert legible(form.pairs) == [("Body", "caf\\xe9")]
