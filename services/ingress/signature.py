"""Is this request Twilio's? An HMAC over the public URL and the sorted parameters, in one of their spellings.

Who holds a tenant's auth token or a shared key signed it; a key answers for its own algorithm alone.
"""

import binascii
import hashlib
import hmac
import re
from base64 import b64decode, b64encode
from collections.abc import Iterator
from functools import lru_cache
from itertools import islice, product
from operator import mul
from typing import NamedTuple

from services.domain.messages.callback import FRAGMENTS
from services.ingress import spellings
from services.ingress.form import Pairs

SHA1, SHA256 = "HMAC_SHA1", "HMAC_SHA256"
_HASHES = {SHA1: hashlib.sha1, SHA256: hashlib.sha256}
_DIGEST_BYTES = {20, 32}
_STATED = re.compile("[?&]bodySHA256=([0-9a-fA-F]{64})(?:&|$)")
# What a stranger's request may cost: HMACs, and bytes that they go over.
MOST_HMACS = 64
_MOST_BYTES = 128 * 1024
# In the URLs that we set stands how to retry. It is never sent, and no document of Twilio's signs it; an emulator does.
_TAILS = ("", *FRAGMENTS)
# How unlikely the next spelling of each is: of the query, of our address, of the fragment, of the form.
_UNLIKELY = (1, 3, 8, 2)


class Keys(NamedTuple):
    """Who may have signed, and how: auth tokens by HMAC_SHA1, or one shared key by HMAC_SHA256."""

    algorithm: str
    secrets: tuple[bytes, ...]


class Claim(NamedTuple):
    """What a request says of itself: `target` is its path and query exactly as received; `signature` a digest."""

    origins: tuple[str, ...]
    target: str
    signature: bytes


def digest(signature: str) -> bytes | None:
    """The digest that `X-Twilio-Signature` states, or None: Base64 of 20 or 32 bytes, written as everybody does."""
    try:
        stated = b64decode(signature, validate=True)
    except (binascii.Error, ValueError):
        return None
    return stated if len(stated) in _DIGEST_BYTES and b64encode(stated).decode() == signature else None


def settings(header: str) -> tuple[str, str] | None:
    """Key id and algorithm out of `X-Twilio-Webhooks-Signature-Settings: key=<id>,algorithm=HMAC_SHA256`.

    Without the header neither key nor another algorithm than HMAC_SHA1 is meant. None where a part is unknown or
    said twice.
    """
    if not header:
        return "", SHA1
    parts = [part.partition("=") for part in header.split(",") if part.strip()]
    named = {name.strip().lower(): value.strip() for name, _, value in parts}
    if len(named) < len(parts) or not named.keys() <= {"key", "algorithm"}:
        return None
    return named.get("key", ""), named.get("algorithm", SHA1).upper()


def signed_text(claim: Claim, keys: Keys, pairs: Pairs) -> bytes | None:
    """The text that one of the keys signed: this URL with these parameters (none for GET), run together. Or None."""
    left, room = MOST_HMACS, _MOST_BYTES
    if len(claim.signature) != _HASHES[keys.algorithm]().digest_size:
        return None
    for start, end in _written(claim, pairs):
        for secret in keys.secrets:
            if not left or room < 0:
                return None
            left, room = left - 1, room - len(start) - len(end)
            keyed = _keyed(secret, keys.algorithm).copy()
            keyed.update(start)
            keyed.update(end)
            if hmac.compare_digest(keyed.digest(), claim.signature):
                return start + end
    return None


def signed_url(claim: Claim, keys: Keys, body: bytes) -> bytes | None:
    """The URL that one of the keys signed, if its `bodySHA256` is this body's.

    Without that parameter nothing vouches for the body, so there is none.
    """
    stated = _STATED.search(claim.target)
    actual = hashlib.sha256(body).hexdigest()
    return signed_text(claim, keys, []) if stated and stated[1].lower() == actual else None


def _written(claim: Claim, pairs: Pairs) -> Iterator[tuple[bytes, bytes]]:
    """URL and parameters as they may have been signed. First as documented, then what deviates the least."""
    texts = map(_bytes, spellings.forms(pairs))
    first = next(texts)
    yield _bytes(claim.origins[0] + claim.target), first
    # As many as there is room for: of a long request few.
    most = min(MOST_HMACS // 2, 1 + _MOST_BYTES // (len(first) + len(claim.target) + 1))
    forms = [first, *islice(texts, most)]
    targets = list(islice(spellings.targets(claim.target), most))
    for target, origin, tail, form in _order(len(targets), len(claim.origins), len(forms)):
        yield _bytes(claim.origins[origin] + targets[target] + _TAILS[tail]), forms[form]


def _bytes(text: str) -> bytes:
    return text.encode("utf-8", "surrogateescape")


@lru_cache(maxsize=1024)
def _order(targets: int, origins: int, forms: int) -> list[tuple[int, ...]]:
    """In which order the spellings are combined: the least that deviates first."""
    sizes = (targets, origins, len(_TAILS), forms)
    combined = sorted(product(*map(range, sizes)), key=lambda places: sum(map(mul, places, _UNLIKELY)))
    return combined[1:MOST_HMACS]


# Setting a key up costs more than the hash of a webhook.
@lru_cache(maxsize=1024)
def _keyed(secret: bytes, algorithm: str) -> hmac.HMAC:
    return hmac.new(secret, digestmod=_HASHES[algorithm])
