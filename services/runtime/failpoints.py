"""Named places where a test may kill this process, as `kill -9` would: nothing is flushed, nothing is said.

Only a call arms one, and only the tests make it: no setting and no variable of the environment does. So an image, which
has none of the tests in it, has no way to. Unarmed, a pass costs one comparison.

The names are the callers' own: the fold adapter names one before and after each await of a flush, ingress
one between a fact's being durable and its acknowledgement (`ingress.durable`) and one between a spool
segment's ack and its removal (`ingress.drained`).
"""

import os
import signal

# The place and how many passes are left, if one is armed.
_armed: list[tuple[str, int]] = []


def arm(name: str, nth: int = 1) -> None:
    """Kill this process at the nth pass of the place called `name`."""
    _armed[:] = [(name, nth)]


def reach(name: str) -> None:
    """Pass the place called `name`; does not return when it is armed and its turn has come."""
    if _armed and _armed[0][0] == name:
        _, left = _armed.pop()
        if left == 1:
            os.kill(os.getpid(), signal.SIGKILL)
        _armed.append((name, left - 1))
