"""Is this request Twilio's? HMAC over the public URL and the sorted parameters, as Twilio signs.

Twilio's libraries disagree on how a few inputs are written out before signing (a port, repeated names,
characters beyond U+FFFF), so each of those spellings is tried. All of them contain the whole path, query
and parameters: a second spelling of the same request is accepted, another request never.
"""

import hashlib
import hmac
import re
from base64 import b64encode
from collections.abc import Iterator
from functools import lru_cache
from itertools import chain
from operator import itemgetter
from typing import NamedTuple
from urllib.parse import parse_qs, urlsplit

from services.ingress.form import Pairs

_HASHES = {"HMAC_SHA1": hashlib.sha1, "HMAC_SHA256": hashlib.sha256}
_AUTHORITY = re.compile(r"(?P<host>\[[^\]]*\]|[^:]*)(?::(?P<port>[0-9]*))?")
_ASTRAL = re.compile("[\U00010000-\U0010ffff]")


class Claim(NamedTuple):
    """What a request says of itself: `target` is its path and query exactly as received."""

    origins: tuple[str, ...]
    target: str
    signature: str
    algorithm: str = "HMAC_SHA1"


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


def algorithm(settings_header: str) -> str:
    """The algorithm that `X-Twilio-Webhooks-Signature-Settings` (`key=…,algorithm=HMAC_SHA256`) names."""
    for part in settings_header.split(",") if settings_header else ():
        name, _, value = part.partition("=")
        if name.strip() == "algorithm" and value.strip():
            return value.strip().upper()
    return "HMAC_SHA1"


def form_is_authentic(claim: Claim, tokens: tuple[bytes, ...], pairs: Pairs) -> bool:
    """Whether one of the tokens signed this URL with these parameters (none for GET)."""
    return any(_signed(claim, tokens, text) for text in _spellings(pairs))


def body_is_authentic(claim: Claim, tokens: tuple[bytes, ...], body: bytes) -> bool:
    """Whether one of the tokens signed this URL, and the URL's `bodySHA256` is this body's.

    Without that parameter nothing vouches for the body, so the answer is no.
    """
    stated = parse_qs(claim.target.partition("?")[2]).get("bodySHA256", [""])[0]
    actual = hashlib.sha256(body).hexdigest()
    matches = hmac.compare_digest(actual.encode(), stated.encode("utf-8", "surrogateescape"))
    return matches and _signed(claim, tokens, "")


def _spellings(pairs: Pairs) -> Iterator[str]:
    unique = set(pairs)
    text = _written(sorted(unique))
    yield text
    if len({name for name, _ in pairs}) < len(pairs):
        # Repeated names: every value, sorted or as sent.
        yield _written(sorted(pairs))
        yield _written(sorted(pairs, key=itemgetter(0)))
    if not text.isascii() and _ASTRAL.search(text):
        # Java and JavaScript sort by UTF-16 units, which puts U+10000 before U+E000.
        yield _written(sorted(unique, key=_utf16))
        yield _written(sorted(pairs, key=_utf16))


def _written(pairs: Pairs) -> str:
    return "".join(chain.from_iterable(pairs))


def _utf16(pair: tuple[str, str]) -> tuple[bytes, bytes]:
    name, value = pair
    return name.encode("utf-16-be", "surrogatepass"), value.encode("utf-16-be", "surrogatepass")


def _signed(claim: Claim, tokens: tuple[bytes, ...], text: str) -> bool:
    if claim.algorithm not in _HASHES:
        return False
    signature = claim.signature.encode("utf-8", "surrogateescape")
    for url in _urls(claim):
        message = (url + text).encode("utf-8", "surrogateescape")
        for token in tokens:
            keyed = _keyed(token, claim.algorithm).copy()
            keyed.update(message)
            if hmac.compare_digest(b64encode(keyed.digest()), signature):
                return True
    return False


# Setting a key up costs more than the hash of a webhook.
@lru_cache(maxsize=1024)
def _keyed(token: bytes, algorithm: str) -> hmac.HMAC:
    return hmac.new(token, digestmod=_HASHES[algorithm])


def _urls(claim: Claim) -> Iterator[str]:
    for origin in claim.origins:
        yield origin + claim.target
    path, mark, query = claim.target.partition("?")
    if not query:
        # A lone `?` says nothing: a library drops it before signing, or an HTTP client before sending.
        for origin in claim.origins:
            yield origin + path + ("" if mark else "?")
