"""Named places where a test may kill this process, as `kill -9` would: nothing is flushed, nothing is said.

`SWITCHBOARD_FAILPOINT=name` kills at the first pass, `name:3` at the third. Unset, a pass costs one
comparison.

The names are the callers' own: the fold adapter names one before and after each await of a flush, ingress
one between a fact's being durable and its acknowledgement (`ingress.durable`) and one between a spool
segment's ack and its removal (`ingress.drained`).
"""

import os
import signal
from collections import Counter

_ARMED, _, _NTH = os.environ.get("SWITCHBOARD_FAILPOINT", "").partition(":")
_AT = int(_NTH or 1)
_passes: Counter[str] = Counter()


def reach(name: str) -> None:
    """Pass the place called `name`; does not return when it is armed and its turn has come."""
    if _ARMED and name == _ARMED:
        _passes[name] += 1
        if _passes[name] == _AT:
            os.kill(os.getpid(), signal.SIGKILL)
