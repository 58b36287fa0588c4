"""Where a message stands, from all that was told of it at once."""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from typing import NamedTuple

from services.checker.facts import Fact, Facts
from services.checker.topics import SENT, STATUS

# A line further down overrules those above it.
_LADDER = (
    "accepted",
    "scheduled",
    "queued",
    "receiving",
    "sending",
    "sent",
    "canceled",
    "failed",
    "undelivered",
    "partially_delivered",
    "received",
    "delivered",
    "read",
)
_UNDER_WAY = frozenset(_LADDER[:6])


class Step(NamedTuple):
    """A status: when it was first told, and the first error that came with it, with its time."""

    at: str
    error: tuple[str, int] | None


class Standing(NamedTuple):
    """All that is known of a message."""

    steps: Mapping[str, Step]
    contact: str
    command_id: str

    @property
    def status(self) -> str:
        return max(self.steps, key=rung)

    @property
    def error_code(self) -> int | None:
        """The error of the furthest status that was told with one."""
        failed = [status for status, step in self.steps.items() if step.error is not None]
        error = self.steps[max(failed, key=rung)].error if failed else None
        return error[1] if error else None


def rung(status: str) -> tuple[int, str]:
    """How far a status is; one that nobody knows is below all."""
    return (_LADDER.index(status) if status in _LADDER else -1), status


def is_end(status: str) -> bool:
    return status in _LADDER and status not in _UNDER_WAY


def standings(facts: Facts) -> Mapping[str, Standing]:
    """Every message that a fact names, by its MessageSid."""
    told: defaultdict[str, list[Fact]] = defaultdict(list)
    for topic in (STATUS, SENT):
        for fact in facts.sound(topic):
            if sid := fact.text("message_sid"):
                told[sid].append(fact)
    return {sid: _standing(seen) for sid, seen in told.items()}


def _standing(seen: Sequence[Fact]) -> Standing:
    by_status: defaultdict[str, list[tuple[str, int | None]]] = defaultdict(list)
    for fact in seen:
        at = fact.text("received_at") or fact.text("sent_at")
        by_status[fact.text("message_status") or "unknown"].append((at, fact.event.get("error_code")))
    steps = {}
    for status, sightings in by_status.items():
        errors = sorted((at, code) for at, code in sightings if code)
        steps[status] = Step(min(at for at, _ in sightings), errors[0] if errors else None)
    contacts, commands = ({fact.text(name) for fact in seen} for name in ("contact", "command_id"))
    return Standing(steps, max(contacts), max(commands))
