"""When a public record was taken, and how old it is at least: no producer's clock decides either.

Its topic has the broker's time. Where it still has the producers' (`switchboard topics plan` says so), a record counts
from when it was read here, unless it says so itself to within the time that consent leaves open anyway.
"""

import re
from collections.abc import Sequence
from typing import NamedTuple

from services.contract.letters import PRODUCED_MS
from services.domain.clock import iso, later
from services.domain.consent.standing import HORIZON_S
from services.runtime.folding.fold import Record

_MILLISECONDS = re.compile(rb"\d{1,18}", re.ASCII)


class Moment(NamedTuple):
    """`at`: when it was taken, which orders it. `since`: when it was produced, the earliest that anybody says.

    `since` only makes weaker what is said: a command expires by it, a yes counts from it. It is never later than `at`.
    """

    at: str
    since: str


def moment_of(record: Record, read_at: str) -> Moment:
    """Of a record that is read at `read_at`, as it stands on the log."""
    stated = iso(record.timestamp)
    # A no and a yes within that time of each other stay a no, so nobody gains by it; and a record that is read again
    # after a kill is the same one.
    believed = record.by_broker or later(read_at, -HORIZON_S) <= stated <= read_at
    at = stated if believed else read_at
    return Moment(at, min(at, stated, *_produced(record.headers)))


def _produced(headers: Sequence[tuple[str, bytes]]) -> list[str]:
    """What a dead letter that was retried says of its first time; anybody may say it."""
    said = [content or b"" for name, content in headers if name == PRODUCED_MS]
    return [iso(int(content)) for content in said if _MILLISECONDS.fullmatch(content)]
