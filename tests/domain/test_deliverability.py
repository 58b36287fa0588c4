"""Deliverability: facts of messages in, counts of minutes out; each message once, where it stands at last."""

import re
import sqlite3
from collections import Counter
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from services.contract import codec
from services.domain.due import Due
from services.domain.messages import delivery, ladder
from services.domain.messages.deliverability import (
    Counting,
    Counts,
    DeliverabilityCounted,
    dimension,
    due,
    key,
    row_key,
)
from services.domain.messages.events import Counted, DeliveryChanged, MessageSent, StatusReceived
from tests.domain.histories import KNOWN, callback, created

SENDER, AMERICAN, GERMAN = "+14155550100", "+14155550123", "+491711234567"
PARTS = 4
COUNTING = Counting(lambda sid: int(sid[2:]) % PARTS)
DOCUMENTED = Path(__file__).parents[2] / "docs" / "deliverability.md"

Fact = StatusReceived | MessageSent
Rows = dict[str, Counts]


def changes(facts: Iterable[Fact]) -> list[DeliveryChanged]:
    """What the delivery fold makes of the facts of several messages."""
    states: dict[str, ladder.Delivery] = {}
    told = []
    for fact in facts:
        states[fact.message_sid], derived = delivery.fold(states.get(fact.message_sid), fact)
        told += [one for one in derived if isinstance(one, DeliveryChanged)]
    return told


def count(events: Iterable[DeliveryChanged], rows: Rows | None = None) -> tuple[Rows, list[DeliverabilityCounted]]:
    """The rows after these changes, and all that was told."""
    rows, told = dict(rows or {}), []
    for event in events:
        for move in COUNTING.moves(event):
            row, derived = COUNTING(rows.get(key(move)), move)
            if row is not None:
                rows[key(move)] = row
            told += derived
    return rows, told


def numbers(rows: Iterable[Counts | DeliverabilityCounted]) -> list[dict[str, int]]:
    """The counts of rows that have any, without what is none."""
    names = ("sent", "delivered", "read", "failed")
    found = [{name: getattr(row, name) for name in names if getattr(row, name)} for row in rows]
    return [one for one in found if one]


def fact(status: str, sid: int = 1, at: str = "2026-02-21T18:22:41.000Z", **other: Any) -> StatusReceived:
    """A callback about the message `SM{sid}`."""
    error = other.pop("error", None)
    made = callback(status, 0, error, **{"message_sid": f"SM{sid}", "to": AMERICAN, "from_": SENDER, **other})
    return replace(made, event_id=f"{sid} {status} {error} {at}", received_at=at)


@pytest.mark.parametrize(
    ("statuses", "counted"),
    [
        (["queued", "sending"], []),
        (["queued", "sent"], [{"sent": 1}]),
        (["sent", "delivered"], [{"delivered": 1}]),
        (["delivered", "sent"], [{"delivered": 1}]),
        (["sent", "delivered", "read"], [{"read": 1}]),
        (["sent", "undelivered", "delivered"], [{"delivered": 1}]),
        (["failed"], [{"failed": 1}]),
        (["sent", "partially_delivered"], [{"failed": 1}]),
        # What never left, what is written to us, and what nobody knows.
        (["queued", "canceled"], []),
        (["receiving", "received"], []),
        (["teleported"], []),
    ],
)
def test_a_message_is_counted_once_where_it_stands_at_last(statuses: list[str], counted: list[dict[str, int]]) -> None:
    rows, told = count(changes(fact(status) for status in statuses))
    assert numbers(rows.values()) == counted
    assert numbers({row_key(one): one for one in told}.values()) == counted


def test_a_count_says_what_it_is_of() -> None:
    [row] = count(changes([fact("failed", 7, to=f"whatsapp:{GERMAN}", from_=f"whatsapp:{SENDER}", error=63016)]))[
        0
    ].values()
    assert row == Counts(
        tenant="acme", minute="2026-02-21T18:22:00.000Z", country="DE", carrier="T-Mobile", channel="whatsapp",
        sender=f"whatsapp:{SENDER}", part=3, failed=1, errors={"63016": 1},
    )  # fmt: skip


def test_each_value_states_the_whole_count_of_its_row() -> None:
    """A message that moves within a row leaves one count and enters another in one value."""
    facts = [fact("sent", 1), fact("sent", 5), fact("delivered", 1), fact("undelivered", 5, error=30003)]
    rows, told = count(changes(facts))
    assert numbers(told) == [{"sent": 1}, {"sent": 2}, {"sent": 1, "delivered": 1}, {"delivered": 1, "failed": 1}]
    assert [one.errors for one in told] == [{}, {}, {}, {"30003": 1}]
    assert {row_key(one) for one in told} == set(rows)


def test_an_earlier_step_moves_a_message_to_its_minute() -> None:
    late, early = fact("delivered", at="2026-02-21T18:25:00.000Z"), fact("sent", at="2026-02-21T18:22:59.000Z")
    rows, told = count(changes([late, early]))
    assert {row.minute[11:16]: row.delivered for row in rows.values()} == {"18:25": 0, "18:22": 1}
    # The delivery event says so: the status is the same, the place is not.
    [first, second] = changes([late, early])
    assert (second.previous_status, second.status, second.final) == ("delivered", "delivered", True)
    assert first.counted_now == second.counted_before != second.counted_now
    assert len({one.event_id for one in told}) == len(told) == 3


def test_a_sender_that_is_known_later_moves_a_message_to_it() -> None:
    rows, _ = count(changes([fact("sent", from_="", to=AMERICAN), fact("delivered", to=AMERICAN)]))
    assert {row.sender: numbers([row]) for row in rows.values()} == {"": [], SENDER: [{"delivered": 1}]}


def test_a_code_that_is_told_later_enters_the_errors() -> None:
    rows, _ = count(changes([fact("failed"), fact("failed", error=30007)]))
    assert [(row.failed, row.errors) for row in rows.values()] == [(1, {"30007": 1})]


def test_what_arrived_after_all_takes_its_error_along() -> None:
    rows, _ = count(changes([fact("undelivered", error=30008), fact("delivered")]))
    assert [(row.delivered, row.failed, row.errors) for row in rows.values()] == [(1, 0, {})]


@pytest.mark.parametrize(
    "other",
    [
        fact("sent", 5, at="2026-02-21T18:23:00.000Z"),
        fact("sent", 5, tenant="other"),
        fact("sent", 5, to=GERMAN),
        fact("sent", 5, to=""),
        fact("sent", 5, from_="whatsapp:+14155550100"),
        fact("sent", 2),
    ],
)
def test_what_differs_is_counted_apart(other: StatusReceived) -> None:
    rows, _ = count(changes([fact("sent"), other]))
    assert numbers(rows.values()) == [{"sent": 1}, {"sent": 1}]


@pytest.mark.parametrize(
    ("to", "country", "carrier"),
    [
        (AMERICAN, "US", ""),
        (f"whatsapp:{GERMAN}", "DE", "T-Mobile"),
        ("+33612345678", "FR", "SFR"),
        # A voice mail box in a range of a carrier's.
        ("+49177991234567", "DE", ""),
        ("", "", ""),
        ("72345", "", ""),
        ("whatsapp:US.13491208655302741918", "", ""),
        ("+999123456789", "", ""),
    ],
)
def test_country_and_carrier_are_read_off_the_number(to: str, country: str, carrier: str) -> None:
    [row] = count(changes([fact("sent", to=to)]))[0].values()
    assert (row.country, row.carrier) == (country, carrier)


@pytest.mark.parametrize(
    ("from_", "to", "channel"),
    [
        (SENDER, AMERICAN, "sms"),
        ("Acme", AMERICAN, "sms"),
        ("72345", "", "sms"),
        (f"whatsapp:{SENDER}", f"whatsapp:{AMERICAN}", "whatsapp"),
        ("rcs:acme_agent", AMERICAN, "rcs"),
        ("", f"whatsapp:{AMERICAN}", "whatsapp"),
        ("messenger:1001", "messenger:2002", "messenger"),
        ("mms:+14155550100", AMERICAN, "sms"),
        ("", "", ""),
        ("wh@t:+1", AMERICAN, "sms"),
    ],
)
def test_the_channel_is_the_senders(from_: str, to: str, channel: str) -> None:
    [row] = count(changes([fact("sent", from_=from_, to=to)]))[0].values()
    assert row.channel == channel


SENDERS = st.text(st.sampled_from("+1|Acme :"), max_size=6)


@given(SENDERS, SENDERS, st.integers(0, 3))
def test_no_two_rows_share_a_key(one: str, other: str, sid: int) -> None:
    """Whatever a sender is called."""
    rows = [count(changes([fact("sent", number, from_=sender)]))[0] for number, sender in ((1, one), (sid, other))]
    assert (set(rows[0]) == set(rows[1])) == ((one, 1) == (other, sid))


def test_a_dimension_is_all_but_minute_and_part() -> None:
    first, second = count(changes([fact("sent"), fact("sent", 2, at="2026-02-21T19:00:00.000Z")]))[1]
    assert dimension(first) == dimension(second) == f"acme|US||sms|{SENDER}"
    assert row_key(first) == f"{dimension(first)}|2026-02-21T18:22:00.000Z|1"
    assert row_key(second) == f"{dimension(second)}|2026-02-21T19:00:00.000Z|2"


def test_a_very_long_sender_makes_no_long_key() -> None:
    assert len(row_key(count(changes([fact("sent", from_="x" * 100_000)]))[1][0])) < 200


def test_a_row_is_forgotten_when_the_facts_are_gone() -> None:
    [row] = count(changes([fact("sent")]))[0].values()
    assert due(row) == "2026-03-24T18:22:00.000Z"
    assert COUNTING(row, Due(key=row_key(row), at=due(row))) == (None, [])
    assert COUNTING(None, Due(key="none", at=due(row))) == (None, [])


LATE, IN_TIME = "2026-03-24T00:00:00.000Z", "2026-03-23T00:00:00.000Z"


@pytest.mark.parametrize(("at", "counted"), [(LATE, {"sent": 1}), (IN_TIME, {"delivered": 1})])
def test_what_is_older_than_thirty_days_moves_no_count(at: str, counted: dict[str, int]) -> None:
    """Its row may be forgotten; told again from nothing it would say that the minute had one message."""
    facts = [fact("sent"), fact("delivered", at=at)]
    rows, _ = count(changes(facts))
    assert numbers(rows.values()) == [counted]
    assert changes(facts)[-1].status == "delivered"
    # Who else the late one tells of moves nothing either, and nothing is told of a row that is gone.
    blank = [fact("sent", from_=""), fact("delivered", at=LATE)]
    rows, told = count(changes(blank))
    assert (numbers(rows.values()), len(told)) == ([{"sent": 1}], 1)


def test_a_first_step_much_earlier_than_all_others_moves_nothing() -> None:
    rows, told = count(changes([fact("delivered", at=LATE), fact("sent"), fact("sent", at="2026-02-21T18:20:00.000Z")]))
    assert numbers(rows.values()) == numbers(told) == [{"delivered": 1}]


def test_a_message_never_leaves_a_count_that_it_is_not_in() -> None:
    """The log was cut between: the row is rebuilt without what it held."""
    [_, second] = changes([fact("sent"), fact("delivered")])
    rows, _ = count([second])
    assert numbers(rows.values()) == [{"delivered": 1}]


COUNTRIES = {AMERICAN: "US", GERMAN: "DE", "": ""}
FURTHEST = [
    "accepted", "scheduled", "queued", "receiving", "sending", "sent", "canceled", "failed", "undelivered",
    "partially_delivered", "received", "delivered", "read",
]  # fmt: skip
STANDS = {"sent": "sent", "delivered": "delivered", "read": "read"} | dict.fromkeys(FURTHEST[7:10], "failed")


def oracle(facts: list[Fact]) -> Counter[tuple[str, str, str, int, str]]:
    """(minute, country, sender, part, count) → messages; a code as its own count. By the heap of all facts, at once."""
    found: Counter[tuple[str, str, str, int, str]] = Counter()
    for sid in {one.message_sid for one in facts}:
        mine = [one for one in facts if one.message_sid == sid]
        known = [one.message_status for one in mine if one.message_status in FURTHEST]
        stands = STANDS.get(max(known, key=FURTHEST.index, default=""))
        if stands is None:
            continue
        minute = min(one.sent_at if isinstance(one, MessageSent) else one.received_at for one in mine)[:16]
        to, sender = max(one.to for one in mine), max(one.from_ for one in mine)
        where = (minute, COUNTRIES[to], sender, int(sid[2:]) % PARTS)
        found[*where, stands] += 1
        if stands == "failed" and (code := _code(mine)):
            found[*where, str(code)] += 1
    return found


def _code(mine: list[Fact]) -> int | None:
    told = [one for one in mine if isinstance(one, StatusReceived) and one.error_code]
    if not told:
        return None
    ranks = {
        one.message_status: FURTHEST.index(one.message_status) if one.message_status in FURTHEST else -1 for one in told
    }
    furthest = max(ranks, key=lambda status: (ranks[status], status))
    return min((one.received_at, one.error_code or 0) for one in told if one.message_status == furthest)[1]


def totals(values: Iterable[Counts | DeliverabilityCounted]) -> Counter[tuple[str, str, str, int, str]]:
    """The same of counts: the last value of each row."""
    found: Counter[tuple[str, str, str, int, str]] = Counter()
    for one in {row_key(value): value for value in values}.values():
        for name, number in (
            *((name, getattr(one, name)) for name in ("sent", "delivered", "read", "failed")),
            *one.errors.items(),
        ):
            found[one.minute[:16], one.country, one.sender, one.part, name] += number
    return +found


def _fact(sid: int, status: str, arrived: str, error: int | None, who: dict[str, str]) -> Fact:
    """Its id is of all that it says, as ingress makes it: two that say whom it is to, and not, are two facts."""
    if status == "created":
        made: Fact = replace(created(message_sid=f"SM{sid}", **who), sent_at=arrived)
    else:
        made = fact(status, sid, arrived, error=error, **who)
    return replace(made, event_id=f"{status} {sid} {error} {arrived} {sorted(who.items())}")


@st.composite
def traffic(draw: st.DrawFn) -> list[Fact]:
    """Facts of a few messages, in any order, each of them perhaps more than once."""
    # Facts of one message agree on whom it is to, but not every one of them says so.
    recipients = draw(st.lists(st.sampled_from([AMERICAN, GERMAN]), min_size=6, max_size=6))
    arrivals = [f"2026-02-21T18:2{minute}:0{second}.000Z" for minute in (0, 1, 2) for second in range(3)]
    drawn = draw(
        st.lists(
            st.tuples(
                st.integers(0, 5),
                st.sampled_from([*KNOWN, "created", "delivered", "sent", "undelivered", "teleported"]),
                st.sampled_from(arrivals),
                st.sampled_from([None, None, 30003, 30008]),
                st.booleans(),
            ),
            min_size=1,
            max_size=25,
        )
    )
    facts = [
        _fact(sid, status, arrived, error, {"to": recipients[sid] if says else "", "from_": SENDER if says else ""})
        for sid, status, arrived, error, says in drawn
    ]
    return draw(st.permutations(facts + draw(st.lists(st.sampled_from(facts), max_size=8))))


@given(traffic(), st.data())
def test_in_any_order_each_message_is_counted_once_where_it_stands(facts: list[Fact], data: st.DataObject) -> None:
    rows, told = count(changes(facts))
    assert totals(rows.values()) == totals(told) == oracle(facts)
    again = data.draw(st.permutations(facts))
    assert totals(count(changes(again))[0].values()) == oracle(facts)
    assert len({one.event_id for one in told}) == len(told)


@given(traffic(), st.data())
def test_repeats_and_replays_count_nothing(facts: list[Fact], data: st.DataObject) -> None:
    again = data.draw(st.permutations(facts))
    assert changes([*facts, *again]) == changes(facts)


@given(traffic())
def test_each_change_goes_on_from_where_the_one_before_left_a_message(facts: list[Fact]) -> None:
    stands: dict[str, Counted | None] = {}
    for change in changes(facts):
        assert change.counted_before == stands.get(change.message_sid)
        stands[change.message_sid] = change.counted_now


@given(traffic())
def test_a_rebuild_from_the_changes_gives_the_same_rows(facts: list[Fact]) -> None:
    told = changes(facts)
    read_back = [codec.decode(codec.encode(one), DeliveryChanged) for one in told]
    assert count(read_back) == count(told)


def documented() -> str:
    """The query of the page."""
    [query] = re.findall(r"```sql\n(.*?)```", DOCUMENTED.read_text("utf-8"), re.DOTALL)
    return str(query)


def asked(told: list[DeliverabilityCounted]) -> dict[str, tuple[int, int, float]]:
    """Country → messages, how many arrived, and the rate, by the documented query."""
    log = sqlite3.connect(":memory:")
    names = [field.encode_name for field in msgspec.structs.fields(DeliverabilityCounted) if field.name != "errors"]
    log.execute(f'CREATE TABLE counts ({", ".join(names)}, "offset")')
    for offset, value in enumerate(told):
        row = msgspec.to_builtins(value)
        log.execute(
            f"INSERT INTO counts VALUES ({', '.join('?' * len(names))}, ?)", [*(row[name] for name in names), offset]
        )
    answer = log.execute(documented(), {"since": "2026-02-21T00:00:00.000Z"}).fetchall()
    return {country: (messages, arrived, rate) for country, messages, arrived, rate in answer}


@given(traffic())
def test_the_documented_rate_is_the_one_of_the_messages(facts: list[Fact]) -> None:
    """By the last change of each message on twilio.delivery.v1, and by the facts themselves."""
    told = changes(facts)
    messages: Counter[str] = Counter()
    arrived: Counter[str] = Counter()
    for last in {one.message_sid: one for one in told}.values():
        if last.status in STANDS:
            messages[COUNTRIES[last.to]] += 1
            arrived[COUNTRIES[last.to]] += last.status in ("delivered", "read")
    wanted = {country: (number, arrived[country], arrived[country] / number) for country, number in messages.items()}
    assert asked(count(told)[1]) == wanted
    by_facts: Counter[str] = Counter()
    for (_, country, _, _, name), number in oracle(facts).items():
        by_facts[country] += number if name in STANDS.values() else 0
    assert by_facts == messages
