"""Whose turn is next among equals, and how many urgent ones may go before one that is not."""

from collections import OrderedDict
from collections.abc import Iterator
from typing import Generic, TypeVar

K = TypeVar("K")

# Four turns of five.
URGENT_IN_A_ROW = 4


class Ring(Generic[K]):
    """Each once, and who had a turn goes to the end."""

    def __init__(self) -> None:
        self._order: OrderedDict[K, None] = OrderedDict()

    def __bool__(self) -> bool:
        return bool(self._order)

    def __len__(self) -> int:
        return len(self._order)

    def __iter__(self) -> Iterator[K]:
        return iter(self._order)

    def add(self, one: K) -> None:
        self._order.setdefault(one)

    def discard(self, one: K) -> None:
        self._order.pop(one, None)

    def had(self, one: K) -> None:
        """It had its turn."""
        if one in self._order:
            self._order.move_to_end(one)


class Share:
    """How many urgent turns were taken in a row while others waited."""

    def __init__(self) -> None:
        self._taken = 0

    @property
    def spent(self) -> bool:
        """One that is not urgent is due."""
        return self._taken >= URGENT_IN_A_ROW

    def had(self, urgent: bool, others_wait: bool) -> None:
        self._taken = self._taken + 1 if urgent and others_wait else 0
