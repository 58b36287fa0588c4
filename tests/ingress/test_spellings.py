"""A query is signed in more spellings than it is sent in: each that says the same is accepted, no other ever."""

import random
from itertools import chain, combinations
from time import process_time
from urllib.parse import parse_qsl, quote, quote_plus, urlencode

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.domain.messages.callback import FRAGMENTS, RETRIES, callback_query
from services.ingress import signature, spellings
from services.ingress.signature import Claim, digest, signed_text
from services.ingress.spellings import origins
from services.ingress.tenants import SHA1, Keys
from tests.ingress.signing import ACCOUNT, OTHER_TOKEN, TOKEN, Pairs, sign

BASE = "https://hooks.example.org/in"
PATH = "/twilio/acme/messages"
TOKENS = Keys(SHA1, (OTHER_TOKEN.encode(), TOKEN.encode()))
SENT: Pairs = [
    ("AccountSid", ACCOUNT),
    ("Body", "it's me"),
    ("From", "whatsapp:+14155550123"),
    ("MessageSid", "SM3"),
    ("To", "whatsapp:+14155550100"),
]
# Characters beside the one that the other one may be written as.
VARYING = ":@'!*()~,;/?$|[]"


def accepted(target: str, signed: str, pairs: Pairs | None = None, base: str = BASE) -> bool:
    stated = digest(sign(base + signed, pairs or []))
    return signed_text(Claim(origins(BASE), target, stated or b""), TOKENS, pairs or []) is not None


def bare(text: str, characters: str) -> str:
    for character in characters:
        text = text.replace(quote(character, safe=""), character)
    return text


@pytest.mark.parametrize("characters", [":", "'", ":'", ":@'"])
@pytest.mark.parametrize("base", [BASE, "https://hooks.example.org:443/in"])
def test_what_twilio_signs_bare_and_sends_escaped(base: str, characters: str) -> None:
    sent = f"{PATH}?{urlencode(SENT)}"
    assert bare(sent, characters) != sent
    assert accepted(sent, bare(sent, characters), base=base)
    assert accepted(bare(sent, characters), sent, base=base)


@pytest.mark.parametrize("one", VARYING)
def test_each_character_bare_or_escaped(one: str) -> None:
    sent = urlencode([("c", f"order{one}17"), ("k", "acme"), ("s", "1")]).replace("~", "%7E")
    assert accepted(f"{PATH}?{sent}", f"{PATH}?{bare(sent, one)}")
    assert accepted(f"{PATH}?{bare(sent, one)}", f"{PATH}?{sent}")


@pytest.mark.parametrize("together", [*combinations(":@'*~", 2), *combinations(":@'!,", 3)])
def test_characters_bare_of_which_others_are_not(together: tuple[str, ...]) -> None:
    sent = urlencode({"c": "".join(together)}).replace("~", "%7E")
    for chosen in chain.from_iterable(combinations(together, count) for count in range(len(together) + 1)):
        assert accepted(f"{PATH}?{sent}", f"{PATH}?{bare(sent, ''.join(chosen))}")


SIGNERS = {
    "Python": urlencode,
    "Python, spaces as %20": lambda pairs: urlencode(pairs, quote_via=quote),
    "JavaScript": lambda pairs: urlencode(pairs, quote_via=quote, safe="!'()*~"),
    "Java": lambda pairs: urlencode(pairs, safe="*").replace("~", "%7E"),
    "PHP": lambda pairs: urlencode(pairs).replace("~", "%7E"),
    ".NET": lambda pairs: "&".join(f"{lower(name)}={lower(value)}" for name, value in pairs),
    "nothing escaped that may stand": lambda pairs: urlencode(pairs, quote_via=quote, safe="!$'()*,;:@/?~"),
}


def lower(text: str) -> str:
    escaped = ((one, quote_plus(one, safe="!()*").replace("~", "%7e")) for one in text)
    return "".join(one if one == quoted else quoted.lower() for one, quoted in escaped)


@pytest.mark.parametrize("signer", SIGNERS)
@pytest.mark.parametrize("sender", SIGNERS)
def test_what_one_library_signs_and_another_sends(signer: str, sender: str) -> None:
    pairs = [*SENT, ("Label", "Ada's café (2nd), 50% ~ a/b? *"), ("Empty", "")]
    assert accepted(f"{PATH}?{SIGNERS[sender](pairs)}", f"{PATH}?{SIGNERS[signer](pairs)}")


def test_a_callback_of_ours_with_and_without_its_fragment() -> None:
    query = callback_query(b"contact secret", "order:17", "acme|0123")
    target, pairs = f"/twilio/acme/status?{query}", [("MessageSid", "SM1")]
    for signed in (target, bare(target, ":"), bare(target, ":|")):
        for tail in ("", *FRAGMENTS):
            assert accepted(target, signed + tail, pairs)
            assert accepted(target, signed + tail, pairs, base="https://hooks.example.org:443/in")
    assert RETRIES in FRAGMENTS
    for tail in ("#", "#rc=5&rp=all", RETRIES + "&x=1"):
        assert not accepted(target, target + tail, pairs)


texts = st.text(st.sampled_from(":@'!*()~,;/?$|[]+ %&=#aZ09-._é😀\n\0"), max_size=6)
queries = st.one_of(
    st.lists(st.tuples(texts, texts), min_size=1, max_size=4).map(urlencode),
    st.text(st.sampled_from("ab:@'=&%+32AFaf~*;é"), max_size=24),
)


def said(query: str) -> Pairs:
    return parse_qsl(query, keep_blank_values=True, encoding="utf-8", errors="surrogateescape")


@given(queries)
def test_every_spelling_says_the_same(query: str) -> None:
    for target in spellings.targets(f"{PATH}?{query}"):
        path, _, spelt = target.partition("?")
        assert path == PATH
        read = spelt.encode("utf-8", "surrogateescape").decode("utf-8", "surrogateescape")
        assert said(read) == said(query)


@given(queries, queries)
def test_what_says_something_else_is_refused(signed: str, sent: str) -> None:
    if said(signed) != said(sent):
        assert not accepted(f"{PATH}?{sent}", f"{PATH}?{signed}")


@pytest.mark.parametrize(
    "other",
    [
        urlencode([*SENT[:1], ("Body", "it's you"), *SENT[2:]]),
        urlencode([*SENT[:1], ("body", "it's me"), *SENT[2:]]),
        urlencode(SENT[::-1]),
        urlencode([*SENT, ("More", "")]),
        urlencode(SENT[:-1]),
        # A bare `+` is a space, and a bare `&` another pair.
        bare(urlencode(SENT), "+"),
        urlencode(SENT).replace("me&", "me%26"),
        urlencode(SENT).replace("%2B", "%252B"),
        urlencode(SENT).replace("%27", "\u2019"),
    ],
)
def test_another_name_value_or_order_is_refused(other: str) -> None:
    for characters in ("", ":", ":@'"):
        assert not accepted(f"{PATH}?{urlencode(SENT)}", f"{PATH}?{bare(other, characters)}")
        assert not accepted(f"{PATH}?{bare(other, characters)}", f"{PATH}?{urlencode(SENT)}")


def test_a_request_costs_64_hmacs_at_most(monkeypatch: pytest.MonkeyPatch) -> None:
    counted: list[bytes] = []
    keyed = signature._keyed

    def counting(secret: bytes, algorithm: str) -> object:
        counted.append(secret)
        return keyed(secret, algorithm)

    monkeypatch.setattr(signature, "_keyed", counting)
    query = urlencode({"c": ":@'!*()~,;/?$|[]{}^ é"})
    pairs = [("a", "\U00010000"), ("a", "\ue000"), ("a", "\U00010000")]
    many = Keys(SHA1, tuple(b"%d" % number for number in range(5)))
    for keys in (TOKENS, many):
        counted.clear()
        assert not signed_text(Claim(origins(BASE), f"{PATH}?{query}", bytes(20)), keys, pairs)
        assert 48 < len(counted) <= spellings.MOST_TRIED


def test_a_long_request_costs_fewer() -> None:
    dice = random.Random(3)
    words = ["%C3%A9", ":", "%3a", "'", "a", "+", "%20", "*"]
    query = "&".join(f"{number}={''.join(dice.choices(words, k=12))}" for number in range(250))[:8000]
    claim = Claim(origins(BASE), f"{PATH}?{query}", bytes(20))
    pairs = [("a", "\U00010000" * 60), ("b", "x" * 60_000)]
    signed_text(claim, TOKENS, pairs)
    began = process_time()
    for _ in range(20):
        signed_text(claim, TOKENS, pairs)
    assert (process_time() - began) / 20 < 0.02
