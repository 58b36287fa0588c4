"""The ways in which a query may have been written before it was signed. All of them say the same.

Each has the same decoded names, values and order as what was sent, so that a second spelling of a request is accepted
and another request never. Users of Twilio's libraries report that `:` `@` `'` are signed bare and sent escaped
(twilio-node 621, 1059, 1183; twilio-ruby 528).
"""

import re
from collections.abc import Callable, Iterable, Iterator
from itertools import chain, combinations, islice
from typing import NamedTuple
from urllib.parse import quote, unquote_to_bytes

_NO_ESCAPE = re.compile("%(?![0-9A-Fa-f]{2})")
_LETTERED = re.compile("%(?:[0-9A-Fa-f][A-Fa-f]|[A-Fa-f][0-9])")
_BEYOND_ASCII = re.compile("(?:%[89A-F][0-9A-F])+")
# What one signer escapes and another leaves bare; the likeliest first. Never `&`, `+`, `%`, `#`: bare they say
# something else.
_BARE_OR_NOT = ":@'!*()~,;/?$|[]{}^"
# Characters of a query; beyond, it is tried as sent and as Twilio was seen to sign, and no more.
_LONG = 512
# And so where it has more pairs than Twilio sends: each is written anew for every signer.
_MANY = 64
# Of these, how many are looked at; and how many may deviate at once from what was sent.
_MOST_LOOKED_AT = 6
_FEW = 3


def _bare(query: str, character: str) -> str:
    escape = f"%{ord(character):02X}"
    return query.replace(escape, character).replace(escape.lower(), character)


def _escaped(query: str, character: str) -> str:
    return query.replace(character, f"%{ord(character):02X}")


class Change(NamedTuple):
    """What a signer did to each of one character."""

    change: Callable[[str, str], str]
    character: str


class Signer(NamedTuple):
    """How a library writes a whole query: what it leaves bare beside `A-Za-z0-9-._`, and how it writes a space."""

    bare: str
    space: str = "+"
    lower: bool = False
    beyond_ascii: bool = False


# What Twilio was seen to sign bare, together.
_SEEN_BARE = tuple(tuple(Change(_bare, one) for one in together) for together in (":@", "'", ":@'"))
_SIGNERS = (
    Signer("*"),  # java.net.URLEncoder, browsers' forms
    Signer("!'()*~", "%20"),  # JavaScript's encodeURIComponent, Node's querystring
    Signer("~"),  # Python's urlencode, Go
    Signer("!$'()*,;:@/?~", "%20"),  # RFC 3986, all bare that may be
    Signer(""),  # PHP's urlencode
    Signer("~", "%20"),  # RFC 3986, all escaped that may be
    Signer("!()*", lower=True),  # .NET's HttpUtility
    Signer("!$'()*,;:@/?~=", "%20", beyond_ascii=True),  # java.net.URI
)


def spellings(query: str) -> Iterator[str]:
    """Other spellings of a query, the likeliest first, some of them twice.

    Of a long query there are few: what a stranger's request costs is bounded.
    """
    yield from _likely(query)
    if len(query) <= _LONG and query.count("&") < _MANY:
        yield from _unlikely(query)


def _likely(query: str) -> Iterator[str]:
    yield from (_changed(query, seen) for seen in _SEEN_BARE)
    if (upper := _cased(query, str.upper)) != query:
        yield from (_changed(upper, chosen) for chosen in ((), _SEEN_BARE[-1]))


def _unlikely(query: str) -> Iterator[str]:
    changes = list(islice(_changes(query), _MOST_LOOKED_AT))
    few = len(changes) <= _FEW
    subsets = [_changed(query, chosen) for chosen in _subsets(changes, 1, _FEW if few else 1)]
    if few:
        yield from subsets
    canonical = _canonical(query)
    yield from (_as_signed(canonical, signer) for signer in _SIGNERS)
    for escape in islice(dict.fromkeys(_LETTERED.findall(query)), _FEW):
        yield query.replace(escape, escape.swapcase())
    for spelt in (query, *subsets[:_FEW]):
        yield spelt.replace("+", "%20")
        yield spelt.replace("%20", "+")
        yield _cased(spelt, str.lower)
    yield from subsets
    yield from (_changed(query, chosen) for chosen in _subsets(changes, 2, _FEW))


def _subsets(changes: list[Change], least: int, most: int) -> Iterator[tuple[Change, ...]]:
    return chain.from_iterable(combinations(changes, count) for count in range(least, most + 1))


def _changes(query: str) -> Iterator[Change]:
    """What can be done to single characters of it: all of them bare, or all of them escaped."""
    for character in _BARE_OR_NOT:
        escape = f"%{ord(character):02X}"
        if escape in query or escape.lower() in query:
            yield Change(_bare, character)
        if character in query:
            yield Change(_escaped, character)


def _changed(query: str, changes: Iterable[Change]) -> str:
    for change, character in changes:
        query = change(query, character)
    return query


def _canonical(query: str) -> list[tuple[str, str]]:
    """Name and value of each pair with everything escaped that may be."""
    split = (piece.partition("=") for piece in query.split("&") if piece)
    return [(_quoted(name), _quoted(value)) for name, _, value in split]


def _quoted(text: str) -> str:
    sent = text.replace("+", " ").encode("utf-8", "surrogateescape")
    return quote(unquote_to_bytes(sent), safe="").replace("~", "%7E")


def _as_signed(canonical: list[tuple[str, str]], signer: Signer) -> str:
    separator = "\0"
    spelt = "&".join([f"{name}{separator}{value}" for name, value in canonical])
    for character in signer.bare:
        # A bare `=` in a name would end it.
        if character != "=" or not any("%3D" in name for name, _ in canonical):
            spelt = _bare(spelt, character)
    spelt = spelt.replace("%20", signer.space)
    if signer.lower:
        spelt = _cased(spelt, str.lower)
    if signer.beyond_ascii:
        spelt = _BEYOND_ASCII.sub(_raw, spelt)
    return spelt.replace(separator, "=")


def _raw(found: re.Match[str]) -> str:
    return unquote_to_bytes(found[0]).decode("utf-8", "surrogateescape")


def _cased(query: str, case: Callable[[str], str]) -> str:
    """With the hex digits of its escapes in this case."""
    if _NO_ESCAPE.search(query):
        return query
    first, *parts = query.split("%")
    return "%".join([first, *[case(part[:2]) + part[2:] for part in parts]]) if parts else query
