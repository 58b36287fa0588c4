"""The outbox fold in a hostile world: late, repeated and stale events, interruptions, two owners in turn.

The world keeps a Twilio of its own: it makes a message for every call, and a call is made exactly as the sender makes
it: after an `Attempting` whose row then says `attempted` at that attempt.
"""

from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from services.domain.messages.commands import CommandResult
from services.domain.messages.gate import Verdict
from services.domain.messages.outbox import (
    Attempted,
    Attempting,
    Created,
    Derived,
    Entry,
    Event,
    Forgotten,
    Judged,
    Refused,
    Unknown,
    fold,
)
from tests.sender.histories import COMMAND, CONTACT, accepted, at, attempted, attempting, created, outcome, refused

EXPIRED, BLOCKED = Verdict("expired", "late", "earlier"), Verdict("blocked", "no", "ask")
ENDS = ["limited", "limited", "late", "late", "created", "answer lost", "refused"]
INTERRUPTED = Unknown(reason="the worker went away")


class Adversary(RuleBasedStateMachine):
    def __init__(self) -> None:
        super().__init__()
        self.entry: Entry | None = None
        self.told: list[Derived] = []
        self.seen: list[Event] = []
        self.messages: list[str] = []
        # Answers of calls that are under way, by attempt; a call goes on when its owner went away.
        self.calls: dict[int, Created | Refused | Unknown] = {}
        self.clock = 0

    def fold(self, event: Event) -> list[Derived]:
        before = self.entry
        self.entry, derived = fold(before, event)
        assert fold(before, event) == (self.entry, derived)
        assert fold(self.entry, event) == (self.entry, []), "folded again, it changes and tells nothing"
        assert bool(derived) == (self.entry != before) or isinstance(event, Forgotten)
        self._check_step(before, event)
        self.told += derived
        self.seen.append(event)
        return derived

    def _check_step(self, before: Entry | None, event: Event) -> None:
        if before is None or self.entry is None or before.state == self.entry.state:
            return
        assert before.state != "settled"
        if self.entry.state == "pending":
            assert before.state == "attempted"
            assert isinstance(event, Attempted)
            assert isinstance(event.outcome, Refused)
            assert event.outcome.retry_at is not None
        if self.entry.state == "attempted":
            assert (before.state, self.entry.attempt) == ("pending", before.attempt + 1)
            assert all(number < self.entry.attempt for number in self.calls), "an earlier attempt is still open"

    @initialize()
    def produced(self) -> None:
        self.fold(accepted())

    @rule(content=st.sampled_from(["hello", "b", "c"]))
    def redelivered(self, content: str) -> None:
        self.fold(accepted(content=content))

    # Mostly the attempt that is due, and mostly one that is tried again: else few histories come to a second attempt.
    @rule(step=st.sampled_from([1, 1, 1, 1, 0, -1, 2]), end=st.data())
    def attempt(self, step: int, end: st.DataObject) -> None:
        """What `attempt` in the sender does; the row that it goes by may be old."""
        if self.entry is None:
            return
        self.clock += 1
        number = self.entry.attempt + step
        was = self.entry.state
        self.fold(attempting(number, self.clock))
        committed = was == "pending" and (self.entry.state, self.entry.attempt) == ("attempted", number)
        if committed:
            self._call(number, end.draw(st.sampled_from(ENDS)))

    def _call(self, number: int, end: str) -> None:
        sid = f"SM{number}"
        if end in ("created", "answer lost"):
            self.messages.append(sid)
        self.calls[number] = {
            "created": created(sid),
            "answer lost": Unknown(reason="no answer"),
            "limited": refused(20429, retry_at=at(self.clock + 1)),
            "refused": refused(21211),
            # The deadline passed before the call.
            "late": refused(None, retry_at=at(self.clock)),
        }[end]

    @precondition(lambda self: self.calls)
    @rule(choice=st.data())
    def answered(self, choice: st.DataObject) -> None:
        number = choice.draw(st.sampled_from(sorted(self.calls)))
        self.clock += 1
        self.fold(attempted(number, self.calls.pop(number), self.clock))

    @precondition(lambda self: self.entry is not None and self.entry.state == "attempted")
    @rule(answer_comes=st.booleans())
    def interrupted(self, answer_comes: bool) -> None:
        """The partition moved; the call of the former owner goes on, and what it answers may or may not be told."""
        assert self.entry is not None
        self.fold(attempted(self.entry.attempt, INTERRUPTED, self.clock))
        if not answer_comes:
            self.calls.pop(self.entry.attempt, None)

    @precondition(lambda self: self.messages)
    @rule(choice=st.data())
    def called_back(self, choice: st.DataObject) -> None:
        self.clock += 1
        self.fold(outcome(choice.draw(st.sampled_from(self.messages)), self.clock))

    @precondition(lambda self: self.entry is not None and self.entry.attempt > 1 and self.calls)
    @rule(end=st.sampled_from([created("SM0"), refused(21211), refused(20429, retry_at=at(0)), INTERRUPTED]))
    def a_stale_answer_comes_while_a_call_is_under_way(self, end: Created | Refused | Unknown) -> None:
        assert self.entry is not None
        before = self.entry
        self.fold(attempted(before.attempt - 1, end, self.clock))
        assert self.entry == before

    # Not at once: it ends a history.
    @precondition(lambda self: self.clock > 5)
    @rule(verdict=st.sampled_from([EXPIRED, BLOCKED]))
    def judged(self, verdict: Verdict) -> None:
        self.fold(Judged(contact=CONTACT, command_id=COMMAND, at=at(self.clock), verdict=verdict))

    @rule(choice=st.data())
    def repeated(self, choice: st.DataObject) -> None:
        """Anything that ever happened comes once more, however late."""
        event = choice.draw(st.sampled_from(self.seen))
        if not isinstance(event, Attempting):
            # No other process can submit an attempt: the fence. Ours are tried by `attempt`, stale ones too.
            self.fold(event)

    @rule()
    def not_yet_forgotten(self) -> None:
        before = self.entry
        self.fold(Forgotten(contact=CONTACT, command_id=COMMAND, at=at(self.clock)))
        assert self.entry == before

    @invariant()
    def at_most_one_message(self) -> None:
        assert len(self.messages) <= 1

    @invariant()
    def at_most_one_terminal_result(self) -> None:
        ends = {one.event_id for one in self.told if isinstance(one, CommandResult) and one.terminal}
        assert len(ends) == (self.entry is not None and self.entry.state == "settled")

    @invariant()
    def each_thing_is_told_once(self) -> None:
        assert len({one.event_id for one in self.told}) == len(self.told)

    @invariant()
    def a_message_is_never_told_as_failed(self) -> None:
        """Only a callback or an answer says that there is one; nothing says that there is none when there is."""
        if self.messages and self.entry is not None and self.entry.state == "settled":
            assert self.entry.message_sid in self.messages


TestAdversary = Adversary.TestCase
