"""The accounts that are called, each as it is at a host; what changes of one is told to who watches."""

import asyncio
from collections.abc import Callable

from prometheus_client import Gauge

from services.sender.account import Account, AccountAt
from services.sender.breaker import State
from services.sender.metrics import SENDER

# Timers may be early by a millisecond.
_AFTER_PAUSE_S = 0.005

BREAKER = Gauge(
    "switchboard_breaker_state",
    "Per tenant and host of Twilio's: 0 closed, 1 half open, 2 open",
    ["tenant", "host"],
    registry=SENDER,
)
LIMIT = Gauge(
    "switchboard_concurrency_limit",
    "Calls that a tenant's account may have under way at a host",
    ["tenant", "host"],
    registry=SENDER,
)
_STATES = {"closed": 0, "half_open": 1, "open": 2}


class Accounts:
    """`ceiling`: the calls that one may have under way at most. `resume`: its pause may be over."""

    def __init__(self, ceiling: int, resume: Callable[[AccountAt], None]) -> None:
        self._ceiling = ceiling
        self._resume = resume
        self._accounts: dict[AccountAt, Account] = {}
        self._told: dict[AccountAt, tuple[State, int, float]] = {}

    def of(self, at: AccountAt) -> Account:
        """The account, with nothing known of it at first."""
        account = self._accounts.get(at)
        if account is None:
            account = self._accounts[at] = Account(self._ceiling)
            BREAKER.labels(*at).set(_STATES["closed"])
            LIMIT.labels(*at).set(self._ceiling)
        return account

    def tell(self, at: AccountAt, now: float) -> None:
        """What changed about an account: for who watches, and to go on when its pause is over."""
        account = self.of(at)
        wait = account.wait_s(now)
        if (news := (account.state(now), account.limit, now + wait if wait else 0.0)) != self._told.get(at):
            self._told[at] = news
            BREAKER.labels(*at).set(_STATES[news[0]])
            LIMIT.labels(*at).set(news[1])
            if wait:
                asyncio.get_running_loop().call_later(wait + _AFTER_PAUSE_S, self._resume, at)
