"""The query of our status callback URL: it carries the command and its contact, signed, back to us.

Ingress learns from it whom a status is about without a lookup, also when the callback overtakes the create
call's answer. The signature keeps a tenant's other webhooks from claiming a command that is not theirs.
"""

import hashlib
import hmac
from collections.abc import Mapping
from urllib.parse import urlencode

# Another use of the same secret (the contact key) must never yield this signature.
_LABEL = b"switchboard status callback v1"
_SIGNATURE_BYTES = 16


def callback_query(secret: bytes, command_id: str, contact: str) -> str:
    """`c={command id}&k={contact key}&s={signature}`, URL-encoded; `secret` is the contact secret."""
    return urlencode({"c": command_id, "k": contact, "s": _signature(secret, command_id, contact)})


def read_callback(secret: bytes, query_params: Mapping[str, str]) -> tuple[str, str] | None:
    """The command id and contact key of a callback's query, or None if it is not one that we signed."""
    command_id, contact, stated = (query_params.get(name, "") for name in ("c", "k", "s"))
    if not stated:
        return None
    actual = _signature(secret, command_id, contact)
    if not hmac.compare_digest(actual.encode(), stated.encode("utf-8", "surrogateescape")):
        return None
    return command_id, contact


def _signature(secret: bytes, command_id: str, contact: str) -> str:
    parts = [part.encode("utf-8", "surrogateescape") for part in (command_id, contact)]
    # Lengths first, so that no two pairs of command and contact are written alike.
    message = b"".join(len(part).to_bytes(4, "big") + part for part in (_LABEL, *parts))
    return hmac.digest(secret, message, hashlib.sha256)[:_SIGNATURE_BYTES].hex()
