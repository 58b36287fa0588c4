"""What an operator sees of attempts: the calls under way, what Twilio answers, and how they end."""

import time
from functools import cache

from prometheus_client import Counter, Gauge

from services.domain.errors import CATALOGUE
from services.domain.outbox.facts import Attempted, Created, Judged, Refused, Unknown
from services.runtime.delays import Delays
from services.sender.metrics import SENDER
from services.sender.outcomes import Outcome, Refusal

CALLS = Gauge("switchboard_calls_under_way", "Calls at Twilio that are not answered yet", registry=SENDER)
OUTCOMES = Counter("switchboard_attempts_total", "Attempts by how they ended", ["outcome"], registry=SENDER)
TWILIO_SECONDS = Delays(
    "switchboard_twilio_seconds",
    "A call that creates a message, to Twilio's answer or to none",
    (0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30),
    SENDER,
    label="tenant",
)
ANSWERS = Counter(
    "switchboard_twilio_answers_total",
    "Calls that create a message, by Twilio's answer: created, an error's code (other: one that the catalogue does not "
    "know), none",
    ["answer"],
    registry=SENDER,
)
# Each by its labels, as many as there are of them on the page of metrics.
_ended, _answered = cache(OUTCOMES.labels), cache(ANSWERS.labels)


class UnderWay:
    """A context: while a call of a tenant's is made. `calls`: how many are."""

    __slots__ = ("_began", "_tenant")

    calls = 0

    def __init__(self, tenant: str) -> None:
        self._tenant = tenant

    def __enter__(self) -> None:
        self._began = time.perf_counter()
        UnderWay.calls += 1

    def __exit__(self, *_: object) -> None:
        UnderWay.calls -= 1
        TWILIO_SECONDS.observe(self._tenant, (time.perf_counter() - self._began,))


CALLS.set_function(lambda: UnderWay.calls)


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
