"""Is this process still counted in? If the group has not said so for a while, others may own its partitions by now."""

import time

# A member is thrown out when its session's length has passed without a heartbeat; doubt begins before that.
_DOUBT_AFTER = 0.8


class Pulse:
    """The last time the group's coordinator is known to have counted this process in. Times are monotonic seconds."""

    def __init__(self, session_timeout_s: float) -> None:
        self._doubt_after_s = _DOUBT_AFTER * session_timeout_s
        self._counted_in = 0.0

    def beat(self, asked_at: float) -> None:
        """The coordinator counted us in, when asked at that time: an answer read late says nothing of now."""
        self._counted_in = max(self._counted_in, asked_at)

    def in_doubt(self) -> bool:
        """Whether this process was frozen or cut off so long that it may have been taken for dead."""
        return time.monotonic() - self._counted_in > self._doubt_after_s
