"""What an account may do now at a host: its limit, its breaker, and the pause that Twilio asked for. Pure; time comes
in. One host that is down, or asks for less, stops nothing at another."""

from typing import Literal, NamedTuple

from services.domain.outbox.facts import Created, Unknown
from services.sender.breaker import Breaker, State
from services.sender.limit import Limit
from services.sender.outcomes import Refusal

Permission = Literal["yes", "later", "never"]


class AccountAt(NamedTuple):
    """A tenant's account at a host, by the name of the host's setting (`twilio.<host>`)."""

    tenant: str
    host: str


class Account:
    """Counts an account's turns at a host: `begun` from the attempt's preparation to the call's end, `calling` while it
    calls."""

    def __init__(self, ceiling: int) -> None:
        self._limit = Limit(ceiling)
        self._breaker = Breaker()
        self._paused_until = float("-inf")
        self.begun = 0
        self.calling = 0
        # Under a half-open breaker one turn may try.
        self.probe: str | None = None

    @property
    def limit(self) -> int:
        return self._limit.value

    def state(self, now: float) -> State:
        return self._breaker.state(now)

    def wait_s(self, now: float) -> float:
        """How long nobody of this account goes."""
        return max(0.0, self._paused_until - now, (self._breaker.open_until or now) - now)

    def may_begin(self, now: float, ahead: int) -> bool:
        """Whether one more attempt may be prepared, `ahead` of those that may call."""
        if self.wait_s(now) > 0:
            return False
        if self.state(now) == "half_open":
            return self.probe is None
        return self.begun < self.limit + min(ahead, self.limit)

    def may_call(self, row: str, now: float) -> Permission:
        """`never`: this attempt is to be given back, others of its account have shown that it would not help."""
        if self.wait_s(now) > 0:
            return "never"
        if self.state(now) == "half_open":
            return "yes" if row == self.probe else "never"
        return "yes" if self.calling < self.limit else "later"

    def ended(self, outcome: Created | Refusal | Unknown, begun: float, now: float) -> None:
        """Learn from the end of a call; `calling` still counts it."""
        match outcome:
            case Unknown() | Refusal(reached=False):
                self._breaker.failed(begun, now)
                return
            case Refusal(retry_after=float(seconds)):
                self._paused_until = max(self._paused_until, now + seconds)
        self._breaker.answered(begun, now)
        if isinstance(outcome, Refusal) and outcome.too_many:
            self._limit.too_many(begun, now)
        else:
            self._limit.answered(self.calling >= self.limit)
