"""HMAC-SHA256 by keys that are used again and again: what is of the key alone is reckoned once.

Python's own `hmac.digest` looks its hash up and takes the key in anew each time, which costs thrice as much.
"""

import hashlib
from functools import lru_cache
from typing import Any

_BLOCK = 64
# Of each byte of a key, as the standard (RFC 2104) mixes it.
_INNER, _OUTER = (bytes(byte ^ pad for byte in range(256)) for pad in (0x36, 0x5C))


def keyed_digest(key: bytes, message: bytes) -> bytes:
    """HMAC-SHA256."""
    inner, outer = (begun.copy() for begun in _begun(key))
    inner.update(message)
    outer.update(inner.digest())
    digest: bytes = outer.digest()
    return digest


# More keys than a process has tenants would only be reckoned again.
@lru_cache(maxsize=4096)
def _begun(key: bytes) -> tuple[Any, Any]:
    block = (hashlib.sha256(key).digest() if len(key) > _BLOCK else key).ljust(_BLOCK, b"\x00")
    return hashlib.sha256(block.translate(_INNER)), hashlib.sha256(block.translate(_OUTER))
