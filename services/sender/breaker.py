"""Leaving an account alone while calling it leads to nothing but doubt: closed → open → half open → closed."""

from typing import Literal

State = Literal["closed", "half_open", "open"]

AFTER = 5
PAUSE_S = 5.0
LONGEST_PAUSE_S = 60.0


class Breaker:
    """Opens after so many failures in a row; after a pause one call may try, and its end decides.

    A failure is a call after which nobody knows, or that reached nobody; any answer of Twilio's is none. Each pause
    without success is twice as long. Times are any seconds that only grow.
    """

    def __init__(self, after: int = AFTER, pause_s: float = PAUSE_S, longest_s: float = LONGEST_PAUSE_S) -> None:
        self._after = after
        self._first_pause_s = pause_s
        self._longest_s = longest_s
        self._pause_s = pause_s
        self._failures = 0
        self._since = float("-inf")
        self.open_until: float | None = None

    def state(self, now: float) -> State:
        if self.open_until is None:
            return "closed"
        return "open" if now < self.open_until else "half_open"

    def answered(self, begun: float, now: float) -> None:
        if not self._tells(begun):
            return
        self._failures = 0
        if self.open_until is not None:
            self.open_until, self._pause_s, self._since = None, self._first_pause_s, now

    def failed(self, begun: float, now: float) -> None:
        if not self._tells(begun):
            return
        self._failures += 1
        if self.open_until is not None:
            self._pause_s = min(self._longest_s, 2 * self._pause_s)
        elif self._failures < self._after:
            return
        self._failures = 0
        self.open_until = now + self._pause_s

    def answers(self, begun: float) -> bool:
        """Whether an answer to a call that began then shows that all is well."""
        return self.open_until is not None and self._tells(begun)

    def _tells(self, begun: float) -> bool:
        """What had begun before the present state says nothing about it."""
        return begun >= (self._since if self.open_until is None else self.open_until)
