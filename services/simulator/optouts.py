"""Who is blocked. A scope is one of our addresses or a Messaging Service."""

from collections.abc import Iterable


class OptOuts:
    """Blocks by scope and by any of a person's names."""

    def __init__(self) -> None:
        self._blocked: set[tuple[str, str]] = set()

    def clear(self) -> None:
        self._blocked.clear()

    def block(self, names: Iterable[str], scope: str) -> bool:
        """Block the person in this scope. Whether that is new."""
        pairs = {(scope, name) for name in names}
        new = not pairs & self._blocked
        self._blocked |= pairs
        return new

    def release(self, names: Iterable[str], scopes: Iterable[str]) -> bool:
        """Release the person from all these scopes. Whether there was a block."""
        pairs = {(scope, name) for name in names for scope in scopes}
        found = bool(pairs & self._blocked)
        self._blocked -= pairs
        return found

    def blocks(self, names: Iterable[str], scopes: Iterable[str]) -> bool:
        """Whether a message to this person, from any of these scopes, is refused with 21610."""
        return any((scope, name) in self._blocked for name in names for scope in scopes)
