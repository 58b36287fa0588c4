"""What an operator sees of attempts: the calls under way, what Twilio answers, and how they end."""

import time
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache

from prometheus_client import Counter, Gauge, Histogram

from services.domain.errors import CATALOGUE
from services.domain.outbox.facts import Attempted, Created, Judged, Refused, Unknown
from services.sender.metrics import SENDER
from services.sender.outcomes import Outcome, Refusal

CALLS = Gauge("switchboard_calls_under_way", "Calls at Twilio that are not answered yet", registry=SENDER)
OUTCOMES = Counter("switchboard_attempts_total", "Attempts by how they ended", ["outcome"], registry=SENDER)
TWILIO_SECONDS = Histogram(
    "switchboard_twilio_seconds", "A call that creates a message, to Twilio's answer or to none", ["tenant"],
    buckets=(0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30), registry=SENDER,
)  # fmt: skip
ANSWERS = Counter(
    "switchboard_twilio_answers_total",
    "Calls that create a message, by Twilio's answer: created, an error's code (other: one that the catalogue does not "
    "know), none",
    ["answer"],
    registry=SENDER,
)
# Each by its labels, as many as there are of them on the page of metrics.
_ended, _seconds, _answered = cache(OUTCOMES.labels), cache(TWILIO_SECONDS.labels), cache(ANSWERS.labels)


@contextmanager
def under_way(tenant: str) -> Iterator[None]:
    """While a call is made."""
    began = time.perf_counter()
    CALLS.inc()
    try:
        yield
    finally:
        CALLS.dec()
        _seconds(tenant).observe(time.perf_counter() - began)


def answered_by(outcome: Outcome) -> None:
    """A call was answered, or not."""
    _answered(answer_of(outcome)).inc()


def ended(end: Judged | Attempted) -> None:
    """An attempt has ended, or was not made."""
    _ended(_name(end)).inc()


def answer_of(outcome: Outcome) -> str:
    """What the metrics call it: of codes only those that the catalogue knows."""
    match outcome:
        case Created():
            return "created"
        case Refusal(code=int(code)):
            return str(code) if code in CATALOGUE else "other"
        case _:
            return "none"


def _name(end: Judged | Attempted) -> str:
    if isinstance(end, Judged):
        return end.verdict.decision
    match end.outcome:
        case Created():
            return "sent"
        case Unknown():
            return "ambiguous"
        case Refused(retry_at=None):
            return "failed"
        case _:
            return "retrying"
