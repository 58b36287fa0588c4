"""The window of WhatsApp and Messenger: free text reaches only who has written to us within 24 hours."""

from collections.abc import Iterable
from datetime import datetime, timedelta

_LENGTH = timedelta(hours=24)


class Windows:
    """When each person last wrote to each of our addresses. `enforced`: whether anything follows from it."""

    def __init__(self) -> None:
        self.enforced = False
        self._heard: dict[tuple[str, str], datetime] = {}

    def clear(self) -> None:
        self.enforced = False
        self._heard.clear()

    def hear(self, names: Iterable[str], ours: str, at: datetime) -> None:
        self._heard.update({(ours, name): at for name in names})

    def is_open(self, names: Iterable[str], ours: str, at: datetime) -> bool:
        """Whether the person wrote to this address less than 24 hours before that moment."""
        return any(at - heard < _LENGTH for name in names if (heard := self._heard.get((ours, name))))
