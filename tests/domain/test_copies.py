"""Media that people sent: what is remembered of a message, and what is told of each, once."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.domain.clock import later
from services.domain.due import Due
from services.domain.messages.copies import (
    MOST,
    Copied,
    Copies,
    CopyFailed,
    MediaFound,
    MediumTold,
    TakenAway,
    due,
    fold,
    lists,
    told_of,
)
from services.domain.messages.events import InboundReceived

AT = "2026-02-21T18:00:00.000Z"
URL = "https://api.twilio.com/2010-04-01/Accounts/AC1/Messages/MM1/Media/ME1"


def wrote(count: int = 2, sid: str = "MM1", **raw: str) -> InboundReceived:
    named = {f"MediaUrl{place}": f"{URL}{place}" for place in range(count)}
    return InboundReceived(
        event_id=f"heard {sid}", tenant="acme", received_at=AT, contact="acme|c0ffee", account_sid="AC1",
        message_sid=sid, from_="+14155550123", to="+14155550100", body="", num_media=count, raw=named | raw,
    )  # fmt: skip


def copied(row: Copies, place: int, outcome: Any = "stored", delete: bool = False, second: int = 1) -> Copied:
    at = later(AT, second)
    told = told_of(row, place, outcome, at)
    return Copied(
        tenant="acme", message_sid="MM1", at=at, place=place, outcome=outcome, delete=delete, told=told
    )  # fmt: skip


def history(*events: Any) -> tuple[Copies | None, list[MediumTold]]:
    state, told = None, []
    for event in events:
        state, derived = fold(state, event)
        told += derived
    return state, told


ROW, _ = history(wrote())
assert ROW is not None
NOWHERE = Copied(tenant="acme", message_sid="MM1", at=AT, place=9, outcome="gone")


def test_a_message_without_media_or_without_a_name_is_no_row() -> None:
    assert history(wrote(0)) == (None, [])
    assert history(wrote(2, sid="")) == (None, [])
    assert history(wrote(-1)) == (None, [])


def test_a_form_that_claims_a_thousand_has_ten() -> None:
    row, _ = history(wrote(1000))
    assert row is not None
    assert len(row.media) == MOST


def test_what_was_read_from_a_list_has_a_count_alone() -> None:
    row, _ = history(wrote(1, MediaUrl0=""))
    assert row is not None
    assert [one.url for one in row.media] == [None]


def test_where_they_lie_is_remembered_before_the_list_is_another() -> None:
    found = MediaFound(tenant="acme", message_sid="MM1", at=AT, urls=("first", "second"))
    shorter = MediaFound(tenant="acme", message_sid="MM1", at=AT, urls=("second",))
    row, told = history(wrote(3, MediaUrl0="", MediaUrl1="", MediaUrl2=""), found, shorter)
    assert row is not None
    assert told == []
    assert [one.url for one in row.media] == ["first", "second", ""]
    assert not row.is_unlisted
    # What its webhook said stands.
    row, _ = history(wrote(2, MediaUrl1=""), found)
    assert row is not None
    assert [one.url for one in row.media] == [f"{URL}0", "second"]


def test_each_medium_ends_for_itself_and_is_told_once() -> None:
    first = copied(ROW, 0)
    row, told = history(wrote(), first, first, wrote(), copied(ROW, 1, "infected"))
    assert [(one.place, one.outcome) for one in told] == [(0, "stored"), (1, "infected")]
    assert row is not None
    assert not row.is_open
    assert lists(row) == ()


def test_the_same_end_told_by_two_has_one_id() -> None:
    """Killed after it was written: whoever comes next tells the same."""
    assert copied(ROW, 0, second=1).told.event_id == copied(ROW, 0, second=900).told.event_id  # type: ignore[union-attr]
    assert copied(ROW, 0).told.event_id != copied(ROW, 1).told.event_id  # type: ignore[union-attr]


def test_what_is_to_be_taken_away_stays_open_until_it_is() -> None:
    row, told = history(wrote(1), copied(ROW, 0, delete=True))
    assert row is not None
    assert row.is_open
    taken = TakenAway(tenant="acme", message_sid="MM1", at=later(AT, 2), place=0)
    row, told = history(wrote(1), copied(ROW, 0, delete=True), taken, taken)
    assert [one.outcome for one in told] == ["stored", "deleted"]
    assert row is not None
    assert not row.is_open


def test_tries_that_fail_wait_longer_and_an_end_begins_anew() -> None:
    failed = CopyFailed(tenant="acme", message_sid="MM1", at=AT)
    waits = []
    row: Any = ROW
    for _ in range(12):
        row, _ = fold(row, failed)
        waits.append(row.again_at)
    assert waits[0] == later(AT, 15)
    assert waits == sorted(waits)
    assert waits[-1] == later(AT, 1800)
    row, _ = fold(row, copied(ROW, 0))
    assert row.failed == 0


def test_what_could_not_be_copied_for_a_month_is_told() -> None:
    row, told = history(wrote(), copied(ROW, 0), Due(key="MM1 acme", at=due(ROW)))
    assert row is None
    assert [(one.place, one.outcome) for one in told] == [(0, "stored"), (1, "refused")]


@given(st.lists(st.sampled_from([0, 1, 2, 3]), max_size=8))
def test_any_order_and_repetition_tells_each_once(order: list[int]) -> None:
    facts = [wrote(), copied(ROW, 0), copied(ROW, 1, "gone"), NOWHERE]
    _, told = history(wrote(), *(facts[one] for one in order))
    assert len({one.event_id for one in told}) == len(told)
    assert {one.place for one in told} == {{1: 0, 2: 1}[one] for one in order if one in (1, 2)}


@pytest.mark.parametrize("event", [copied(ROW, 0), CopyFailed(tenant="acme", message_sid="MM1", at=AT)])
def test_what_is_told_of_nothing_is_nothing(event: Any) -> None:
    assert fold(None, event) == (None, ())
