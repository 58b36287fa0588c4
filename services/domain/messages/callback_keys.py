"""Which key signs a status callback's URL now, and which are believed.

Each signs from a moment that the settings name: the same on all workers, and far enough ahead for every ingress to know
the key before the first callback is signed by it. Pure; times are ISO 8601 in UTC with milliseconds.
"""

from collections.abc import Mapping

from services.domain.clock import later

# After its successor began to sign. Twilio tells of a message within days; nobody promises how many.
BELIEVED_S = 60 * 86_400.0


class CallbackKeys:
    """`first` signs where no other does yet; `others` by the moment from which each signs."""

    def __init__(self, first: bytes, others: Mapping[str, bytes]) -> None:
        dated = sorted(others.items())
        keys = [first, *(key for _, key in dated)]
        self._keys = list(zip(["", *(at for at, _ in dated)], keys, strict=True))
        # Of each but the last, until when.
        self._until = [later(at, BELIEVED_S) for at, _ in dated]

    def signing(self, at: str) -> bytes:
        """The key that signs at this moment."""
        return next(key for since, key in reversed(self._keys) if since <= at)

    def believed(self, at: str) -> tuple[bytes, ...]:
        """Those whose signature is believed at this moment, the latest first; one that signs later only, too."""
        old = [key for (_, key), until in zip(self._keys, self._until, strict=False) if at <= until]
        return (self._keys[-1][1], *reversed(old))

    @property
    def all(self) -> frozenset[bytes]:
        return frozenset(key for _, key in self._keys)
