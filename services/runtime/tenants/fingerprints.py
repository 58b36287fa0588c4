"""What tells whether a secret is a certain one, without telling what it is."""

import hashlib
import hmac
import secrets

# 512 KiB and some milliseconds of a core each. Five thousand tenants are compared at every start. Who reads the log
# finds a faster way to try a weak secret there: the keys of people whose numbers he knows, one HMAC each. So a slower
# one would protect nothing, and a contact secret has to be a random one.
_N, _R, _P = 512, 8, 1
_SALT_BYTES = 16


def fingerprint(secret: str) -> str:
    """`scrypt$n$r$p$salt$digest`, with a salt of its own."""
    return _made(secret, _N, _R, _P, secrets.token_bytes(_SALT_BYTES))


def fits(secret: str, known: str) -> bool:
    """Whether `known` is a fingerprint of this secret. Raises ValueError for what is none."""
    scheme, n, r, p, salt, _ = known.split("$")
    if scheme != "scrypt":
        raise ValueError(f"{scheme[:20]} is no way of ours to make a fingerprint")
    return hmac.compare_digest(_made(secret, int(n), int(r), int(p), bytes.fromhex(salt)), known)


def _made(secret: str, n: int, r: int, p: int, salt: bytes) -> str:
    digest = hashlib.scrypt(secret.encode(), salt=salt, n=n, r=r, p=p, dklen=32)
    return f"scrypt${n}${r}${p}${salt.hex()}${digest.hex()}"
