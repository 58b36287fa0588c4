"""A voucher: Twilio's signature. An HMAC over the public URL and the sorted parameters, by a key of the tenant's.

Twilio signs names and values run together, so one signature fits many requests: other methods, other cuts of the same
text. Hence each must name an account of the tenant's, in the way that its method has. Whose keys count is said by the
URL; or, on the URL that tenants share, by parameters that nobody vouches for yet. A key answers for its own algorithm
alone.
"""

import binascii
import hashlib
import hmac
import re
from collections.abc import Iterator
from functools import lru_cache
from itertools import chain
from typing import NamedTuple

from services.ingress import parameters, spellings
from services.ingress.parameters import Pairs
from services.ingress.reasons import Rejected
from services.ingress.spellings import MOST_BYTES, MOST_TRIED
from services.ingress.tenants import SHA1, SHA256, Keys, Tenant
from services.ingress.webhook import Believed, Call, Whose

_HASHES = {SHA1: hashlib.sha1, SHA256: hashlib.sha256}
_DIGEST_BYTES = {SHA1: 20, SHA256: 32}
_STATED = re.compile("[?&]bodySHA256=([0-9a-fA-F]{64})(?:&|$)")
# What the text that was signed always holds, where it was a GET's, and where it was a form's. The first is searched in
# each webhook: how it begins is found ten times as fast by itself.
_GETS = b"AccountSid=AC"
_OF_A_GET = re.compile(b"[?&]AccountSid=AC[0-9a-fA-F]{32}")
_OF_A_FORM = re.compile(b"AccountSidAC[0-9a-fA-F]{32}")
# What a request says of its key: id and algorithm, or None where that cannot be read.
Signer = tuple[str, str] | None


class Claim(NamedTuple):
    """What a request says of itself: `target` is its path and query exactly as received; `signature` a digest."""

    origins: tuple[str, ...]
    target: str
    signature: bytes


class TwilioSigned:
    """By the tenant's auth tokens or shared keys. It gives `Pairs`."""

    def __init__(self, public_url: str) -> None:
        self._origins = spellings.origins(public_url)

    def glance(self, call: Call) -> bytes:
        """The digest that the head states. Raises Rejected."""
        if (signed := digest(call.headers.get("X-Twilio-Signature", ""))) is None:
            raise Rejected("unsigned")
        return signed

    def believe(self, whose: Whose, call: Call, stated: bytes, body: bytes) -> Believed:
        """The verified parameters, in the order sent; for GET those of the query. Raises Rejected.

        Malformed is only what could not be verified either: what Twilio signed is kept, however odd.
        """
        claim = Claim(self._origins, call.target, stated)
        signer = settings(call.headers.get("X-Twilio-Webhooks-Signature-Settings", ""))
        match call.says:
            case "query":
                return _verified_query(whose, claim, signer)
            case "form":
                return _verified_form(whose, claim, signer, body)
            case "json":
                return _verified_json(whose, claim, signer, body)
            case _:
                raise Rejected("content_type")


def digest(signature: str) -> bytes | None:
    """The digest that `X-Twilio-Signature` states, or None: Base64 of 20 or 32 bytes, written as everybody does."""
    try:
        stated = binascii.a2b_base64(signature, strict_mode=True)
    except (binascii.Error, ValueError):
        return None
    written = len(stated) in _DIGEST_BYTES.values() and binascii.b2a_base64(stated, newline=False) == signature.encode()
    return stated if written else None


def settings(header: str) -> Signer:
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


def _verified_form(whose: Whose, claim: Claim, signer: Signer, body: bytes) -> Believed:
    sent = parameters.form(body)
    tenant = whose(sent.pairs)
    text = signed_text(claim, _keys(tenant, signer, sent.pairs), sent.pairs)
    if text is None:
        raise Rejected("signature" if sent.decodable else "malformed")
    if _is_a_gets(text):
        raise Rejected("ambiguous")
    return Believed(tenant, parameters.legible(sent))


def _verified_query(whose: Whose, claim: Claim, signer: Signer) -> Believed:
    pairs = parameters.query(claim.target)
    tenant = whose(pairs)
    text = signed_text(claim, _keys(tenant, signer, pairs), [])
    if text is None:
        raise Rejected("signature")
    if _OF_A_FORM.search(text):
        raise Rejected("ambiguous")
    return Believed(tenant, pairs)


def _verified_json(whose: Whose, claim: Claim, signer: Signer, body: bytes) -> Believed:
    named = parameters.whose(body)
    tenant = whose(named)
    text = signed_url(claim, _keys(tenant, signer, named), body)
    if text is None:
        raise Rejected("signature")
    if _is_a_gets(text) or _OF_A_FORM.search(text):
        raise Rejected("ambiguous")
    return Believed(tenant, parameters.document(body))


def _is_a_gets(text: bytes) -> bool:
    return _GETS in text and _OF_A_GET.search(text) is not None


def _keys(tenant: Tenant, signer: Signer, pairs: Pairs) -> Keys:
    """Who may have signed. Raises Rejected for an account, a key or an algorithm that is none of the tenant's."""
    accounts = {value for name, value in pairs if name == "AccountSid"}
    if len(accounts) != 1 or not tenant.owns(account := accounts.pop()):
        raise Rejected("account")
    key, algorithm = signer or (None, "")
    if key == "" and algorithm == SHA1:
        return tenant.tokens_of(account)
    if key in tenant.signing_keys and algorithm == SHA256:
        return tenant.signing_keys[key]
    raise Rejected("signing_key")


def signed_url(claim: Claim, keys: Keys, body: bytes) -> bytes | None:
    """The URL that one of the keys signed, if its `bodySHA256` is this body's.

    Without that parameter nothing vouches for the body, so there is none.
    """
    stated = _STATED.search(claim.target)
    actual = hashlib.sha256(body).hexdigest()
    return signed_text(claim, keys, []) if stated and stated[1].lower() == actual else None


def signed_text(claim: Claim, keys: Keys, pairs: Pairs) -> bytes | None:
    """The text that one of the keys signed: this URL with these parameters (none for GET), run together. Or None."""
    left, room = MOST_TRIED, MOST_BYTES
    if len(claim.signature) != _DIGEST_BYTES[keys.algorithm]:
        return None
    for text in _texts(claim, pairs):
        for secret in keys.secrets:
            if not left or room < 0:
                return None
            left, room = left - 1, room - len(text)
            keyed = _keyed(secret, keys.algorithm).copy()
            keyed.update(text)
            if hmac.compare_digest(keyed.digest(), claim.signature):
                return text
    return None


def _texts(claim: Claim, pairs: Pairs) -> Iterator[bytes]:
    """URL and parameters as they may have been signed: as Twilio documents it, then what is spelt otherwise."""
    text = "".join(chain((claim.origins[0], claim.target), *dict.fromkeys(sorted(pairs))))
    yield text.encode("utf-8", "surrogateescape")
    yield from spellings.others(claim.origins, claim.target, pairs)


# Setting a key up costs more than the hash of a webhook.
@lru_cache(maxsize=1024)
def _keyed(secret: bytes, algorithm: str) -> hmac.HMAC:
    return hmac.new(secret, digestmod=_HASHES[algorithm])
