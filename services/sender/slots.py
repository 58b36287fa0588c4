"""Who may prepare an attempt, and who may call: the configured concurrency, shared by all accounts at all hosts.

To be called for, an attempt must be on the log, which takes a while; were it a call slot's time, the slots would stand
empty. So a turn begins without one and takes it just before the call. What is prepared has a deadline, hence only as
many are prepared ahead as fill the slots at the pace of the last calls.
"""

import asyncio
import math
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal, Self

from services.sender.account import Account, AccountAt, Permission
from services.sender.accounts import Accounts
from services.sender.outcomes import Outcome, Refusal
from services.sender.rounds import Share

# Of the concurrency, kept free for urgent calls while such come.
_RESERVED = 0.1
_URGENT_FOR_S = 600.0
# The weight of the latest call in what is known of their pace; what each turn takes from the slowest preparation.
_LATEST = 0.05
_FORGOTTEN = 0.005
# Calls end in bursts too, so twice what would do if they came evenly.
_MARGIN = 2
_SPARE = 2


@dataclass(eq=False, slots=True)
class _Turn:
    row: str
    account: Account
    at: AccountAt
    urgent: bool
    begun_at: float
    called_at: float = 0.0
    granted: "asyncio.Future[bool] | None" = None
    counted: bool = True


class Slots:
    """`freed(account)` is called when one more turn of that account, or of any, may have become possible."""

    def __init__(self, concurrency: int, clock: Callable[[], float] = time.monotonic) -> None:
        self._concurrency = concurrency
        self._clock = clock
        self._accounts = Accounts(concurrency, self._resume)
        self._turns: dict[str, _Turn] = {}
        self._waiting: dict[bool, list[_Turn]] = {True: [], False: []}
        self._calling = 0
        self._begun = 0
        self._urgent_until = float("-inf")
        self._share = Share()
        self._prepare_s = 0.05
        self._call_s = 0.1
        self._ahead = 0
        self._learn(self._prepare_s, self._call_s)
        self.freed: Callable[[AccountAt], None] = lambda _: None

    def room(self, urgent: bool) -> bool:
        """Whether any turn of this kind may begin now."""
        return self._begun < self._open_to(urgent) + self._ahead

    def may_begin(self, at: AccountAt) -> bool:
        """Whether this account lets one more turn begin."""
        return self._accounts.of(at).may_begin(self._clock(), self._ahead)

    def full(self, at: AccountAt, accounts: int) -> bool:
        """Whether this account, as one of so many that wait, holds its share."""
        return self._accounts.of(at).begun * accounts >= self._concurrency + self._ahead

    def expect_urgent(self) -> None:
        """An urgent command has come; more may."""
        self._urgent_until = self._clock() + _URGENT_FOR_S

    def begin(self, row: str, at: AccountAt, urgent: bool) -> None:
        """A turn begins: its attempt is being prepared. Every turn that begins is to be told `over`."""
        account, now = self._accounts.of(at), self._clock()
        turn = self._turns[row] = _Turn(row, account, at, urgent, now)
        self._begun += 1
        account.begun += 1
        if account.state(now) == "half_open":
            account.probe = turn.row

    def over(self, row: str) -> None:
        """The turn is over, whether it called or not."""
        turn = self._turns.pop(row, None)
        if turn is not None:
            self._uncount(turn)

    def call(self, row: str) -> "Slot":
        """This turn's slot for a call: `async with` waits until it may call."""
        return Slot(self, self._turns[row])

    async def _enter(self, turn: _Turn) -> bool:
        # Commits come in bursts, so it is the slow ones that say how many must be ready.
        self._learn(max(self._clock() - turn.begun_at, (1 - _FORGOTTEN) * self._prepare_s), self._call_s)
        granted = await self._granted(turn)
        turn.called_at = self._clock()
        return granted

    def _ended(self, turn: _Turn, outcome: Outcome) -> None:
        now = self._clock()
        self._learn(self._prepare_s, self._call_s + _LATEST * (now - turn.called_at - self._call_s))
        turn.account.ended(outcome, turn.called_at, now)
        self._accounts.tell(turn.at, now)

    async def _granted(self, turn: _Turn) -> bool:
        if not self._waiting[True] and not self._waiting[False]:
            # As mostly: it goes at once, or never.
            answer = self._answer(turn, owed=self._share.spent and not turn.urgent)
            if answer == "yes":
                self._take(turn)
            if answer in ("yes", "never"):
                return answer == "yes"
        turn.granted = asyncio.get_running_loop().create_future()
        self._waiting[turn.urgent].append(turn)
        self._serve()
        try:
            return await turn.granted
        except asyncio.CancelledError:
            if turn in self._waiting[turn.urgent]:
                self._waiting[turn.urgent].remove(turn)
            elif not turn.granted.cancelled() and turn.granted.result():
                self._give_back(turn)
            raise

    def _serve(self) -> None:
        """Let those call who may, the urgent first; but for each few of them one that is not."""
        if not self._waiting[True] and not self._waiting[False]:
            return
        due = self._share.spent
        first, then = self._waiting[not due], self._waiting[due]
        # As most of those that wait: their account has all the calls that it may have.
        full: set[AccountAt] = set()
        for turn in [*first, *then]:
            if turn.at in full:
                continue
            if turn.granted is None or turn.granted.done():
                # Cancelled, and its task has not run since: it will take itself away.
                continue
            owed = due and not turn.urgent
            answer = self._answer(turn, owed)
            if answer == "later":
                full.add(turn.at)
                continue
            if answer == "no slot":
                continue
            self._waiting[turn.urgent].remove(turn)
            if answer == "yes":
                self._take(turn)
            turn.granted.set_result(answer == "yes")
            if answer == "yes" and owed:
                # The urgent come first again.
                self._serve()
                return

    def _answer(self, turn: _Turn, owed: bool) -> Permission | Literal["no slot"]:
        """Whether it may call now: its account's word, and a slot that is open to it. `owed`: to one not urgent."""
        permission = turn.account.may_call(turn.row, self._clock())
        open_to = self._concurrency if owed else self._open_to(turn.urgent)
        return "no slot" if permission == "yes" and self._calling >= open_to else permission

    def _take(self, turn: _Turn) -> None:
        """It may call."""
        self._calling += 1
        turn.account.calling += 1
        self._share.had(turn.urgent, bool(self._waiting[False]))

    def _leave(self, turn: _Turn, granted: bool) -> None:
        if granted:
            self._give_back(turn)
        self._uncount(turn)

    def _give_back(self, turn: _Turn) -> None:
        self._calling -= 1
        turn.account.calling -= 1

    def _uncount(self, turn: _Turn) -> None:
        if not turn.counted:
            return
        turn.counted = False
        self._begun -= 1
        turn.account.begun -= 1
        if turn.account.probe == turn.row:
            turn.account.probe = None
        self._serve()
        self.freed(turn.at)

    def _resume(self, at: AccountAt) -> None:
        """Its pause is over."""
        self._accounts.tell(at, self._clock())
        self._serve()
        self.freed(at)

    def _open_to(self, urgent: bool) -> int:
        """The slots that such a call may take."""
        if urgent or self._concurrency < 2 or self._clock() >= self._urgent_until:
            return self._concurrency
        return self._concurrency - max(1, int(_RESERVED * self._concurrency))

    def _learn(self, prepare_s: float, call_s: float) -> None:
        """How many are prepared while all slots are taken; at most as many again."""
        self._prepare_s, self._call_s = prepare_s, call_s
        needed = _MARGIN * self._concurrency * prepare_s / max(call_s, 0.001)
        self._ahead = min(self._concurrency, math.ceil(needed) + _SPARE)


class Slot:
    """A turn's slot, to be held while it calls. `granted`: whether it may call; else its account pauses."""

    def __init__(self, slots: Slots, turn: _Turn) -> None:
        self._slots = slots
        self._turn = turn
        self.granted = False

    async def __aenter__(self) -> Self:
        self.granted = await self._slots._enter(self._turn)
        return self

    async def __aexit__(self, *_: object) -> None:
        self._slots._leave(self._turn, self.granted)

    def ended(self, outcome: Outcome) -> None:
        """Learn from how the call ended, but for a word of our own, for which nobody was called."""
        if self.granted and not (isinstance(outcome, Refusal) and outcome.ours):
            self._slots._ended(self._turn, outcome)
