"""Whose fault a refusal is, where it is not the command's: what it stops, and one try now and then until it is over.

The house's (a public URL that Twilio does not take) stops all, an account's its tenant, a sender's its lane; each at
the host that refused, for another may take what this one does not, and what it takes says nothing of this one. It is
not on the log: who takes a partition over finds out by one call.
"""

import asyncio
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Literal, cast

from prometheus_client import Gauge

from services.domain.errors import explain
from services.domain.outbox.facts import Created, Unknown
from services.domain.outbox.verdicts import Verdict
from services.runtime.masking import mask
from services.sender.account import AccountAt
from services.sender.breaker import Breaker
from services.sender.metrics import SENDER
from services.sender.outcomes import Refusal

# Between tries: the first gap, and the longest.
_GAP_S = 5.0
_LONGEST_GAP_S = 300.0
# The length of an account's scope.
_OF_AN_ACCOUNT = 2
# Timers may be early by a millisecond.
_AFTER_GAP_S = 0.005

FAULTS = Gauge(
    "switchboard_faults",
    "Faults of the house, an account or a sender, each of which stops lanes at a host; a sender's number is masked",
    ["fault", "host", "name"],
    registry=SENDER,
)

Blamed = Literal["house", "account", "sender"]
# The host; of an account the tenant too; of a sender also that.
Scope = tuple[str, ...]


@dataclass(eq=False, slots=True)
class _Fault:
    blamed: Blamed
    breaker: Breaker
    refusal: Refusal
    probe: str | None = None


class Faults:
    """`changed` is called when lanes may have been stopped, or may go on. `clock`: any seconds that only grow."""

    def __init__(self, clock: Callable[[], float] = time.monotonic, gap_s: float = _GAP_S) -> None:
        self._clock = clock
        self._gap_s = gap_s
        self._faults: dict[Scope, _Fault] = {}
        # Senders that Twilio has taken a message from: what is wrong with one of them is no misspelling.
        self._proven: set[tuple[str, str]] = set()
        self.changed: Callable[[], None] = lambda: None

    def __bool__(self) -> bool:
        """Whether anything is at fault."""
        return bool(self._faults)

    def stopped(self, at: AccountAt, sender: str) -> bool:
        """Whether nothing of a lane may begin now."""
        now = self._clock()
        return any(one.breaker.state(now) == "open" or one.probe is not None for one in self._of(at, sender))

    def senders(self, tenant: str) -> frozenset[str]:
        """The senders of a tenant that are at fault, until one is to be tried again."""
        now = self._clock()
        return frozenset(
            scope[-1]
            for scope, one in self._faults.items()
            if one.blamed == "sender" and scope[1] == tenant and one.breaker.state(now) == "open"
        )

    def may_call(self, row: str, at: AccountAt, sender: str) -> bool:
        """The same of a turn that has begun."""
        now = self._clock()
        return all(one.breaker.state(now) != "open" and one.probe in (None, row) for one in self._of(at, sender))

    def verdict(self, at: AccountAt, sender: str) -> Verdict | None:
        """What a command of the lane is told."""
        for one in self._of(at, sender):
            info = explain(one.refusal.code)
            return Verdict("deferred", one.blamed, one.refusal.reason, info.remedy)
        return None

    def reasons(self) -> list[str]:
        return [
            f"{' '.join((one.blamed, *scope[1:]))} at {scope[0]}: Twilio refuses with {one.refusal.code}: "
            f"{one.refusal.reason}"
            for scope, one in self._faults.items()
        ]

    def begin(self, row: str, at: AccountAt, sender: str) -> None:
        """A turn begins. Where something is at fault it is the one try."""
        for one in self._of(at, sender):
            one.probe = row

    def over(self, row: str) -> None:
        """A turn is over, whether it called or not."""
        tried = [one for one in self._faults.values() if one.probe == row]
        for one in tried:
            one.probe = None
        if tried:
            self.changed()

    def began(self) -> float:
        """When a call begins, for `ended`."""
        return self._clock()

    def ended(
        self, at: AccountAt, sender: str, outcome: Created | Refusal | Unknown, known: bool, began: float
    ) -> Blamed | None:
        """Learn from a call's end. Who is at fault; None where it is the command, or nobody.

        `known`: its sender is listed as one of ours, so that it is no misspelling.
        """
        if isinstance(outcome, Unknown) or (isinstance(outcome, Refusal) and (outcome.ours or not outcome.reached)):
            return None
        blamed = None
        if isinstance(outcome, Created):
            self._proven.add((at.tenant, sender))
        else:
            blamed = self._blamed(outcome, known or (at.tenant, sender) in self._proven)
        scope = None if blamed is None else _scope(blamed, at, sender)
        for other in [one for one in _scopes(at, sender) if one in self._faults and one != scope]:
            # Taken, or refused otherwise: that it is not any more.
            if self._faults[other].breaker.answers(began):
                self._forget(other)
        if blamed is not None and isinstance(outcome, Refusal):
            self._fail(_scope(blamed, at, sender), blamed, outcome, began)
        return blamed

    @staticmethod
    def _blamed(refusal: Refusal, known: bool) -> Blamed | None:
        info = explain(refusal.code)
        if info.then != "waits_for_mending" or refusal.retryable or (info.holds == "sender" and not known):
            return None
        return cast("Blamed", info.holds)

    def _fail(self, scope: Scope, blamed: Blamed, refusal: Refusal, begun: float) -> None:
        now = self._clock()
        fault = self._faults.get(scope)
        if fault is None:
            breaker = Breaker(1, self._gap_s, _LONGEST_GAP_S)
            fault = self._faults[scope] = _Fault(blamed, breaker, refusal)
            FAULTS.labels(blamed, *_shown(scope)).inc()
        fault.breaker.failed(begun, now)
        fault.refusal = refusal
        wait = (fault.breaker.open_until or now) - now
        if wait > 0:
            asyncio.get_running_loop().call_later(wait + _AFTER_GAP_S, self.changed)
        self.changed()

    def renewed(self, tenants: Iterable[str]) -> None:
        """Their settings are other ones now, and may mend what was wrong with their account: it is tried at once."""
        names = set(tenants)
        for scope in [one for one in self._faults if len(one) == _OF_AN_ACCOUNT and one[1] in names]:
            self._forget(scope)

    def _forget(self, scope: Scope) -> None:
        fault = self._faults.pop(scope)
        shown = _shown(scope)
        if any(_shown(other) == shown for other in self._faults):
            # Masked, two numbers may look alike.
            FAULTS.labels(fault.blamed, *shown).dec()
        else:
            FAULTS.remove(fault.blamed, *shown)
        self.changed()

    def _of(self, at: AccountAt, sender: str) -> list[_Fault]:
        # Most of the time nothing is at fault, and this is asked several times for each call.
        return [self._faults[one] for one in _scopes(at, sender) if one in self._faults] if self._faults else []


def _shown(scope: Scope) -> tuple[str, str]:
    """Host and name."""
    return scope[0], " ".join((*scope[1:2], *map(mask, scope[2:])))


def _scopes(at: AccountAt, sender: str) -> tuple[Scope, Scope, Scope]:
    return (at.host,), (at.host, at.tenant), (at.host, at.tenant, sender)


def _scope(blamed: Blamed, at: AccountAt, sender: str) -> Scope:
    house, account, own = _scopes(at, sender)
    return {"house": house, "account": account, "sender": own}[blamed]
