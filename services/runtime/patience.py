"""When aiokafka asks a broker for more, and how long it waits there: each fetch costs both sides as much as many
records, for it names all partitions that are read.

A record is answered with at once, whatever the fetch would wait. But aiokafka has one fetch under way, and a broker
answers the requests of a connection in order: what a fetch leaves out, or is asked meanwhile, waits until it returns.
"""

import time
from collections.abc import Callable
from types import SimpleNamespace
from typing import Any

# Where something may wait for it; with Faust's 1,500 ms a rebalance takes many seconds.
_HURRIED_MS = 100


def wait_by(
    fetcher: Any,
    patient_ms: int,
    hurried: Callable[[], bool],
    apart_s: Callable[[], float] = lambda: 0.0,
    begun: Callable[[], None] = lambda: None,
) -> None:
    """Let the fetches of a consumer wait so long, and begin so far apart; `begun` is told of each.

    Shortly and at once while `hurried`; shortly too where a partition is left out, for what came last of it is not
    consumed yet. What is paused is not looked at: whoever resumes it calls `look`.
    """
    actions = fetcher._get_actions_per_node
    last = 0.0

    def decided(assignment: Any) -> Any:
        nonlocal last
        now, in_haste = time.monotonic(), hurried()
        if not in_haste and (early_s := last + apart_s() - now) > 0:
            return [], {}, early_s, False, []
        states = {tp: assignment.state_value(tp) for tp in assignment.tps}
        # With those that are paused it would wait for one future each, a hundred of them, several times a fetch.
        looked_at = {tp for tp, state in states.items() if not (state.paused and state.has_valid_position)}
        left_out = any(tp in looked_at for tp in fetcher._records)
        fetcher._fetch_max_wait_ms = _HURRIED_MS if left_out or in_haste else patient_ms
        found = actions(SimpleNamespace(tps=looked_at, state_value=states.__getitem__))
        if found[0]:
            last = now
            begun()
        return found

    fetcher._get_actions_per_node = decided
    # Nearly whatever changes wakes it; five times a second it looked at all partitions besides.
    fetcher._fetcher_timeout = patient_ms / 1000


def look(fetcher: Any) -> None:
    """Decide anew what to fetch: partitions are resumed, or somebody waits."""
    if (waiting := fetcher._wait_consume_future) is not None:
        fetcher._notify(waiting)
