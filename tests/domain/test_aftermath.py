"""How a command's message ended, told on the results: in any order the end that the message's own facts make."""

from collections.abc import Sequence
from itertools import pairwise
from typing import cast

from hypothesis import example, given
from hypothesis import strategies as st

from services.domain.messages.events import OutcomeReached
from services.domain.outbox.entry import End, Entry
from services.domain.outbox.facts import Unknown
from services.domain.results import CommandResult
from tests.domain import delivery_oracle
from tests.domain.histories import COMMAND, CONTACT, KNOWN, Fact, at, callback, play, reorderings
from tests.sender.histories import Derived, Event, accepted, attempted, attempting, created, history, refused, resolved
from tests.sender.histories import outcome as outcome_of

LOST = Unknown(reason="no answer in time")
SENT: list[Event] = [accepted(), attempting(1), attempted(1, created())]
# Also where something else is believed of the call.
BEGUN = st.sampled_from(
    [
        SENT,
        [accepted(), attempting(1), attempted(1, refused())],
        [accepted(), attempting(1), attempted(1, LOST)],
        [accepted(), attempting(1), attempted(1, LOST), resolved(None)],
        [accepted(), attempting(1)],
        [accepted()],
    ]
)


def of_the_command(facts: list[Fact]) -> list[OutcomeReached]:
    """What the delivery fold tells of these facts to the command."""
    told = [one for one in play(facts)[1] if isinstance(one, OutcomeReached)]
    return [one for one in told if (one.contact, one.command_id) == (CONTACT, COMMAND)]


def messages(told: Sequence[Derived]) -> list[CommandResult]:
    return [one for one in told if isinstance(one, CommandResult) and one.step == "message"]


@given(BEGUN, reorderings(), st.data())
def test_the_last_word_is_the_end_that_the_facts_make_in_any_order(
    begun: list[Event], case: tuple[list[Fact], list[Fact]], order: st.DataObject
) -> None:
    facts, again = case
    answer = delivery_oracle.told(facts)
    outcomes = of_the_command(again)
    shuffled = order.draw(st.permutations([*outcomes, *outcomes[:3]]))
    for played in (outcomes, shuffled):
        entry, told = history([*begun, *played])
        said = messages(told)
        if answer["final"] and (answer["contact"], answer["command_id"]) == (CONTACT, COMMAND):
            assert (said[-1].message_status, said[-1].code) == (answer["status"], answer["error_code"])
        ranks = [KNOWN.index(str(one.message_status)) for one in said]
        assert ranks == sorted(ranks)
        # What is told is news.
        ends = [(one.message_status, one.code) for one in said]
        assert all(end != before for before, end in pairwise(ends))
        assert len({one.event_id for one in said}) == len(said)
        assert not any(one.terminal for one in said)
        # Told again, all of it is known.
        assert history(played, entry) == (entry, [])


# One error at one moment, told with two steps.
REFUSED = [callback("failed", 0), callback("accepted", 0, 21610), callback("scheduled", 0, 21610)]


@given(reorderings())
@example((REFUSED, REFUSED))
def test_any_order_of_the_ends_makes_the_same_row(case: tuple[list[Fact], list[Fact]]) -> None:
    outcomes = of_the_command(case[1])
    rows = [cast(Entry, history([*SENT, *played])[0]) for played in (outcomes, outcomes[::-1], [*outcomes, *outcomes])]
    assert rows[0] == rows[1] == rows[2]


@given(
    st.lists(st.sampled_from("abc"), max_size=8),
    st.lists(st.sampled_from([*SENT[1:], outcome_of(), resolved(None), resolved()]), max_size=6),
    st.data(),
)
def test_each_record_of_a_command_is_answered_once(
    records: list[str], beside: list[Event], order: st.DataObject
) -> None:
    """The first by `accepted`, each other one by `repeated`, whatever happens meanwhile."""
    asked = [accepted(event_id=name) for name in records]
    _, told = history([accepted(event_id="first"), *order.draw(st.permutations([*asked, *beside]))])
    results = [one for one in told if isinstance(one, CommandResult)]
    assert [one.step for one in results].count("accepted") == 1
    assert [one.step for one in results].count("repeated") == len(set(records))
    for place, one in enumerate(results):
        if one.step == "repeated":
            own = [before.step for before in results[:place] if before.step not in ("repeated", "message")]
            assert one.last_step == own[-1]


def test_an_end_that_another_step_tells_too_is_no_news() -> None:
    outcomes = of_the_command(REFUSED)
    assert {one.error_status for one in outcomes} == {None, "accepted", "scheduled"}
    entry, told = history([*SENT, *outcomes])
    assert [(one.message_status, one.code) for one in messages(told)] == [("failed", None), ("failed", 21610)]
    assert cast(Entry, entry).end == End("SM1", "failed", 21610, "scheduled", at(0))
