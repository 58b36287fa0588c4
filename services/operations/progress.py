"""How far an operation is, for whoever waits for it."""

from collections.abc import Callable

# Hears what is being done, how much of it, and of how much where that is known.
Progress = Callable[[str, int, int | None], None]
