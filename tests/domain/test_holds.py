"""Holds: placed and released in any order and however often, by both services, by hand, over the links of a person."""

import itertools
from collections.abc import Iterable, Sequence
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from services.domain.consent import holds
from services.domain.consent.events import ConsentRecorded, HoldRecorded, LinkRecorded, Suppression, SuppressionChanged
from services.domain.consent.evidence import recall
from services.domain.consent.holds import MOST_HOLDS, HoldPlaced, HoldReleased
from services.domain.consent.standing import Standing, answer, suppressed
from services.domain.messages.consent import Suppressing
from tests.domain.suppression_oracle import at, wrote

FOLD = Suppressing({})
KEY, LINK = f"acme|{'1' * 32}", f"acme|{'2' * 32}"
TOPICS = ("twilio.inbound.v1", "twilio.outcomes.v1", "twilio.outbound.accepted.v1")
APPS = ("switchboard-processor", "switchboard-sender")


def position(number: int) -> str:
    """The time of such a record is its number in seconds, whoever could not read it."""
    return f"{TOPICS[number % 3]}/{number % 2}@{number}"


def placed(number: int, app: str = APPS[0], contact: str = KEY) -> HoldPlaced:
    return holds.place(position(number), contact, at(number), app)


def released(number: int, second: float = 500, how: Any = "dropped", *, earlier: bool = False) -> HoldReleased:
    return holds.release(position(number), KEY, at(second), how, earlier=earlier)


def play(facts: Iterable[Any], state: Standing | None = None) -> tuple[Standing | None, list[Any]]:
    emitted = []
    for fact in facts:
        state, derived = FOLD(state, fact)
        emitted += derived
    return state, emitted


def expected(facts: Sequence[Any]) -> set[str]:
    """Independently: what was placed and never released, by position."""
    left = {fact.hold for fact in facts if isinstance(fact, HoldPlaced)}
    return left - {fact.hold for fact in facts if isinstance(fact, HoldReleased)}


_NUMBERS = st.integers(0, 9)
_FACTS = st.one_of(
    st.builds(placed, _NUMBERS, st.sampled_from(APPS)),
    st.builds(released, _NUMBERS, st.integers(400, 500), st.sampled_from(["retried", "dropped", "released"])),
)


@st.composite
def reorderings(draw: st.DrawFn) -> tuple[list[Any], list[Any]]:
    facts = draw(st.lists(_FACTS, min_size=1, max_size=25))
    return facts, draw(st.permutations(facts + draw(st.lists(st.sampled_from(facts), max_size=6))))


@given(reorderings())
def test_any_order_and_repetition_give_the_same_row_and_the_right_answer(case: tuple[list[Any], list[Any]]) -> None:
    facts, again = case
    (state, _), (other, emitted) = play(facts), play(again)
    assert state == other
    left = expected(facts)
    assert {one.hold for one in holds.standing(state.holds if state else {})} == left
    first = min(((at(int(name.rpartition("@")[2])), name) for name in left), default=None)
    wanted = {"held": Suppression(since=first[0], evidence=first[1], source="unread")} if first else {}
    assert answer(other) == wanted
    # Nobody said no: it suppresses nothing.
    assert suppressed(other) == {}
    told = [one.suppressed for one in emitted if isinstance(one, SuppressionChanged)]
    assert (told[-1] if told else {}) == wanted
    assert all(before != after for before, after in itertools.pairwise(told))


@given(reorderings())
def test_the_evidence_alone_gives_the_same_row(case: tuple[list[Any], list[Any]]) -> None:
    _, again = case
    state, emitted = play(again)
    recalled: Standing | None = None
    for one in emitted:
        if isinstance(one, ConsentRecorded | HoldRecorded | LinkRecorded):
            recalled = recall(recalled, one)
    assert recalled == state
    assert play(again, recalled) == (state, [])
    ids = [one.event_id for one in emitted]
    assert len(set(ids)) == len(ids)


def test_a_release_that_comes_before_its_placement_counts() -> None:
    state, _ = play([released(1), placed(1), placed(1, APPS[1])])
    assert answer(state) == {}
    assert answer(play([placed(2)], state)[0])["held"].evidence == position(2)


def test_released_twice_and_retried_again_is_released_once() -> None:
    state, emitted = play([placed(1), released(1, 500, "retried"), released(1, 600, "retried"), released(1, 700)])
    assert answer(state) == {}
    assert [one.what for one in emitted if isinstance(one, HoldRecorded)] == ["placed", "retried"]


def flooding(offset: int, app: str = APPS[0]) -> HoldPlaced:
    return holds.place(f"{TOPICS[0]}/3@{offset}", KEY, at(offset), app)


def freed(offset: int, *, earlier: bool = False) -> HoldReleased:
    return holds.release(f"{TOPICS[0]}/3@{offset}", KEY, at(900), "released", earlier=earlier)


@pytest.mark.parametrize("count", [MOST_HOLDS, MOST_HOLDS + 1, 3 * MOST_HOLDS])
@pytest.mark.parametrize("backwards", [False, True])
def test_a_flood_stays_bounded_and_held_until_all_is_released(count: int, backwards: bool) -> None:
    numbers = sorted(range(count), reverse=backwards)
    state, _ = play([flooding(number) for number in numbers])
    assert state is not None
    [source] = state.holds.values()
    assert len(source.placed) == min(count, MOST_HOLDS)
    for number in numbers:
        state, _ = play([flooding(number, APPS[1]), freed(number)], state)
        left = number != numbers[-1] or count > MOST_HOLDS
        assert bool(answer(state)) == left
    assert state is not None
    # Those that found no room are one hold: it is named, and a person releases it as such.
    if count > MOST_HOLDS:
        [one] = holds.standing(state.holds)
        assert one == (f"{TOPICS[0]}/3@{count - MOST_HOLDS - 1}", at(count - MOST_HOLDS - 1), True)
        state, emitted = play([holds.release(one.hold, KEY, at(900), "released", earlier=True)], state)
        assert [one.suppressed for one in emitted if isinstance(one, SuppressionChanged)] == [{}]
    assert answer(state) == {}
    # What was known of it before is no news; what is new holds, wherever it stands.
    state, emitted = play([flooding(number) for number in numbers], state)
    assert (answer(state), emitted) == ({}, [])
    for new in (flooding(count), placed(0), placed(1), placed(2)):
        assert answer(play([new], state)[0])


@given(st.data())
def test_a_flood_gives_the_same_row_in_any_order(data: st.DataObject) -> None:
    before = [flooding(number) for number in range(100, 100 + MOST_HOLDS - 3)]
    more: list[Any] = [flooding(number, app) for number in (1, 2, 50, 120, 300, 301) for app in APPS]
    more += [freed(number) for number in (1, 50, 300)] + [freed(50, earlier=True)]
    facts = data.draw(st.permutations(more + data.draw(st.lists(st.sampled_from(more), max_size=4))))
    cut = data.draw(st.integers(0, len(before)))
    assert play([*before[:cut], *facts, *before[cut:]])[0] == play([*before, *more])[0]


def test_what_people_say_and_a_hold_stand_beside_each_other() -> None:
    stop = wrote("STOP", 1, "SM1", contact=KEY)
    state, emitted = play([placed(1), stop, released(1)])
    told = [set(one.suppressed) for one in emitted if isinstance(one, SuppressionChanged)]
    assert told == [{"held"}, {"held", *suppressed(state)}, {*suppressed(state)}]
    assert suppressed(state)
    assert play([stop, released(1), placed(1)])[0] == state


def both(facts: Iterable[Any]) -> dict[str, Standing | None]:
    """What comes of facts at two names of one person, as the processor passes them on."""
    states: dict[str, Standing | None] = {KEY: None, LINK: None}
    waiting = list(facts)
    while waiting:
        fact = waiting.pop(0)
        states[fact.contact], derived = FOLD(states[fact.contact], fact)
        waiting += [one for one in derived if hasattr(one, "marks") or isinstance(one, HoldPlaced | HoldReleased)]
    return states


@given(st.permutations([placed(1), released(1), placed(2), wrote("hi", 1, "SM1", contact=LINK, linked=KEY)]))
def test_a_hold_reaches_a_persons_other_names_and_so_does_its_release(facts: list[Any]) -> None:
    states = both(facts)
    assert [set(answer(state)) for state in states.values()] == [{"held"}] * 2
    for state in both([*facts, released(2)]).values():
        assert answer(state) == {}


def test_what_found_no_room_reaches_a_persons_other_names_too() -> None:
    many = [flooding(number) for number in range(MOST_HOLDS + 5)]
    link = wrote("hi", 1, "SM1", contact=LINK, linked=KEY)
    states = both([*many, link])
    assert [set(answer(state)) for state in states.values()] == [{"held"}] * 2
    after = [freed(4, earlier=True), *map(freed, range(MOST_HOLDS + 5))]
    for facts in ([*many, link, *after], [*many, *after, link]):
        assert [answer(state) for state in both(facts).values()] == [{}, {}]


@pytest.mark.parametrize(
    "key",
    [None, b"", b"k", b"acme|1", KEY[:-1].encode(), f"{KEY}0".encode(), KEY.upper().encode(), b"\xff" + KEY.encode()]  # noqa: RUF005
    + [f"acme|{KEY}".encode(), f"|{'1' * 32}".encode(), f"a b|{'1' * 32}".encode(), f"{KEY}\n".encode()],
)
def test_a_key_that_is_no_contact_names_nobody(key: bytes | None) -> None:
    assert holds.contact_of(key) is None


def test_a_contact_key_is_known_and_a_hold_is_its_tenants() -> None:
    assert holds.contact_of(KEY.encode()) == KEY
    assert (placed(1).tenant, released(1).tenant) == ("acme", "acme")


def test_a_hold_of_an_odd_position_is_one_all_the_same() -> None:
    odd = replace(placed(1), hold="somewhere")
    state, _ = play([odd])
    assert set(answer(state)) == {"held"}
    assert answer(play([replace(released(1), hold="somewhere")], state)[0]) == {}
