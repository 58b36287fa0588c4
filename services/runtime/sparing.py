"""Lines of the log that strangers cause: of each kind one a second, with the number of the others."""

from collections.abc import Hashable
from time import monotonic

_EVERY_S = 1.0
# Kinds within a second; what is more is one kind. Strangers may name kinds too, such as tenants that nobody has.
_MOST = 100


class Sparing:
    """Whether a line of a kind may be written now."""

    def __init__(self) -> None:
        self._told: dict[Hashable, tuple[float, int]] = {}

    def kept_back(self, kind: Hashable) -> int | None:
        """How many of this kind were kept back since the last line; None: this one is to be kept back too."""
        moment = monotonic()
        if kind not in self._told and len(self._told) >= _MOST:
            self._told = {one: (at, more) for one, (at, more) in self._told.items() if moment - at < _EVERY_S}
            kind = kind if len(self._told) < _MOST else None
        told_at, kept_back = self._told.get(kind, (float("-inf"), 0))
        if moment - told_at < _EVERY_S:
            self._told[kind] = told_at, kept_back + 1
            return None
        self._told[kind] = moment, 0
        return kept_back


def and_more(kept_back: int) -> str:
    """The end of such a line."""
    return f" (and {kept_back} more of this kind since the last line)" if kept_back else ""
