"""Who produced a record of a public topic: its producer signs it with a key of the tenant. Pure.

A header names the key and the time. The signature is over these, the topic and the bytes of the value, so that it is
good for no other record, no other topic and no other time. What a copy of the whole record may do is said by that time
(`fault_of_time`, and `since` in the sender's `producers`).
"""

import hashlib
import hmac
import re
from collections.abc import Iterable
from typing import NamedTuple

from services.domain.clock import iso, seconds_between

HEADER = "producer-signature"
# No signature counts by a clock further ahead: a yes within that time of a STOP does not lift it anyway.
AHEAD_S = 60
# A day less than a command's id is remembered: a copy of a command that is older than its memory does nothing.
OLDEST_S = 29 * 86_400
# What anybody could guess, who may read the topic, protects nothing.
SHORTEST_SECRET = 32

KEY_ID = r"[A-Za-z0-9._-]{1,64}"
_SIGNATURE = re.compile(
    rf"v1 (?P<tenant>[a-z0-9][a-z0-9_-]{{0,62}})/(?P<key>{KEY_ID}) (?P<at>[0-9]{{1,10}}) (?P<digest>[0-9a-f]{{64}})",
    re.ASCII,
)
_FORM = f"header {HEADER}: one, as `v1 TENANT/KEY SECONDS HEX`; docs/sending.md has it in a few lines of code"


class Signature(NamedTuple):
    """A header as it was read. `at`: Unix seconds, by its producer's clock."""

    tenant: str
    key_id: str
    at: int
    digest: str

    @property
    def signed_at(self) -> str:
        return iso(self.at * 1000)


class NoSignature(ValueError):
    """There is a header, and it is no signature. The text is a sentence for its producer."""


def sign(topic: str, value: bytes, key: str, secret: bytes, at: int) -> tuple[str, bytes]:
    """The header of a record. `key`: `{tenant}/{key id}`; `at`: Unix seconds, now."""
    return HEADER, f"v1 {key} {at} {_digest(topic, value, key, secret, at)}".encode()


def read(headers: Iterable[tuple[str, bytes | None]]) -> Signature | None:
    """The signature of a record, or None where it has none. Raises NoSignature."""
    found = [content or b"" for name, content in headers if name == HEADER]
    if not found:
        return None
    said = _SIGNATURE.fullmatch(found[0].decode("ascii", "replace")) if len(found) == 1 else None
    if said is None:
        raise NoSignature(_FORM)
    return Signature(said["tenant"], said["key"], int(said["at"]), said["digest"])


def fits(signature: Signature, topic: str, value: bytes, secret: bytes) -> bool:
    """Was it made of this value, for this topic, by who has the secret?"""
    made = _digest(topic, value, f"{signature.tenant}/{signature.key_id}", secret, signature.at)
    return hmac.compare_digest(made, signature.digest)


def fault_of_time(signature: Signature, at: str) -> str | None:
    """Why a signature does not count for a record that was taken at `at`; None where it does."""
    behind = seconds_between(signature.signed_at, at)
    if behind < -AHEAD_S:
        return (
            f"header {HEADER}: it was made {-behind:.0f} s ahead of the broker's clock; set the producer's clock, and "
            "sign again"
        )
    if behind > OLDEST_S:
        day = signature.signed_at[:10]
        return f"header {HEADER}: it was made on {day}, and counts for {OLDEST_S // 86_400} days; sign again"
    return None


def _digest(topic: str, value: bytes, key: str, secret: bytes, at: int) -> str:
    head = f"v1\n{key}\n{at}\n{topic}\n".encode()
    return hmac.new(secret, head + value, hashlib.sha256).hexdigest()
