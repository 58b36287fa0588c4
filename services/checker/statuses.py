"""Where a message stands, from all that was told of it at once."""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from typing import NamedTuple

from services.checker.facts import Fact, Facts, gathered
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
# A message that is there has no error: what failed on the way is told by its steps.
_THERE = frozenset({"received", "delivered", "read"})
# Errors by which Twilio or a channel says that the person wants no more: by keyword (two codes), by WhatsApp's own
# block, by leaving a business's marketing there.
SAID_NO = frozenset({21610, 30630, 63014, 63033})


class Step(NamedTuple):
    """A status: when it was first told, and the first error that came with it, with its time."""

    at: str
    error: tuple[str, int] | None


class Standing(NamedTuple):
    """All that is known of a message."""

    steps: Mapping[str, Step]
    contact: str
    command_id: str
    sender: str
    to: str

    @property
    def status(self) -> str:
        return max(self.steps, key=rung)

    @property
    def error_code(self) -> int | None:
        """The error of the furthest status that was told with one, unless the message is there."""
        if self.status in _THERE:
            return None
        failed = [status for status, step in self.steps.items() if step.error is not None]
        error = self.steps[max(failed, key=rung)].error if failed else None
        return error[1] if error else None


def rung(status: str) -> tuple[int, str]:
    """How far a status is; one that nobody knows is below all."""
    return (_LADDER.index(status) if status in _LADDER else -1), status


def is_end(status: str) -> bool:
    return status in _LADDER and status not in _UNDER_WAY


@gathered
def standings(facts: Facts) -> Mapping[str, Standing]:
    """Every message that a fact names, by whose word it is: `{MessageSid} {tenant}`. No tenant speaks for another."""
    told: defaultdict[str, list[Fact]] = defaultdict(list)
    for topic in (STATUS, SENT):
        for fact in facts.sound(topic):
            if name := named(fact):
                told[name].append(fact)
    return {name: _standing(seen) for name, seen in told.items()}


def named(fact: Fact) -> str:
    """The message that a fact names, and whose word it is; nothing where it names none."""
    sid = fact.text("message_sid")
    return f"{sid} {fact.text('tenant')}" if sid else ""


def _standing(seen: Sequence[Fact]) -> Standing:
    by_status: defaultdict[str, list[tuple[str, int | None]]] = defaultdict(list)
    for fact in seen:
        at = fact.text("received_at") or fact.text("sent_at")
        by_status[fact.text("message_status") or "unknown"].append((at, fact.event.get("error_code")))
    steps = {}
    for status, sightings in by_status.items():
        errors = sorted((at, code) for at, code in sightings if code)
        steps[status] = Step(min(at for at, _ in sightings), errors[0] if errors else None)
    names = ("contact", "command_id", "from", "to")
    return Standing(steps, *(_stated(seen, name) for name in names))


def _stated(seen: Sequence[Fact], name: str) -> str:
    """What the best source says: Twilio's answer to the create call, then a webhook, then a list; else nothing."""
    said = [(_trust(fact, name), fact.text(name)) for fact in seen if fact.text(name)]
    return max(said)[1] if said else ""


def _trust(fact: Fact, name: str) -> int:
    if fact.text("event_type") == "message_sent":
        return 2
    # A callback that names a command carries its contact under our signature.
    if name == "contact" and fact.text("command_id"):
        return 2
    return 0 if fact.text("provenance") == "backfill" else 1
