"""Whatever the order and however often: one standing, the right one, and the last word is the final answer."""

from collections.abc import Iterable
from typing import Any

import msgspec
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from services.domain.consent.commands import ContactLinked, Mark, SharedMark
from services.domain.consent.events import ConsentRecorded, LinkRecorded, OptOutSuspected, SuppressionChanged
from services.domain.consent.evidence import recall
from services.domain.consent.standing import Standing, suppressed
from services.domain.messages.consent import Suppressing
from services.domain.messages.events import InboundReceived
from tests.domain import suppression_oracle as oracle
from tests.domain.suppression_oracle import (
    CONTACT,
    OTHER,
    SENDER,
    SERVICE,
    TOLL_FREE,
    WHATSAPP,
    Derived,
    Fact,
    at,
    fetched,
    history,
    linked,
    listed,
    refused,
    stated,
    wrote,
)

FOLD = Suppressing({})
# Close to each other and to the horizon, on either side.
SECONDS = st.sampled_from([0, 0.001, 1, 30, 59, 60, 60.001, 61, 90, 120, 120.001, 121])
SCOPES = st.sampled_from(["tenant", f"sender:{SENDER}", f"sender:{WHATSAPP}", f"service:{SERVICE}"])
ACTIONS = st.sampled_from(["opt_out", "opt_in"])
BODIES = st.sampled_from(
    [
        "STOP",
        "STOP",
        "Stop!",
        "Álto",
        "START",
        "START",
        "START",
        "YES",
        "Quiero",
        "SUBSCRIBE",
        "END",
        "hello",
        "Stop. Thank you",
    ]
)
OTHERS = ["acme|decaf", "acme|decade"]
# All here, once: a strategy that is made anew for each draw costs more than the draw.
EITHER, MARKS = st.booleans(), st.integers(0, 2)
KINDS = st.sampled_from(["message", "message", "message", "outcome", "command", "link"])
TO = st.sampled_from([SENDER, SENDER, WHATSAPP, OTHER, TOLL_FREE])
THROUGH = st.sampled_from([None, SERVICE])
TOLD = st.sampled_from([None, None, None, "STOP", "START", "HELP"])
PAYLOADS = st.sampled_from([None, None, None, "STOP", "stop-42-details"])
ON_THE_WAY = st.sampled_from([0, 0.5, 2, 62, -2])
LINKED = st.sampled_from([[], [], [], *([name] for name in OTHERS), OTHERS])
ANOTHER = st.sampled_from(OTHERS)
REFUSED = st.sampled_from([SENDER, WHATSAPP, OTHER])
CODES = st.sampled_from([21610, 21610, 63014, 63033, 63032, 30003])
TURNS = st.lists(st.integers(0, 2), max_size=30)


def play(facts: Iterable[Fact], state: Standing | None = None) -> tuple[Standing | None, list[Derived]]:
    return history(FOLD, facts, state)


@st.composite
def messages(draw: st.DrawFn, sid: str) -> list[Fact]:
    """A message as we heard of it: by webhook, from Twilio's list, or both."""
    body, said_at = draw(BODIES), draw(SECONDS)
    where: dict[str, Any] = {
        "to": draw(TO),
        "service": draw(THROUGH),
        "told": draw(TOLD),
        "payload": draw(PAYLOADS),
    }
    # It takes its time to arrive, unless our clock is behind.
    webhook = wrote(body, said_at + draw(ON_THE_WAY), sid, **where)
    # A list knows nothing of links or of what Twilio understood; what it reads is the same message otherwise.
    entry = listed(body, said_at, sid, **where | {"told": None, "payload": None})
    webhook = replace(webhook, linked=draw(LINKED))
    told: list[Fact] = draw(st.sampled_from([[webhook], [entry], [webhook, entry]]))
    date = fetched(webhook, said_at)
    return [*told, date] if date and draw(EITHER) else told


@st.composite
def links(draw: st.DrawFn, number: int) -> list[Fact]:
    """What was said at another address, told along a link. Statements there are not those here."""
    marks = []
    for n in range(draw(MARKS)):
        action, exact = draw(ACTIONS), draw(EITHER)
        mark = Mark(at=at(draw(SECONDS)), evidence=f"there {number} {n}", source="keyword", exact=exact)
        marks.append(SharedMark(id=f"SL{number} {n}", action=action, scope=draw(SCOPES), mark=mark))
    return [linked(marks, draw(SECONDS), draw(ANOTHER))]


@st.composite
def statements(draw: st.DrawFn, number: int) -> list[Fact]:
    """One thing said or learnt, and each fact that tells of it."""
    kind = draw(KINDS)
    if kind == "message":
        return draw(messages(f"SM{number}"))
    if kind == "outcome":
        sender = draw(REFUSED)
        return [refused(draw(SECONDS), f"SM{number}", sender, draw(CODES))]
    if kind == "command":
        return [stated(draw(ACTIONS), draw(SECONDS), draw(SCOPES), f"c{number}")]
    return draw(links(number))


@st.composite
def histories(draw: st.DrawFn, most: int = 8) -> list[Fact]:
    told = [draw(statements(number)) for number in range(draw(st.integers(1, most)))]
    return [fact for facts in told for fact in facts]


@st.composite
def reorderings(draw: st.DrawFn) -> tuple[list[Fact], list[Fact]]:
    """A history, and the same facts in another order, some of them repeated."""
    facts = draw(histories())
    repeated = draw(st.lists(st.sampled_from(facts), max_size=6))
    return facts, draw(st.permutations(facts + repeated))


def plain(state: Standing | None) -> dict[str, tuple[str, str, str]]:
    """An answer in the oracle's words."""
    return {scope: (one.since, one.evidence, one.source) for scope, one in suppressed(state).items()}


@given(reorderings())
def test_any_order_and_repetition_give_the_same_standing(case: tuple[list[Fact], list[Fact]]) -> None:
    facts, again = case
    assert play(again)[0] == play(facts)[0]


@given(reorderings())
def test_the_answer_is_the_one_that_the_oracle_gives(case: tuple[list[Fact], list[Fact]]) -> None:
    facts, again = case
    assert plain(play(again)[0]) == oracle.answer(facts)


@given(reorderings())
def test_the_last_word_is_the_final_answer(case: tuple[list[Fact], list[Fact]]) -> None:
    facts, again = case
    state, emitted = play(again)
    told = [one.suppressed for one in emitted if isinstance(one, SuppressionChanged)]
    assert (told[-1] if told else {}) == suppressed(state)
    assert {scope: (one.since, one.evidence, one.source) for scope, one in (told[-1] if told else {}).items()} == (
        oracle.answer(facts)
    )


@given(reorderings())
def test_each_change_is_told_once_when_it_comes(case: tuple[list[Fact], list[Fact]]) -> None:
    _, again = case
    state: Standing | None = None
    for fact in again:
        before = suppressed(state)
        state, emitted = play([fact], state)
        told = [one.suppressed for one in emitted if isinstance(one, SuppressionChanged)]
        assert told == ([suppressed(state)] if suppressed(state) != before else [])


@given(reorderings())
def test_replaying_facts_on_what_they_made_tells_nothing(case: tuple[list[Fact], list[Fact]]) -> None:
    facts, again = case
    state, _ = play(facts)
    same, emitted = play(again, state)
    assert same == state
    # Of a yes that was heard twice, only one copy is known: whom the other one names may be told again.
    assert all(isinstance(one, ContactLinked) and _lifts(one) for one in emitted)


def _lifts(link: ContactLinked) -> bool:
    return {one.action for one in link.marks} == {"opt_in"}


@given(histories())
def test_ids_are_the_same_each_time_and_never_shared(facts: list[Fact]) -> None:
    _, emitted = play(facts)
    assert play(facts)[1] == emitted
    ids = [one.event_id for one in emitted]
    assert len(set(ids)) == len(ids)


@given(reorderings())
def test_every_statement_leaves_its_evidence(case: tuple[list[Fact], list[Fact]]) -> None:
    _, again = case
    state, emitted = play(again)
    held = (
        {
            (action, name, mark.at, mark.exact)
            for action, marks in (("opt_out", state.outs), ("opt_in", state.ins))
            for by_id in marks.values()
            for name, mark in by_id.items()
        }
        if state
        else set()
    )
    recorded = [one for one in emitted if isinstance(one, ConsentRecorded)]
    assert held <= {(one.action, one.mark, one.at, one.exact) for one in recorded}
    assert {one.mark for one in recorded} == {name for _, name, _, _ in held}
    # Once as we heard of it, and once more by its own date.
    told = [(one.action, one.mark, one.exact, one.evidence) for one in recorded]
    assert len(set(told)) == len(told)


@st.composite
def conversations(draw: st.DrawFn) -> tuple[list[Fact], list[int]]:
    """What three addresses of one person said, in some order; and which contact hears next, time after time."""
    names = [CONTACT, *OTHERS]
    joining = [
        wrote("hello", 1, "SMa", contact=names[1], linked=names[0]),
        wrote("hello", 2, "SMb", contact=names[2], linked=draw(st.sampled_from([names[:1], names[1:2], names[:2]]))),
    ]
    said: list[Fact] = []
    for number in range(draw(st.integers(1, 5))):
        who = draw(st.sampled_from(names))
        named = draw(st.lists(st.sampled_from(names), unique=True, max_size=2))
        said += [
            # Twilio's list knows one name alone.
            replace(fact, contact=who, linked=[] if fact.sent_at else [name for name in named if name != who])
            for fact in draw(messages(f"SM{number}"))
            if isinstance(fact, InboundReceived)
        ]
    return draw(st.permutations(joining + said)), draw(TURNS)


@given(conversations())
def test_linked_contacts_come_to_one_answer_however_they_hear_of_it(case: tuple[list[Fact], list[int]]) -> None:
    facts, turns = case
    names = [CONTACT, *OTHERS]
    # One partition each: in order within, in any order between them.
    waiting: dict[str, list[Fact]] = {name: [fact for fact in facts if fact.contact == name] for name in names}
    states: dict[str, Standing | None] = dict.fromkeys(names)
    last: dict[str, Any] = {name: {} for name in names}
    recalled: dict[str, Standing | None] = dict.fromkeys(names)
    for turn in [*turns, *([0, 1, 2] * 120)]:
        if not waiting[names[turn]]:
            continue
        fact = waiting[names[turn]].pop(0)
        states[fact.contact], emitted = play([fact], states[fact.contact])
        for one in emitted:
            if isinstance(one, ContactLinked):
                waiting[one.contact].append(one)
            if isinstance(one, SuppressionChanged):
                last[fact.contact] = one.suppressed
            if isinstance(one, ConsentRecorded | LinkRecorded | OptOutSuspected):
                recalled[one.contact] = recall(recalled[one.contact], one)
    assert not any(waiting.values())
    right = oracle.answers(facts)
    for name in names:
        assert plain(states[name]) == right[name]
        assert last[name] == suppressed(states[name])
    assert recalled == states


@given(reorderings())
def test_the_evidence_alone_gives_the_same_row(case: tuple[list[Fact], list[Fact]]) -> None:
    _, again = case
    state, emitted = play(again)
    recalled: Standing | None = None
    for one in emitted:
        if isinstance(one, ConsentRecorded | LinkRecorded | OptOutSuspected):
            recalled = recall(recalled, one)
    assert recalled == state
    # What the raw topics still hold then changes nothing.
    same, more = play(again, recalled)
    assert same == state
    assert all(isinstance(one, ContactLinked) and _lifts(one) for one in more)


@given(reorderings())
def test_evidence_of_before_it_named_its_fact_suppresses_the_same(case: tuple[list[Fact], list[Fact]]) -> None:
    _, again = case
    state, emitted = play(again)
    recalled: Standing | None = None
    for one in emitted:
        if isinstance(one, ConsentRecorded):
            written = {name: value for name, value in msgspec.to_builtins(one).items() if name != "evidence"}
            recalled = recall(recalled, msgspec.convert(written, ConsentRecorded))
        elif isinstance(one, LinkRecorded | OptOutSuspected):
            recalled = recall(recalled, one)
    assert suppressed(recalled).keys() == suppressed(state).keys()
