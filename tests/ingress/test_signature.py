"""Our verification beside the official Python library's, over generated requests; each difference, argued."""

import string
from collections import Counter
from collections.abc import Iterable

import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from multidict import MultiDict
from twilio.request_validator import RequestValidator

from services.ingress.signature import Claim, digest, settings, signed_text, signed_url
from services.ingress.spellings import origins
from services.ingress.tenants import SHA1, SHA256, Keys
from tests.ingress.signing import OTHER_TOKEN, TOKEN, Pairs, accepts, sign, with_hash

TOKENS = Keys(SHA1, (OTHER_TOKEN.encode(), TOKEN.encode()))

hosts = st.sampled_from(["example.org", "EXAMPLE.org", "127.0.0.1", "[2001:db8::1]", "me:secret@example.org"])
ports = st.sampled_from(["", ":80", ":443", ":8443"])
schemes = st.sampled_from(["http", "https", "HTTPS"])
paths = st.sampled_from(["/twilio/acme/messages", "/twilio/acme/status/", "/hook%20s/a//b", "/"])
queries = st.one_of(
    st.sampled_from(["", "?", "?a", "?a=&a=1", "?c=x&k=acme%7C0&s=1", "?a=?b", "?q=%F0%9F%98%80+%2B"]),
    st.text(string.ascii_letters + "&=%+", max_size=12).map(lambda text: f"?{text}" if text else ""),
)
bases = st.builds("{}://{}{}".format, schemes, hosts, ports)
targets = st.builds(str.__add__, paths, queries)
texts = st.text(st.characters(exclude_categories=["Cs"]), max_size=8) | st.sampled_from(
    ["", " ", "+", "😀", "\ue000", "é", "Body", "\U00010000"]
)
forms = st.lists(st.tuples(texts | st.sampled_from(["Body", "From", ""]), texts), max_size=8)


def ours(base: str, target: str, pairs: Pairs, signature: str) -> bool:
    return signed_text(claimed(base, target, signature), TOKENS, pairs) is not None


def claimed(base: str, target: str, signature: str) -> Claim:
    return Claim(origins(base), target, digest(signature) or b"")


def characters(pairs: Iterable[tuple[str, str]]) -> Counter[str]:
    return Counter("".join(name + value for name, value in pairs))


@given(bases, targets, forms)
@example("https://[::1]:443", "/?", [("a", "2"), ("a", "1"), ("a", "2")])
def test_what_is_signed_over_the_exact_request_is_accepted(base: str, target: str, pairs: Pairs) -> None:
    assert ours(base, target, pairs, sign(base + target, pairs))


@given(bases, bases, targets, forms)
def test_what_the_official_library_accepts_is_accepted(base: str, signed: str, target: str, pairs: Pairs) -> None:
    # It writes a URL anew before it signs: the scheme in lower case, without a lone `?`.
    for origin in (signed, signed.replace("HTTPS", "https")):
        for spelt in (target, target.removesuffix("?")):
            signature = sign(origin + spelt, pairs)
            if accepts(base + target, pairs, signature):
                assert ours(base, target, pairs, signature)


@given(bases, targets, forms, forms)
def test_other_parameters_are_refused(base: str, target: str, signed: Pairs, sent: Pairs) -> None:
    # Twilio concatenates without separators, so `a=bc` and `ab=c` sign alike, and a doubled pair like one:
    # no verifier can tell them apart. Forms of other characters are told apart.
    if characters(set(signed)) not in (characters(sent), characters(set(sent))):
        assert not ours(base, target, sent, sign(base + target, signed))


@given(bases, targets, targets, forms)
def test_another_path_or_query_is_refused(base: str, signed: str, sent: str, pairs: Pairs) -> None:
    if signed.removesuffix("?") != sent.removesuffix("?"):
        signature = sign(base + signed, pairs)
        assert ours(base, sent, pairs, signature) == accepts(base + sent, pairs, signature)
        assert not ours(base, sent, [], sign(base + signed))


@given(st.binary(max_size=40), st.binary(max_size=40), queries)
def test_json_is_accepted_by_its_hash_alone(body: bytes, other: bytes, query: str) -> None:
    base = "https://example.org"
    target = with_hash(f"/events{query}", body)
    claim = claimed(base, target, sign(base + target))
    assert bool(signed_url(claim, TOKENS, body)) == ("bodySHA256" not in query)
    assert body == other or not signed_url(claim, TOKENS, other)
    assert not signed_url(claimed(base, target, sign(base + target, token="wrong")), TOKENS, body)
    assert not signed_url(claim._replace(target=f"/other{target}"), TOKENS, body)


@pytest.mark.parametrize("signature", ["", "x", "é", "\udcff", "=" * 28, "A" * 27 + "=", "A" * 100_000])
def test_nonsense_in_the_signature_is_refused(signature: str) -> None:
    assert not ours("https://example.org", "/x", [("a", "1")], signature)


def test_a_signature_that_is_no_digest_is_none() -> None:
    assert digest(sign("https://example.org/x")) is not None
    assert digest(sign("https://example.org/x", algorithm=SHA256)) is not None
    good = sign("https://example.org/x")
    # The last letter before `=` holds two bits that nobody reads: one digest has one spelling.
    found = [stated for letter in string.ascii_letters if (stated := digest(good[:-2] + letter + "=")) is not None]
    assert len(set(found)) == len(found) > 0
    for wrong in (good + "=", f" {good}", good[4:], good.replace("=", ""), good + good):
        assert digest(wrong) is None


def test_a_key_answers_for_its_algorithm_alone() -> None:
    signature = sign("https://example.org/x", [("a", "1")], algorithm=SHA256)
    claim = claimed("https://example.org", "/x", signature)
    assert signed_text(claim, Keys(SHA256, TOKENS.secrets), [("a", "1")])
    assert not signed_text(claim, TOKENS, [("a", "1")])
    signed_by_sha1 = claimed("https://example.org", "/x", sign("https://example.org/x", [("a", "1")]))
    assert not signed_text(signed_by_sha1, Keys(SHA256, TOKENS.secrets), [("a", "1")])


@pytest.mark.parametrize(
    ("header", "said"),
    [
        ("", ("", SHA1)),
        ("key=webhooks_sharedkey_x,algorithm=HMAC_SHA256", ("webhooks_sharedkey_x", SHA256)),
        (" algorithm=hmac_sha256 , key=x= ", ("x=", SHA256)),
        ("key=x", ("x", SHA1)),
        ("algorithm=HMAC_SHA256", ("", SHA256)),
        ("algorithm=NONE", ("", "NONE")),
        ("key=x,key=y,algorithm=HMAC_SHA256", None),
        ("key=x,algorithm=HMAC_SHA256,more=1", None),
        ("nonsense", None),
        ("\udcff=1", None),
    ],
)
def test_what_the_settings_header_says(header: str, said: tuple[str, str] | None) -> None:
    assert settings(header) == said


# -- The differences. In each, ours accepts what Twilio may sign for exactly this request, or refuses more. --


@pytest.mark.parametrize(
    ("base", "signed"),
    [
        # It cuts an authority at its first colon: `[2001` and `me` are left of these.
        ("https://[2001:db8::1]:443", "https://[2001:db8::1]"),
        ("https://me:secret@example.org:443", "https://me:secret@example.org"),
        # Twilio drops credentials from https URLs; whether they stand in our own setting changes nothing.
        ("https://me:secret@example.org", "https://example.org"),
        # It adds a second colon to an empty port, which means the default one.
        ("https://example.org:", "https://example.org:443"),
    ],
)
def test_spellings_of_our_own_address_that_the_official_library_does_not_try(base: str, signed: str) -> None:
    signature = sign(f"{signed}/x")
    assert not accepts(f"{base}/x", [], signature)
    assert ours(base, "/x", [], signature)


@pytest.mark.parametrize(
    ("base", "target"),
    [
        # It lowers the scheme, and drops what `urlparse` finds empty, before it compares.
        ("HTTPS://example.org", "/x"),
        ("https://example.org", "/x?"),
        ("https://example.org", "/x;"),
    ],
)
def test_a_url_that_the_official_library_does_not_keep_as_it_was(base: str, target: str) -> None:
    signature = sign(base + target)
    assert not accepts(base + target, [], signature)
    assert ours(base, target, [], signature)


def test_a_lone_semicolon_is_part_of_the_path() -> None:
    # The one thing that it accepts and we do not: a signature for `/x`, sent to `/x;`, which is another path.
    signature = sign("https://example.org/x")
    assert accepts("https://example.org/x;", [], signature)
    assert not ours("https://example.org", "/x;", [], signature)


def test_a_port_that_is_no_number_is_refused_without_an_error() -> None:
    with pytest.raises(ValueError, match=r"[Pp]ort"):
        accepts("https://example.org:99999/x", [], "x")
    assert not ours("https://example.org:99999", "/x", [], "x")


@pytest.mark.parametrize("written", ["a1a2a2", "a2a1a2"])
def test_repeated_names_signed_with_every_value(written: str) -> None:
    # It keeps each value once, sorted. Others keep all of them, or the order sent.
    pairs = [("a", "2"), ("a", "1"), ("a", "2")]
    signature = sign(f"https://example.org/x{written}")
    assert not accepts("https://example.org/x", pairs, signature)
    assert ours("https://example.org", "/x", pairs, signature)


def test_names_beyond_the_basic_plane_sorted_as_java_does() -> None:
    # Twilio is written in Java: U+10000 is D800 DC00 there, and comes before U+E000.
    pairs = [("\ue000", "1"), ("\U00010000", "2")]
    signature = sign("https://example.org/x\U000100002\ue0001")
    assert not accepts("https://example.org/x", pairs, signature)
    assert ours("https://example.org", "/x", pairs, signature)


def test_json_without_its_hash_is_refused_without_an_error() -> None:
    # It raises TypeError. Nothing vouches for such a body, so it is not believed.
    signature = sign("https://example.org/x")
    with pytest.raises(TypeError):
        RequestValidator(TOKEN).validate("https://example.org/x", '{"a": 1}', signature)
    claim = claimed("https://example.org", "/x", signature)
    assert not signed_url(claim, TOKENS, b'{"a": 1}')
    assert not signed_url(claim, TOKENS, b"")


def test_bytes_that_are_not_utf8_are_compared_as_bytes() -> None:
    # It cannot encode them.
    with pytest.raises(UnicodeEncodeError):
        RequestValidator(TOKEN).validate("https://example.org/x", MultiDict([("a", "\udcff")]), "x")
    assert not ours("https://example.org", "/x", [("a", "\udcff")], "x")


def test_a_hash_that_is_not_ascii_is_refused_without_an_error() -> None:
    for stated in ("\udcff", "é", "%FF"):
        claim = claimed("https://example.org", f"/x?bodySHA256={stated}", sign("https://example.org/x"))
        assert not signed_url(claim, TOKENS, b"{}")
