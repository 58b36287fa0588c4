"""How long a fetch waits at the broker where nothing comes: each costs both sides, and names all that is read.

A record is answered with at once, whatever the fetch would wait. But aiokafka has one fetch under way, and a broker
answers the requests of a connection in order: what a fetch leaves out, or is asked meanwhile, waits until it returns.
"""

from collections.abc import Callable
from typing import Any

# Where something may wait for it; with Faust's 1,500 ms a rebalance takes many seconds.
_HURRIED_MS = 100


def wait_by(fetcher: Any, patient_ms: int, hurried: Callable[[], bool]) -> None:
    """Let the fetches of a consumer wait so long; but shortly while `hurried`, and where a partition is left out, for
    what came last of it is not consumed yet."""
    actions = fetcher._get_actions_per_node

    def decided(assignment: Any) -> Any:
        left_out = any(not assignment.state_value(tp).paused for tp in fetcher._records if tp in assignment.tps)
        fetcher._fetch_max_wait_ms = _HURRIED_MS if left_out or hurried() else patient_ms
        return actions(assignment)

    fetcher._get_actions_per_node = decided
    # Whatever changes wakes it; five times a second it looked at all partitions besides.
    fetcher._fetcher_timeout = patient_ms / 1000
