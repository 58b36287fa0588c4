"""The query of our status callback URL: it carries the command and its contact, signed, back to us.

Ingress learns from it whom a status is about without a lookup, also when the callback overtakes the create
call's answer. The signature keeps a tenant's other webhooks from claiming a command that is not theirs.
"""

import hmac
from collections.abc import Iterable, Mapping

from services.domain.keyed import keyed_digest
from services.domain.quoting import quoted

# Twilio retries a callback only if its URL asks, here; all of it fits into 15 seconds.
RETRIES = "#rc=4&rp=5xx,ct,rt"
# Also those of earlier releases: messages that they sent are called back under them, and who signs them writes them so.
FRAGMENTS = (RETRIES,)

# Another use of the same secret (the contact key) must never yield this signature.
_LABEL = b"switchboard status callback v1"
_SIGNATURE_BYTES = 16


def callback_query(secret: bytes, command_id: str, contact: str) -> str:
    """`c={command id}&k={contact key}&s={signature}`, URL-encoded; which `secret` signs: `callback_keys`."""
    return f"c={quoted(command_id)}&k={quoted(contact)}&s={_signature(secret, command_id, contact)}"


def read_callback(secrets: Iterable[bytes], query_params: Mapping[str, str]) -> tuple[str, str] | None:
    """The command id and contact key of a callback's query, or None if none of these secrets signed it."""
    command_id, contact, stated = (query_params.get(name, "") for name in ("c", "k", "s"))
    if not stated:
        return None
    signature = stated.encode("utf-8", "surrogateescape")
    for secret in secrets:
        if hmac.compare_digest(_signature(secret, command_id, contact).encode(), signature):
            return command_id, contact
    return None


def _signature(secret: bytes, command_id: str, contact: str) -> str:
    parts = [part.encode("utf-8", "surrogateescape") for part in (command_id, contact)]
    # Lengths first, so that no two pairs of command and contact are written alike.
    message = b"".join(len(part).to_bytes(4, "big") + part for part in (_LABEL, *parts))
    return keyed_digest(secret, message)[:_SIGNATURE_BYTES].hex()
