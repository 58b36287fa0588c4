"""The outbox fold in a hostile world: late, repeated and stale events, interruptions, two owners in turn, timers, and
people who are wrong.

The world keeps a Twilio of its own: it makes a message for every call, and a call is made exactly as the sender makes
it: after an `Attempting` whose row then says `attempted` at that attempt. Timers are those of the row: a `Due` is no
event of the log, so it comes when the row asks for it, and never again.
"""

from typing import cast

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule
from msgspec.structs import replace

from services.domain.clock import later
from services.domain.due import Due
from services.domain.messages.commands import CommandAccepted
from services.domain.messages.effects import MessageCreated
from services.domain.outbox.accepted import ResolutionAccepted
from services.domain.outbox.entry import Entry
from services.domain.outbox.facts import Attempted, Attempting, Refused, Released, Unknown
from services.domain.outbox.verdicts import Verdict
from services.domain.results import CommandResult
from tests.sender.histories import (
    Derived,
    Event,
    accepted,
    at,
    attempted,
    attempting,
    canceled,
    checked,
    created,
    fold,
    judged,
    outcome,
    refused,
    released,
    resolved,
    settled,
    woken,
)

EXPIRED, BLOCKED = Verdict("expired", "not_after", "late", "earlier"), Verdict("blocked", "suppressed", "no", "ask")
NOT_AFTER = 30
HELD = Verdict("deferred", "pause", "paused", condition="pause label acme x")
STOPPED = Verdict("deferred", "pause", "its lane is stopped")
ENDS = ["at fault", "limited", "limited", "late", "late", "created", "answer lost", "refused"]
INTERRUPTED = Unknown(reason="the worker went away")


class Adversary(RuleBasedStateMachine):
    def __init__(self) -> None:
        super().__init__()
        self.entry: Entry | None = None
        self.told: list[Derived] = []
        self.seen: list[Event] = []
        self.messages: list[str] = []
        # Answers of calls that are under way, by attempt; a call goes on when its owner went away.
        self.calls: dict[int, MessageCreated | Refused | Unknown] = {}
        self.clock = 0
        self.forgotten = False
        # A person said that nothing was sent, or named another message: then that is what is told.
        self.misled = False

    def fold(self, event: Event) -> list[Derived]:
        before = self.entry
        self.entry, derived = fold(before, event)
        assert fold(before, event) == (self.entry, derived)
        assert fold(self.entry, event) == (self.entry, []), "folded again, it changes and tells nothing"
        assert not derived or self.entry != before
        claimed = isinstance(event, ResolutionAccepted) and event.sid
        # A proof that comes after the end is told nowhere: it counts towards caps.
        was = before and self.entry and replace(self.entry, created_at=before.created_at)
        assert derived or claimed or was == before or cast(Entry, self.entry).state in ("pending", "deferred")
        self._check_step(before, event)
        self.told += derived
        self.seen.append(event)
        return derived

    def _check_step(self, before: Entry | None, event: Event) -> None:
        if before is None or self.entry is None or before.state == self.entry.state:
            return
        assert before.state != "settled"
        if isinstance(event, ResolutionAccepted):
            assert (before.state, self.entry.state) == ("ambiguous", "settled")
        if self.entry.state == "pending":
            assert before.state in ("attempted", "deferred")
            if isinstance(event, Attempted):
                assert isinstance(event.outcome, Refused)
                assert event.outcome.retry_at is not None or event.outcome.fault is not None
            else:
                assert isinstance(event, Released)
        if self.entry.state == "deferred":
            assert before.state in ("pending", "attempted")
        if self.entry.state == "attempted":
            assert (before.state, self.entry.attempt) == ("pending", before.attempt + 1)
            assert all(number < self.entry.attempt for number in self.calls), "an earlier attempt is still open"

    # Half of the histories begin with an attempt whose end is not known: else few come so far.
    @initialize(begun=st.sampled_from(["produced", "attempted", "ambiguous", "ambiguous"]), end=st.data())
    def produced(self, begun: str, end: st.DataObject) -> None:
        self.fold(accepted(not_after=at(NOT_AFTER)))
        if begun != "produced":
            self.attempt(1, end)
        if begun == "ambiguous":
            self.interrupted(answer_comes=end.draw(st.booleans()))

    # A command is remembered for longer than the log holds it.
    @precondition(lambda self: not self.forgotten)
    @rule(content=st.sampled_from(["hello", "b", "c"]))
    def redelivered(self, content: str) -> None:
        self.fold(accepted(content=content, not_after=at(NOT_AFTER)))

    @precondition(lambda self: not self.forgotten)
    @rule(name=st.sampled_from("abc"))
    def produced_again(self, name: str) -> None:
        """Another record of the same content: it is answered, once, and changes nothing else."""
        again = accepted(event_id=name, not_after=at(NOT_AFTER))
        known = again in self.seen
        before = cast(Entry, self.entry)
        told = self.fold(again)
        assert [cast(CommandResult, one).step for one in told] == ([] if known else ["repeated"])
        assert cast(Entry, self.entry).state == before.state

    @precondition(lambda self: self.clock < 10 * NOT_AFTER)
    @rule(seconds=st.integers(1, 20))
    def time_passes(self, seconds: int) -> None:
        self.clock += seconds

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
            "at fault": refused(20003, fault="account"),
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
    @rule(choice=st.data(), status=st.sampled_from(["sent", "undelivered", "delivered", "read"]))
    def called_back(self, choice: st.DataObject, status: str) -> None:
        self.clock += 1
        sid = choice.draw(st.sampled_from(self.messages))
        self.fold(outcome(sid, self.clock, status=status, code=30003 if status == "undelivered" else None))

    @precondition(lambda self: self.messages)
    @rule(choice=st.data())
    def found_out(self, choice: st.DataObject) -> None:
        """Another way than the callback, which may find nothing too."""
        self.clock += 1
        self.fold(settled(choice.draw(st.sampled_from(["", *self.messages])), self.clock))

    @rule(said=st.sampled_from(["sent", "not sent", "another"]))
    def a_person_says(self, said: str) -> None:
        """Of a command in any state, rightly or wrongly."""
        self.clock += 1
        before = self.entry
        actual = self.messages[0] if self.messages else None
        told = {"sent": actual or "SM8", "not sent": None, "another": "SM8"}[said]
        derived = self.fold(resolved(told, self.clock))
        if told is not None:
            assert not any(one.terminal for one in derived if isinstance(one, CommandResult)), "nobody looked it up"
            why = None if told in self.messages else "Twilio has no such message"
            derived = self.fold(checked(told, self.clock, why))
        if ended := [one.terminal for one in derived if isinstance(one, CommandResult) and one.terminal]:
            assert cast(Entry, before).state == "ambiguous"
            assert ended == [True]
            self.misled = told is None and actual is not None

    @precondition(lambda self: self.entry is not None and self.entry.attempt > 1 and self.calls)
    @rule(end=st.sampled_from([created("SM0"), refused(21211), refused(20429, retry_at=at(0)), INTERRUPTED]))
    def a_stale_answer_comes_while_a_call_is_under_way(self, end: MessageCreated | Refused | Unknown) -> None:
        assert self.entry is not None
        before = self.entry
        self.fold(attempted(before.attempt - 1, end, self.clock))
        assert self.entry == before

    # Not at once: it ends a history.
    @precondition(lambda self: self.clock > 10)
    @rule(verdict=st.sampled_from([EXPIRED, BLOCKED]))
    def judged(self, verdict: Verdict) -> None:
        self.fold(judged(verdict, self.clock))

    @rule(verdict=st.sampled_from([HELD, STOPPED, None]))
    def deferred(self, verdict: Verdict | None) -> None:
        """By a condition, a lane or a time; also again, for the same reason."""
        until = Verdict("deferred", "not_before", "early", until=at(self.clock + 5))
        self.fold(judged(verdict or until, self.clock))

    @rule(condition=st.sampled_from([HELD.condition or "", "pause label acme y"]))
    def released(self, condition: str) -> None:
        self.clock += 1
        before = self.entry
        assert self.fold(released(condition, self.clock)) == []
        assert self.entry == before or condition == HELD.condition

    # Not at once: it ends a history.
    @precondition(lambda self: self.clock > 10 and self.entry is not None)
    @rule()
    def canceled(self) -> None:
        """What waits ends; of what is being sent it is remembered should it wait again; all else is told."""
        self.clock += 1
        before = cast(Entry, self.entry)
        [result] = self.fold(canceled(self.clock))
        assert isinstance(result, CommandResult)
        waits = before.state in ("pending", "deferred")
        assert (result.step, result.terminal) == (("canceled", True) if waits else ("cancel_too_late", False))

    @invariant()
    def what_was_canceled_is_not_tried_again(self) -> None:
        """One that came before its command, or long after it was forgotten, is all that its row knows."""
        entry = self.entry
        remembered = entry is not None and not entry.fingerprint
        assert entry is None or entry.cancel is None or remembered or entry.state in ("attempted", "ambiguous")

    @rule(choice=st.data())
    def repeated(self, choice: st.DataObject) -> None:
        """Anything that ever happened comes once more, however late."""
        event = choice.draw(st.sampled_from(self.seen))
        # No other process can submit an attempt: the fence. Ours are tried by `attempt`, stale ones too.
        if not isinstance(event, Attempting) and not (self.forgotten and isinstance(event, CommandAccepted)):
            derived = self.fold(event)
            # What a person said too early, of a command that nobody doubted, may come again when it is in doubt.
            if derived and isinstance(event, ResolutionAccepted):
                self.misled = event.sid not in (self.messages or [None])

    @rule()
    def ticked(self) -> None:
        """The row is woken if it is due by now: only a command that waits is, and only after its time."""
        before = self.entry
        event = woken(before, at(self.clock)) if before is not None else None
        waits = before is not None and before.state in ("pending", "deferred")
        free = waits and before is not None and before.until is not None and before.until <= at(self.clock)
        assert (event is not None) == (free or (waits and self.clock > NOT_AFTER))
        if event is not None and free and cast(Entry, before).until == event.at:
            assert self._wake(event) == []
            assert cast(Entry, self.entry).state == "pending"
        elif event is not None:
            [result] = self._wake(event)
            assert isinstance(result, CommandResult)
            assert (result.step, cast(Entry, self.entry).state) == ("expired", "settled")
            assert woken(cast(Entry, self.entry), at(self.clock)) is None

    # Not at once: nothing can happen after it.
    @precondition(lambda self: self.entry is not None and self.entry.state == "settled" and self.clock > 2 * NOT_AFTER)
    @rule()
    def a_month_passes(self) -> None:
        entry = cast(Entry, self.entry)
        forget_at = cast(str, entry.forget_at)
        assert woken(entry, later(forget_at, -0.001)) is None
        assert self._wake(cast(Due, woken(entry, forget_at))) == []
        assert self.entry is None
        self.forgotten = True

    def _wake(self, event: Due) -> list[Derived]:
        before = self.entry
        self.entry, derived = fold(before, event)
        assert fold(before, event) == (self.entry, derived)
        self.told += derived
        return derived

    @invariant()
    def at_most_one_message(self) -> None:
        assert len(self.messages) <= 1

    @invariant()
    def one_terminal_result_of_what_is_settled_and_none_before(self) -> None:
        ends = {one.event_id for one in self.told if isinstance(one, CommandResult) and one.terminal}
        assert len(ends) == (self.forgotten or cast(Entry, self.entry).state == "settled")

    @invariant()
    def each_thing_is_told_once(self) -> None:
        assert len({one.event_id for one in self.told}) == len(self.told)

    @invariant()
    def a_message_ends_further_and_further(self) -> None:
        """And its end is told of it alone: after the command's own."""
        results = [one for one in self.told if isinstance(one, CommandResult)]
        ends = [one for one in results if one.step == "message"]
        order = ["undelivered", "delivered", "read"]
        places = [order.index(str(one.message_status)) for one in ends]
        assert places == sorted(set(places))
        assert {one.message_sid for one in ends} <= set(self.messages)
        if ends:
            assert results.index(ends[0]) > [one.terminal for one in results].index(True)

    @invariant()
    def a_message_is_never_told_as_failed(self) -> None:
        """Only a callback, an answer or who looked says that there is one; only a person says wrongly that not."""
        if self.messages and not self.misled and self.entry is not None and self.entry.state == "settled":
            assert self.entry.sid in self.messages


TestAdversary = Adversary.TestCase
TestAdversary.settings = settings(max_examples=200, stateful_step_count=30)
