"""The ways in which Twilio may have written a request before it signed it: our address, the target, the form.

What was signed is not always what was sent, and Twilio's libraries disagree. Each spelling holds the whole path, query
and parameters, so that a second spelling of the same request is accepted and another request never.
"""

import re
from collections.abc import Iterable, Iterator
from itertools import chain
from operator import itemgetter
from urllib.parse import urlsplit

from services.ingress import queries
from services.ingress.form import Pairs

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


def forms(pairs: Pairs) -> Iterator[str]:
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
