"""The ways in which Twilio may have written a request before it signed it: our address, the target, the form.

What was signed is not always what was sent, and Twilio's libraries disagree. Each spelling holds the whole path, query
and parameters, so that a second spelling of the same request is accepted and another request never.
"""

import re
from collections.abc import Iterable, Iterator
from functools import lru_cache
from itertools import chain, islice, product
from operator import itemgetter, mul
from urllib.parse import urlsplit

from services.domain.messages.callback import FRAGMENTS
from services.ingress import queries
from services.ingress.parameters import Pairs

# What a stranger's request may cost: texts that are tried, each by an HMAC, and bytes that these go over.
MOST_TRIED = 64
MOST_BYTES = 128 * 1024
# In the URLs that we set stands how to retry. It is never sent, and no document of Twilio's signs it; an emulator does.
_TAILS = ("", *FRAGMENTS)
# How unlikely the next spelling of each is: of the query, of our address, of the fragment, of the form.
_UNLIKELY = (1, 3, 8, 2)

_AUTHORITY = re.compile(r"(?P<host>\[[^\]]*\]|[^:]*)(?::(?P<port>[0-9]*))?")
# Parameters; with more, no one of Twilio's libraries that sort them otherwise is meant.
_FEW = 100
_ASTRAL = re.compile("[\U00010000-\U0010ffff]")


def origins(public_url: str) -> tuple[str, ...]:
    """The ways in which Twilio may write the configured start of our URLs; the likeliest first.

    With and without the port (443 or 80 where none is given), with and without credentials, as the scheme
    is spelt and in lower case.
    """
    scheme, _, rest = public_url.partition("://")
    authority = urlsplit(public_url).netloc
    path = rest[len(authority) :]
    userinfo, at, location = authority.rpartition("@")
    found = _AUTHORITY.fullmatch(location)
    if found is None:
        return (public_url,)
    port = found["port"] or ("443" if scheme.lower() == "https" else "80")
    locations = (location, found["host"], f"{found['host']}:{port}")
    spelt = [
        f"{written}://{credentials}{place}{path}"
        for credentials in (userinfo + at, "")
        for written in (scheme, scheme.lower())
        for place in locations
    ]
    return tuple(dict.fromkeys(spelt))


def targets(target: str) -> Iterator[str]:
    """A path with its query, as sent and in other spellings of the query; the likeliest first."""
    yield target
    path, mark, query = target.partition("?")
    if not query:
        # A lone `?` says nothing: a library drops it before signing, or an HTTP client before sending.
        yield path + ("" if mark else "?")
        return
    known = {query}
    for spelt in queries.spellings(query):
        if spelt not in known:
            known.add(spelt)
            yield f"{path}?{spelt}"


def others(origins: tuple[str, ...], target: str, pairs: Pairs) -> Iterator[bytes]:
    """URL and parameters as they may have been signed otherwise than documented; what deviates the least first."""
    texts = map(_bytes, _forms(pairs))
    first = next(texts)
    # As many as there is room for: of a long request few.
    most = min(MOST_TRIED // 2, 1 + MOST_BYTES // (len(first) + len(target) + 1))
    forms = [first, *islice(texts, most)]
    spelt = list(islice(targets(target), most))
    for query, origin, tail, form in _order(len(spelt), len(origins), len(forms)):
        yield _bytes(origins[origin] + spelt[query] + _TAILS[tail]) + forms[form]


def _bytes(text: str) -> bytes:
    return text.encode("utf-8", "surrogateescape")


@lru_cache(maxsize=1024)
def _order(targets: int, origins: int, forms: int) -> list[tuple[int, ...]]:
    """In which order the spellings are combined, the least that deviates first; without the documented one."""
    sizes = (targets, origins, len(_TAILS), forms)
    combined = sorted(product(*map(range, sizes)), key=lambda places: sum(map(mul, places, _UNLIKELY)))
    return combined[1:MOST_TRIED]


def _forms(pairs: Pairs) -> Iterator[str]:
    """The parameters of a form run together, as Twilio's libraries sort them; the likeliest first."""
    ordered = sorted(pairs)
    unique = list(dict.fromkeys(ordered))
    text = _written(unique)
    yield text
    repeated = len({name for name, _ in unique}) < len(pairs)
    if repeated:
        # Repeated names: every value, sorted or as sent.
        yield _written(ordered)
        yield _written(sorted(pairs, key=itemgetter(0)))
    if len(pairs) <= _FEW and not text.isascii() and _ASTRAL.search(text):
        # Java and JavaScript sort by UTF-16 units, which puts U+10000 before U+E000.
        ordered.sort(key=_utf16)
        yield _written(dict.fromkeys(ordered))
        if repeated:
            yield _written(ordered)


def _written(pairs: Iterable[tuple[str, str]]) -> str:
    return "".join(chain.from_iterable(pairs))


def _utf16(pair: tuple[str, str]) -> tuple[bytes, bytes]:
    name, value = pair
    return name.encode("utf-16-be", "surrogatepass"), value.encode("utf-16-be", "surrogatepass")
