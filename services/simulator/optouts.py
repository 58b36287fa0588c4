"""Twilio's own opt-out handling: STOP blocks a person for one of our numbers, START releases. SMS only."""

from services.simulator.addresses import channel

_STOP = frozenset({"STOP", "STOPALL", "UNSUBSCRIBE", "CANCEL", "END", "QUIT", "REVOKE", "OPTOUT"})
_START = frozenset({"START", "YES", "UNSTOP"})


class OptOuts:
    """Who has opted out of which of our numbers."""

    def __init__(self) -> None:
        self._blocked: set[tuple[str, str]] = set()

    def clear(self) -> None:
        self._blocked = set()

    def hear(self, person: str, ours: str, body: str) -> None:
        """Take note of an inbound message."""
        word = body.strip().upper()
        if channel(person) != "sms":
            return
        if word in _STOP:
            self._blocked.add((person, ours))
        elif word in _START:
            self._blocked.discard((person, ours))

    def blocks(self, person: str, ours: str | None) -> bool:
        """Whether a message from this number to this person is refused with 21610."""
        return (person, ours) in self._blocked
