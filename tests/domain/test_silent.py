"""Who is waited for, in any order of what is told; what a look at Twilio changes; how few calls a search takes."""

import itertools
from collections.abc import Sequence
from datetime import time
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from services.domain.clock import later, seconds_between
from services.domain.due import Due
from services.domain.messages import at_twilio, reconciled, silent
from services.domain.messages.at_twilio import MessageAtTwilio
from services.domain.messages.reconciled import Reconciled
from services.domain.messages.seeking import One, Page, Search, groups
from services.domain.messages.silent import AGAIN_S, Looked, LookFailed, Silent
from tests.domain.histories import KNOWN, Fact, callback, created, reorderings

ENDS = {"canceled", "failed", "undelivered", "partially_delivered", "received", "delivered", "read"}
NOW = "2026-02-21T19:00:00.000Z"
SECRET = b"a secret"


def play(events: Sequence[Fact | Looked | Due], state: Silent | None = None) -> Silent | None:
    for event in events:
        state, _ = silent.fold(state, event)
    return state


def look(status: str | None, at: str = NOW, **other: str) -> Looked:
    message = MessageAtTwilio(sid="SM1", account_sid="AC1", inbound=False, at=NOW, status=status or "", **other)
    found = at_twilio.status_fact("acme", SECRET, message, at) if status else None
    return Looked(tenant="acme", message_sid="SM1", at=at, found=found)


@given(reorderings())
def test_any_order_and_repetition_give_the_same_state_and_the_right_one(case: tuple[list[Fact], list[Fact]]) -> None:
    facts, again = case
    row = play(facts)
    assert row is not None
    assert row == play(again)
    # By hand: it has ended where anything told an end, else it was last heard of when the latest fact came.
    told = [fact.message_status or "unknown" for fact in facts]
    arrivals = [fact.sent_at if hasattr(fact, "sent_at") else fact.received_at for fact in facts]
    assert row.ended == bool(ENDS & set(told))
    assert (row.since, row.heard_at) == (min(arrivals), max(arrivals))
    known = [status for status in KNOWN if status in told]
    assert row.status == (known[-1] if known else max(told))
    listed = (
        [] if row.ended or row.status == "scheduled" else [f"acme {row.account_sid} new {row.channel} {row.heard_at}"]
    )
    assert list(silent.lists(row)) == listed


@given(reorderings(), st.sampled_from([None, *KNOWN, "teleported"]))
def test_a_look_emits_what_it_found_where_that_is_further_and_ends_nothing_else(
    case: tuple[list[Fact], list[Fact]], status: str | None
) -> None:
    facts, again = case
    before = play(facts)
    assert before is not None
    event = look(status)
    after, told = silent.fold(before, event)
    assert after is not None
    if before.ended:
        assert (after, list(told)) == (before, [])
        return
    rank = {name: place for place, name in enumerate(KNOWN, start=1)}
    further = status is not None and rank.get(status, 0) > rank.get(before.status, 0)
    assert list(told) == ([event.found] if further else [])
    assert after.looks == 1
    # What was found comes back from the log, and so may all that came before it: nothing changes, nothing opens again.
    back = [*told, *again]
    assert replace(play(back, after) or after, heard_at="") == replace(after, heard_at="")
    assert silent.fold(after, event)[1] == ()


def test_a_message_that_a_callback_settles_leaves_the_list_and_a_late_one_brings_it_not_back() -> None:
    row = play([created("queued"), callback("sent", 2)])
    assert row is not None
    assert silent.lists(row)
    row = play([callback("delivered", 3), callback("sent", 4), created("queued", 5)], row)
    assert row is not None
    assert silent.lists(row) == ()
    assert silent.fold(row, Due(key="k", at=silent.due(row))) == (None, ())


def test_what_twilio_does_not_end_is_looked_for_less_and_less_and_then_no_more() -> None:
    row, moment, waits = play([created("queued")]), NOW, []
    while (row is not None and row.again_at is not None) or (row is not None and row.looks == 0):
        row, told = silent.fold(row, look("queued", moment))
        assert row is not None
        assert told == ()
        if row.again_at is not None:
            waits.append(seconds_between(moment, row.again_at))
            assert silent.lists(row) == (f"acme {row.account_sid} again {row.again_at}",)
            moment = row.again_at
    assert tuple(waits) == AGAIN_S
    assert row is not None
    assert silent.lists(row) == ()
    # A callback that comes after all ends it as any other.
    assert play([callback("delivered", 9)], row) is not None


def test_what_twilio_does_not_know_is_looked_for_three_times() -> None:
    row, moment = play([created("queued")]), NOW
    for looks in (1, 2, 3):
        assert row is not None
        row, told = silent.fold(row, look(None, moment))
        assert row is not None
        assert (row.looks, row.missed, told) == (looks, looks, ())
        moment = row.again_at or moment
    assert row is not None
    assert row.again_at is None
    # It tells nothing: that it is not listed is no status.
    assert row.status == "queued"


def test_a_fact_that_names_no_message_has_no_place() -> None:
    with pytest.raises(ValueError, match="names no MessageSid"):
        silent.fold(None, callback("sent", message_sid=""))


def test_of_a_masked_address_nobody_is_derived_and_an_odd_resource_is_no_message() -> None:
    found = look("delivered", from_="+14155550100", to="+1415555XXXX").found
    assert found is not None
    assert (found.to, found.contact, found.provenance) == ("", None, "backfill")
    assert at_twilio.read({"sid": "SM1", "date_created": "not a date"}) is None
    assert at_twilio.read({"date_created": "Fri, 24 May 2019 17:44:46 +0000"}) is None
    listed = at_twilio.read(
        {"sid": "SM1", "date_created": "Fri, 24 May 2019 17:44:46 +0000", "date_sent": None, "status": "failed",
         "error_code": 30003, "num_segments": "2", "direction": "outbound-api", "body": "ours"}
    )  # fmt: skip
    assert listed is not None
    assert (listed.at, listed.status, listed.error_code) == ("2019-05-24T17:44:46.000Z", "failed", 30003)
    assert listed.body == ""


# --- the search -------------------------------------------------------------------------------------------------------

_SECONDS = st.integers(0, 20_000)


def row_at(number: int, second: int) -> Silent:
    at = later("2026-02-21T00:00:00.000Z", second)
    return Silent(tenant="acme", message_sid=f"SM{number}", account_sid="AC1", status="sent", since=at, heard_at=at)


def at_twilios(number: int, second: int) -> MessageAtTwilio:
    at = later("2026-02-21T00:00:00.000Z", second)
    return MessageAtTwilio(sid=f"SM{number}", account_sid="AC1", inbound=False, at=at, status="delivered")


class Lists:
    """Twilio's list, as an oracle has it: by date, the latest first; `size` a page. It may ignore times of day."""

    def __init__(self, messages: list[MessageAtTwilio], size: int, by_day: bool) -> None:
        self._messages = sorted(messages, key=lambda one: one.at, reverse=True)
        self._size, self._by_day = size, by_day
        self.calls = 0

    def page(self, page: Page) -> tuple[list[MessageAtTwilio], str | None]:
        self.calls += 1
        found = [one for one in self._messages if self._by_day or page.since <= one.at <= page.until]
        start = int(page.following or 0)
        more = start + self._size < len(found)
        return found[start : start + self._size], str(start + self._size) if more else None


@given(
    st.lists(_SECONDS, min_size=1, max_size=30),
    st.lists(_SECONDS, max_size=60),
    st.sets(st.integers(0, 29)),
    st.integers(1, 10),
    st.booleans(),
)
def test_a_search_answers_for_each_message_once_by_few_calls(
    ours: list[int], others: list[int], gone: set[int], size: int, by_day: bool
) -> None:
    rows = [row_at(number, second) for number, second in enumerate(ours)]
    there = [at_twilios(number, second) for number, second in enumerate(ours) if number not in gone]
    lists = Lists([*there, *(at_twilios(1000 + number, second) for number, second in enumerate(others))], size, by_day)
    answered: dict[str, MessageAtTwilio | None] = {}
    allowed = 0
    for group in groups(rows):
        search, before = Search(group), lists.calls
        # Pages of what came later than all of them are passed over, as many as there are messages and one.
        allowed = len(group.rows) + (len(group.rows) > 1) * (len(group.rows) + 2)
        while (asked := search.wants()) is not None:
            match asked:
                case Page():
                    for row, message in search.listed(*lists.page(asked)):
                        assert row.message_sid not in answered
                        answered[row.message_sid] = message
                case One(sid):
                    lists.calls += 1
                    assert sid not in answered
                    answered[search.fetched(sid).message_sid] = next((one for one in there if one.sid == sid), None)
        assert lists.calls - before <= allowed
    assert set(answered) == {row.message_sid for row in rows}
    for number, row in enumerate(rows):
        message = answered[row.message_sid]
        assert (message is None) == (number in gone)


def test_a_burst_without_callbacks_takes_one_page() -> None:
    lists = Lists([at_twilios(number, number) for number in range(900)], 1000, by_day=False)
    [group] = groups(row_at(number, number) for number in range(900))
    search = Search(group)
    asked = search.wants()
    assert isinstance(asked, Page)
    assert len(search.listed(*lists.page(asked))) == 900
    assert search.wants() is None


def test_more_pages_of_later_messages_than_one_lead_to_ours_by_few_calls() -> None:
    """A busy account: ten minutes after the group stand 6,000 others, and they are listed first."""
    others = [at_twilios(10_000 + number, 700 + number // 10) for number in range(6_000)]
    ours = range(600)
    lists = Lists([*(at_twilios(number, number) for number in ours), *others], 1000, by_day=True)
    [group] = groups(row_at(number, number) for number in ours)
    search, found = Search(group), 0
    while isinstance(asked := search.wants(), Page):
        found += len(search.listed(*lists.page(asked)))
    assert (found, asked, lists.calls) == (600, None, 7)


def test_pages_of_later_messages_cost_no_more_than_fetching() -> None:
    """Who lists more than was asked for does not lead a group of two through a day."""
    others = [at_twilios(10_000 + number, 700 + number) for number in range(100)]
    lists = Lists([row for number in (0, 1) for row in [at_twilios(number, number)]] + others, 2, by_day=True)
    [group] = groups(row_at(number, number) for number in (0, 1))
    search = Search(group)
    while isinstance(asked := search.wants(), Page):
        search.listed(*lists.page(asked))
    assert (isinstance(asked, One), lists.calls) == (True, 3)


# --- the day ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("now", "at", "zone", "expected"),
    [
        ("2026-02-21T03:29:59.999Z", "03:30", "UTC", "2026-02-20T03:30:00.000Z"),
        ("2026-02-21T03:30:00.000Z", "03:30", "UTC", "2026-02-21T03:30:00.000Z"),
        ("2026-02-21T03:00:00.000Z", "03:30", "Europe/Berlin", "2026-02-21T02:30:00.000Z"),
        # Summer time: 02:30 is skipped on 2026-03-29, and shown twice on 2026-10-25.
        ("2026-03-29T12:00:00.000Z", "02:30", "Europe/Berlin", "2026-03-29T01:30:00.000Z"),
        ("2026-10-25T12:00:00.000Z", "02:30", "Europe/Berlin", "2026-10-25T00:30:00.000Z"),
        ("2026-02-21T23:00:00.000Z", "23:30", "Pacific/Kiritimati", "2026-02-21T09:30:00.000Z"),
        ("2026-02-21T05:00:00.000Z", "23:30", "Pacific/Pago_Pago", "2026-02-20T10:30:00.000Z"),
    ],
)
def test_the_last_time_that_the_clocks_of_a_zone_showed(now: str, at: str, zone: str, expected: str) -> None:
    assert reconciled.latest(now, time.fromisoformat(at), ZoneInfo(zone)) == expected


@given(st.permutations([Reconciled("acme", later(NOW, days * 86_400)) for days in range(4)]))
def test_the_later_day_stands(events: list[Reconciled]) -> None:
    state = None
    for event in events:
        state, _ = reconciled.fold(state, event)
    assert state is not None
    assert state.until == later(NOW, 3 * 86_400)


def test_a_day_begins_before_the_last_ended_and_never_before_what_the_log_keeps() -> None:
    assert reconciled.since(None, NOW) == later(NOW, -30 * 3600)
    assert reconciled.since(Reconciled("acme", later(NOW, -86_400)), NOW) == later(NOW, -30 * 3600)
    assert reconciled.since(Reconciled("acme", later(NOW, -3 * 86_400)), NOW) == later(NOW, -78 * 3600)
    assert reconciled.since(Reconciled("acme", "2025-01-01T00:00:00.000Z"), NOW) == later(NOW, -29 * 86_400)


def test_a_look_that_failed_waits_longer_each_time_and_is_no_look() -> None:
    row, moment = play([created("queued")]), NOW
    waits = []
    for _ in range(9):
        assert row is not None
        row, told = silent.fold(row, LookFailed(tenant="acme", message_sid="SM1", at=moment))
        assert row is not None
        assert told == ()
        assert row.again_at is not None
        waits.append(seconds_between(moment, row.again_at))
        assert silent.lists(row) == (f"acme {row.account_sid} again {row.again_at}",)
        moment = row.again_at
    assert waits == [60, 120, 240, 480, 960, 1920, 3600, 3600, 3600]
    assert (row.looks, row.missed) == (0, 0)
    row, _ = silent.fold(row, look("queued", moment))
    assert row is not None
    assert (row.looks, row.failed) == (1, 0)


def test_whose_list_failed_twice_is_fetched_alone_after_all_others() -> None:
    base = play([created("queued")])
    assert base is not None
    rows = [replace(base, message_sid=f"SM{place}", failed=place) for place in range(4)]
    assert [list(group.rows) for group in groups(rows)] == [["SM0", "SM1"], ["SM2"], ["SM3"]]


def test_what_nobody_reconciled_for_long_is_listed_part_by_part_without_a_gap() -> None:
    usual = list(reconciled.parts(reconciled.since(Reconciled("acme", later(NOW, -86_400)), NOW), NOW))
    assert usual == [(later(NOW, -30 * 3600), NOW)]
    long = list(reconciled.parts(later(NOW, -29 * 86_400), NOW))
    assert (long[0][0], long[-1][1]) == (later(NOW, -29 * 86_400), NOW)
    assert all(before[1] == after[0] for before, after in itertools.pairwise(long))
    assert all(seconds_between(*part) <= 30 * 3600 for part in long)
    assert list(reconciled.parts(NOW, NOW)) == []
