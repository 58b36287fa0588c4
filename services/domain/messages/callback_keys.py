"""Which key signs a status callback's URL now, and which are believed.

Each signs from a moment that the settings name: the same on all workers, if it is far enough ahead for every ingress to
know the key by then. Where it is not, its predecessor signs for as long. Pure; times are ISO 8601 in UTC with
milliseconds.
"""

from collections.abc import Callable, Mapping

from services.domain.clock import later

# After its successor began to sign. Twilio tells of a message within days; nobody promises how many.
BELIEVED_S = 60 * 86_400.0
# Until every service has read a change: a ConfigMap takes its minutes.
SPREADS_S = 600.0
# A key that began so long ago signs wherever it is known: its predecessor may soon not be believed any more.
_OLD_S = BELIEVED_S / 2


class CallbackKeys:
    """`first` signs where no other does yet; `others` by the moment from which each signs."""

    def __init__(self, first: bytes, others: Mapping[str, bytes]) -> None:
        dated = sorted(others.items())
        keys = [first, *(key for _, key in dated)]
        self._keys = list(zip(["", *(at for at, _ in dated)], keys, strict=True))
        # Of each but the last, until when.
        self._until = [later(at, BELIEVED_S) for at, _ in dated]

    def signing(self, at: str, spread: Callable[[bytes], bool]) -> bytes:
        """The key that signs at this moment. `spread`: whether each ingress must have read it by now."""
        if not self._until:
            # Most tenants have one key.
            return self._keys[0][1]
        old = later(at, -_OLD_S)
        return next(key for since, key in reversed(self._keys) if since <= at and (since <= old or spread(key)))

    def believed(self, at: str) -> tuple[bytes, ...]:
        """Those whose signature is believed at this moment, the latest first; one that signs later only, too."""
        old = [key for (_, key), until in zip(self._keys, self._until, strict=False) if at <= until]
        return (self._keys[-1][1], *reversed(old))

    @property
    def all(self) -> frozenset[bytes]:
        return frozenset(key for _, key in self._keys)
