"""Whatever the order, and whenever the clock strikes in between: the same windows, and the same timers."""

import functools
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from services.domain.due import Due
from services.domain.messages.events import InboundReceived, OutcomeReached
from services.domain.messages.sessions import SessionChanged, due, fold
from services.domain.messages.windows import Sessions, open_windows, seen
from tests.domain import sessions_oracle as oracle
from tests.domain.sessions_oracle import CONTACT, OTHER, SENDER, Fact, at, ended, listed, wrote

# Around the moments when an earlier window closes or is over, on either side.
MILLISECOND = 1 / 3_600_000
HOURS = [0, 1, 2, 22, 23 - MILLISECOND, 23, 24 - MILLISECOND, 24, 24 + MILLISECOND, 25, 30, 46, 47, 48, 49]
Step = Fact | float
# All here, once: a strategy that is made anew for each draw costs more than the draw.
EITHER, FEW, MANY = st.booleans(), st.integers(0, 3), st.integers(1, 7)
AN_HOUR, ENDS = st.sampled_from(HOURS), st.sampled_from([*HOURS, 60, 80])
TO = st.sampled_from([SENDER, SENDER, OTHER])
THROUGH, OURS_THROUGH = st.sampled_from([None, "MG1", "MG2"]), st.sampled_from([None, "MG1"])
ON_THE_WAY = st.sampled_from([0, MILLISECOND, 0.5])


@functools.cache
def until(hour: float) -> st.SearchStrategy[float]:
    return st.sampled_from([one for one in [*HOURS, 60, 80] if one <= hour])


@functools.cache
def strokes_until(end: float) -> st.SearchStrategy[list[float]]:
    return st.lists(until(end), max_size=5)


@st.composite
def messages(draw: st.DrawFn, refused: bool = True) -> list[Fact]:
    """Messages of one person, by webhook, from Twilio's list, or both; and of ours that came too late."""
    found: list[Fact] = []
    for number in range(draw(MANY)):
        sid, hour = f"SM{number}", draw(AN_HOUR)
        where: dict[str, Any] = {
            "to": draw(TO),
            "service": draw(THROUGH),
        }
        webhook, entry = (
            wrote(hour + draw(ON_THE_WAY), sid, **where),
            listed(hour, sid, **where),
        )
        found += draw(st.sampled_from([[webhook], [entry], [webhook, entry]]))
    if draw(EITHER):
        found.append(wrote(draw(AN_HOUR), "SMx", "+14155550100", from_="+14155550123"))
    for number in range(draw(FEW) if refused else 0):
        found += _too_late(draw, f"SMours{number}")
    return found


def _too_late(draw: st.DrawFn, sid: str) -> list[Fact]:
    """A message of ours, told once or again with an earlier time of its making."""
    hour = draw(AN_HOUR)
    where = {"sender": draw(TO),
             "messaging_service_sid": draw(OURS_THROUGH)}  # fmt: skip
    again = ended(hour, sid, made=draw(until(hour)), **where)
    return [ended(hour, sid, **where), *([again] if draw(EITHER) else [])]


@st.composite
def courses(draw: st.DrawFn, most: int = 2, refused: bool = True) -> tuple[list[Fact], list[list[Step]], float]:
    """Messages; courses of events in which they come in any order, repeated, while the clock goes forward; its end."""
    facts = draw(messages(refused))
    end = draw(ENDS)
    found = []
    for _ in range(most):
        repeated = draw(st.lists(st.sampled_from(facts), max_size=4))
        course: list[Step] = [*draw(st.permutations(facts + repeated))]
        for hour in sorted(draw(strokes_until(end))):
            # The clock never goes back: each stroke comes behind the one before.
            strokes = [place for place, step in enumerate(course) if not isinstance(step, Fact)]
            course.insert(draw(st.integers(max(strokes, default=-1) + 1, len(course))), hour)
        found.append([*course, end])
    return facts, found, end


def play(steps: list[Step], state: Sessions | None = None) -> tuple[Sessions | None, list[SessionChanged]]:
    """Fold messages; a number is an hour that the clock strikes, and whatever is due by then comes."""
    emitted: list[SessionChanged] = []
    for step in steps:
        if isinstance(step, InboundReceived | OutcomeReached):
            state, derived = fold(state, step)
            emitted += derived
            continue
        while state is not None and (moment := due(state)) is not None and moment <= at(step):
            before = state
            state, derived = fold(state, Due(key=CONTACT, at=moment))
            # A timer that comes has something to tell, or to note, or to forget: it is never waited for in vain.
            assert derived or state != before
            emitted += derived
    return state, emitted


def plain(state: Sessions | None, now: str) -> dict[str, oracle.Open]:
    """The windows in the oracle's words."""
    windows = state.windows if state else {}
    return {
        sender: oracle.Open(until, windows[sender].message_sid, windows[sender].service)
        for sender, until in open_windows(state).items()
        if until > now
    }


@given(courses())
def test_any_order_and_any_ticks_give_the_same_windows(case: tuple[list[Fact], list[list[Step]], float]) -> None:
    facts, (one, other), end = case
    assert play(one)[0] == play(other)[0]
    state, _ = play(one)
    assert plain(state, at(end)) == oracle.windows(facts, at(end))
    assert open_windows(state).keys() == plain(state, at(end)).keys()
    kept = {sender: window.until for sender, window in (state.windows if state else {}).items()}
    assert kept == oracle.remembered(facts, at(end))


@given(courses(most=1))
def test_until_when_one_may_write_is_right_before_any_tick(case: tuple[list[Fact], list[list[Step]], float]) -> None:
    facts, [course], end = case
    state, _ = play([step for step in course if isinstance(step, Fact)])
    answer = oracle.windows(facts, at(end))
    for sender in (SENDER, OTHER):
        found = seen(state, sender, None, {})
        until = found.until if found.refused_at is None else None
        assert (until if until and until > at(end) else None) == (answer[sender].until if sender in answer else None)


@given(courses(refused=False))
def test_a_timer_tells_the_same_whenever_it_comes(case: tuple[list[Fact], list[list[Step]], float]) -> None:
    _, ways, _ = case
    told: dict[tuple[str, str, str], set[tuple[str, str]]] = {}
    for way in ways:
        for one in play(way)[1]:
            if one.change in ("closing", "expired"):
                told.setdefault((one.sender, one.change, one.until), set()).add((one.event_id, one.at))
    assert all(len(same) == 1 for same in told.values())
    assert len({same for one in told.values() for same in one}) == len(told)


@given(courses(most=1, refused=False))
def test_a_window_ends_when_it_said_it_would(case: tuple[list[Fact], list[list[Step]], float]) -> None:
    _, [course], _ = case
    for one in play(course)[1]:
        assert one.change != "expired" or one.at == one.until
        assert one.change != "closing" or oracle.at(0) <= one.at < one.until


@given(courses(most=1))
def test_nothing_is_told_twice_under_one_id(case: tuple[list[Fact], list[list[Step]], float]) -> None:
    _, [course], _ = case
    ids = [one.event_id for one in play(course)[1]]
    assert len(ids) == len(set(ids))


@given(courses(most=1))
def test_the_last_word_names_the_windows_that_are_open(case: tuple[list[Fact], list[list[Step]], float]) -> None:
    facts, [course], end = case
    _, emitted = play(course)
    told = {sender: until for sender, until in (emitted[-1].windows if emitted else {}).items() if until > at(end)}
    assert told == {sender: one.until for sender, one in oracle.windows(facts, at(end)).items()}


@given(courses(most=1))
def test_when_all_is_over_nothing_is_kept(case: tuple[list[Fact], list[list[Step]], float]) -> None:
    _, [course], _ = case
    state, emitted = play([*course, 999])
    assert state is None
    assert not emitted or (emitted[-1].change, emitted[-1].windows) == ("expired", {})


@given(courses(most=1), st.sampled_from([0, 1, 500, 24 * 30 - 1]), st.randoms(use_true_random=False))
def test_a_repeat_within_a_month_changes_and_tells_nothing(
    case: tuple[list[Fact], list[list[Step]], float], after: float, random: Any
) -> None:
    facts, [course], _ = case
    state, _ = play([*course, after] if after else [one for one in course if isinstance(one, Fact)])
    again = [*facts, *facts]
    random.shuffle(again)
    assert play([*again, after] if after else again, state) == (state, [])
