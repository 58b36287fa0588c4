"""The sender's clock: the only place here that knows what time it is."""

import time

from services.domain.clock import iso


def now() -> str:
    """This moment as it stands on the log."""
    return iso(time.time_ns() // 1_000_000)
