"""How many calls an account may have under way: fewer after "too many requests", more again while all goes well."""


class Limit:
    """Additive increase, multiplicative decrease, between 1 and `ceiling`. Times are any seconds that only grow."""

    def __init__(self, ceiling: int) -> None:
        self._ceiling = float(max(1, ceiling))
        self._exact = self._ceiling
        self._reduced_at = float("-inf")

    @property
    def value(self) -> int:
        return int(self._exact)

    def answered(self, full: bool) -> None:
        """A call was taken. Only where the limit was in use (`full`) does that speak for a higher one."""
        if full:
            self._exact = min(self._ceiling, self._exact + 1 / self._exact)

    def too_many(self, begun: float, now: float) -> None:
        """A call was too many. Those that had begun before the last reduction tell nothing of what it led to."""
        if begun >= self._reduced_at:
            self._exact = max(1.0, self._exact / 2)
            self._reduced_at = now
