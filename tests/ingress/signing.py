"""Requests as Twilio sends them, signed by Twilio's own library and never by our code."""

from collections.abc import Iterable
from hashlib import sha256
from urllib.parse import urlencode

from multidict import MultiDict
from twilio.request_validator import RequestValidator

Pairs = list[tuple[str, str]]

ACCOUNT = "AC" + "a" * 32
SUBACCOUNT = "AC" + "b" * 32
TOKEN = "the token"
OTHER_TOKEN = "the token that rotates in"
SUBACCOUNT_TOKEN = "the subaccount's token"
SHARED_KEYS = {"key-1": "a shared key", "key-2": "the next shared key"}
# Nobody made it.
FORGED = "A" * 27 + "="


def sign(url: str, pairs: Iterable[tuple[str, str]] = (), token: str = TOKEN, algorithm: str | None = None) -> str:
    """`X-Twilio-Signature` for a URL and the parameters of its form."""
    return str(RequestValidator(token).compute_signature(url, MultiDict(pairs), algorithm))


def by_key(key: str, url: str, pairs: Iterable[tuple[str, str]] = (), secret: str | None = None) -> dict[str, str]:
    """The headers of a request that is signed by a shared key."""
    return {
        "X_Twilio_Signature": sign(url, pairs, secret or SHARED_KEYS[key], "HMAC_SHA256"),
        "X_Twilio_Webhooks_Signature_Settings": f"key={key},algorithm=HMAC_SHA256",
    }


def accepts(url: str, pairs: Pairs, signature: str, token: str = TOKEN) -> bool:
    """What the official library says of a form."""
    return bool(RequestValidator(token).validate(url, MultiDict(pairs), signature))


def form(pairs: Pairs) -> bytes:
    return urlencode(pairs).encode()


def with_hash(url: str, body: bytes) -> str:
    """A URL that vouches for a JSON body."""
    return f"{url}{'&' if '?' in url else '?'}bodySHA256={sha256(body).hexdigest()}"
