"""The deliverability fold: changes of messages in, counts of a minute out; each message once per status."""

from collections import Counter
from collections.abc import Iterable
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from services.contract import codec
from services.domain.due import Due
from services.domain.messages import delivery
from services.domain.messages.deliverability import (
    COUNTED,
    Counting,
    Counts,
    DeliverabilityCounted,
    dimension,
    due,
    row_key,
)
from services.domain.messages.events import DeliveryChanged, MessageSent, StatusReceived
from tests.domain import delivery_oracle
from tests.domain.histories import KNOWN, callback, created

SENDER, AMERICAN, GERMAN = "+14155550100", "+14155550123", "+491711234567"
PARTS = 4
COUNTING = Counting(lambda sid: int(sid[2:]) % PARTS)

Rows = dict[str, Counts]


def changed(status: str = "delivered", previous: str | None = "sent", **other: Any) -> DeliveryChanged:
    fields: dict[str, Any] = {
        "event_id": f"{previous}>{status}",
        "tenant": "acme",
        "at": "2026-02-21T18:22:41.000Z",
        "message_sid": "SM1",
        "status": status,
        "previous_status": previous,
        "final": status in delivery.FINAL,
        "error_code": None,
        "error_category": None,
        "remedy": None,
        "contact": None,
        "command_id": None,
        "from_": SENDER,
        "to": AMERICAN,
        "segments": None,
    }
    return DeliveryChanged(**fields | other)


def count(events: Iterable[DeliveryChanged], rows: Rows | None = None) -> tuple[Rows, list[DeliverabilityCounted]]:
    """The rows after these changes, and all that was told."""
    rows, told = dict(rows or {}), []
    for event in events:
        key = COUNTING.key(event)
        row, derived = COUNTING(rows.get(key), event)
        assert COUNTING(rows.get(key), event) == (row, derived)
        if row is not None:
            rows[key] = row
        told += derived
    return rows, told


def folded(facts: Iterable[StatusReceived | MessageSent]) -> list[DeliveryChanged]:
    """What the delivery fold makes of the facts of several messages."""
    states: dict[str, delivery.Delivery] = {}
    changes = []
    for fact in facts:
        states[fact.message_sid], derived = delivery.fold(states.get(fact.message_sid), fact)
        changes += [one for one in derived if isinstance(one, DeliveryChanged)]
    return changes


@pytest.mark.parametrize(
    ("event", "counted"),
    [
        (changed("sent", "queued"), {"sent": 1}),
        (changed("sent", None), {"sent": 1}),
        (changed("delivered", "undelivered"), {"delivered": 1}),
        (changed("read", "delivered"), {"read": 1}),
        # Steps that say nothing of a carrier, and an error that is told later.
        (changed("queued", None), None),
        (changed("sending", "queued"), None),
        (changed("teleported", None), None),
        (changed("failed", "failed", error_code=30008), None),
    ],
)
def test_what_is_sent_and_how_it_ends_is_counted(event: DeliveryChanged, counted: dict[str, int] | None) -> None:
    rows, told = count([event])
    assert [row.reached for row in rows.values()] == [one.reached for one in told] == ([counted] if counted else [])


def test_a_count_says_what_it_is_of() -> None:
    [row] = count([changed("failed", error_code=30008, to=GERMAN, message_sid="SM7")])[0].values()
    assert row == Counts(
        tenant="acme", minute="2026-02-21T18:22:00.000Z", country="DE", carrier="T-Mobile", sender=SENDER, error=30008,
        part=3, reached={"failed": 1},
    )  # fmt: skip


def test_each_value_states_the_whole_count_of_its_row() -> None:
    rows, told = count([changed("delivered"), changed("delivered", at="2026-02-21T18:22:59.999Z"), changed("read")])
    assert [one.reached for one in told] == [{"delivered": 1}, {"delivered": 2}, {"delivered": 2, "read": 1}]
    [row] = rows.values()
    assert row.reached == told[-1].reached
    assert {row_key(one) for one in told} == {row_key(row)} == set(rows)


@pytest.mark.parametrize(
    "other",
    [
        changed(at="2026-02-21T18:23:00.000Z"),
        changed(tenant="other"),
        changed(to=GERMAN),
        changed(to=""),
        changed(from_="whatsapp:+14155550100"),
        changed("undelivered", error_code=30003),
        changed("undelivered", error_code=30005),
        changed(message_sid="SM2"),
    ],
)
def test_what_differs_is_counted_apart(other: DeliveryChanged) -> None:
    rows, _ = count([changed(), other])
    assert len(rows) == 2
    assert {sum(row.reached.values()) for row in rows.values()} == {1}


def test_what_a_message_is_sent_with_has_no_error_yet() -> None:
    assert COUNTING.key(changed("sent", error_code=30008)) == COUNTING.key(changed("sent"))


@pytest.mark.parametrize(
    ("to", "country", "carrier"),
    [
        (AMERICAN, "US", ""),
        (f"whatsapp:{GERMAN}", "DE", "T-Mobile"),
        ("+33612345678", "FR", "SFR"),
        ("", "", ""),
        ("72345", "", ""),
        ("whatsapp:US.13491208655302741918", "", ""),
        ("+999123456789", "", ""),
    ],
)
def test_country_and_carrier_are_read_off_the_number(to: str, country: str, carrier: str) -> None:
    [row] = count([changed(to=to)])[0].values()
    assert (row.country, row.carrier) == (country, carrier)


def test_a_dimension_is_all_but_minute_and_part() -> None:
    one, other = changed(), changed(at="2026-02-21T19:00:00.000Z", message_sid="SM2")
    first, second = count([one, other])[1]
    assert dimension(first) == dimension(second) == f"acme|US||{SENDER}|"
    assert row_key(first) == f"{dimension(first)}|2026-02-21T18:22:00.000Z|1"
    assert row_key(second) == f"{dimension(second)}|2026-02-21T19:00:00.000Z|2"


SENDERS = st.text(st.sampled_from("+1|Acme :"), max_size=6)


@given(SENDERS, SENDERS, st.none() | st.integers(1, 12), st.none() | st.integers(1, 12), st.integers(0, 3))
def test_no_two_rows_share_a_key(one: str, other: str, error: int | None, another: int | None, sid: int) -> None:
    """Whatever a sender is called."""
    events = [changed("failed", from_=one, error_code=error),
              changed("failed", from_=other, error_code=another, message_sid=f"SM{sid}")]  # fmt: skip
    alike = (one, error, 1) == (other, another, sid)
    assert (COUNTING.key(events[0]) == COUNTING.key(events[1])) == alike


def test_a_very_long_sender_makes_no_long_key() -> None:
    assert len(COUNTING.key(changed(from_="x" * 100_000))) < 200


def test_a_row_is_forgotten_when_the_facts_are_gone() -> None:
    [row] = count([changed()])[0].values()
    assert due(row) == "2026-03-24T18:22:00.000Z"
    assert COUNTING(row, Due(key=row_key(row), at=due(row))) == (None, [])
    assert COUNTING(None, Due(key="none", at=due(row))) == (None, [])


COUNTED_HERE = {"sent", "canceled", "failed", "undelivered", "partially_delivered", "received", "delivered", "read"}
COUNTRIES = {AMERICAN: "US", GERMAN: "DE", "": ""}


def oracle(facts: list[StatusReceived | MessageSent]) -> Counter[tuple[str, str, str, int | None, int, str]]:
    """(minute, country, sender, error, part, status) → messages: each message by itself, after each of its facts."""
    totals: Counter[tuple[str, str, str, int | None, int, str]] = Counter()
    for sid in {fact.message_sid for fact in facts}:
        mine = [fact for fact in facts if fact.message_sid == sid]
        before = None
        for length in range(1, len(mine) + 1):
            answer = delivery_oracle.told(mine[:length])
            status = answer["status"]
            if status != before and status in COUNTED_HERE:
                minute = answer["steps"][status][0][: len("2026-02-21T18:22")]
                failed = answer["status"] in ("failed", "undelivered", "partially_delivered")
                error = answer["error_code"] if failed else None
                where = (minute, COUNTRIES[answer["to"]], answer["from"], error, int(sid[2:]) % PARTS, status)
                totals[where] += 1
            before = status
    return totals


def totals(values: Iterable[Counts | DeliverabilityCounted]) -> Counter[tuple[str, str, str, int | None, int, str]]:
    """The same of counts: the last value of each row."""
    last = {row_key(value): value for value in values}
    return Counter(
        {
            (value.minute[:16], value.country, value.sender, value.error, value.part, status): number
            for value in last.values()
            for status, number in value.reached.items()
        }
    )


def _fact(sid: int, status: str, arrived: str, error: int | None, who: dict[str, str]) -> StatusReceived | MessageSent:
    """Its id is of what it says, as ingress makes it; here too of which message it says that."""
    who = {"message_sid": f"SM{sid}", **who}
    if status == "created":
        return replace(created(**who), event_id=f"created {sid}", sent_at=arrived)
    return replace(callback(status, 0, error, **who), event_id=f"{sid} {status} {error}", received_at=arrived)


@st.composite
def traffic(draw: st.DrawFn) -> list[StatusReceived | MessageSent]:
    """Facts of a few messages, in any order, each of them perhaps more than once."""
    # Facts of one message agree on whom it is to, but not every one of them says so.
    recipients = draw(st.lists(st.sampled_from([AMERICAN, GERMAN]), min_size=6, max_size=6))
    drawn = draw(
        st.lists(
            st.tuples(
                st.integers(0, 5),
                st.sampled_from([*KNOWN, "created", "delivered", "sent", "teleported"]),
                st.sampled_from(
                    [f"2026-02-21T18:2{minute}:0{second}.000Z" for minute in (0, 1) for second in range(4)]
                ),
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


def test_the_counted_statuses_are_these() -> None:
    assert COUNTED == COUNTED_HERE


@given(traffic())
def test_the_last_values_of_all_parts_add_up_to_what_was_reached(facts: list[StatusReceived | MessageSent]) -> None:
    rows, told = count(folded(facts))
    assert totals(rows.values()) == totals(told) == oracle(facts)
    assert len({one.event_id for one in told}) == len(told)


@given(traffic(), st.data())
def test_repeats_and_replays_count_nothing(facts: list[StatusReceived | MessageSent], data: st.DataObject) -> None:
    again = data.draw(st.permutations(facts))
    assert folded([*facts, *again]) == folded(facts)
    once = [fact for number, fact in enumerate(facts) if fact not in facts[:number]]
    assert codec.encode(count(folded(facts))[1]) == codec.encode(count(folded(once))[1])


@given(traffic(), st.data())
def test_in_any_order_each_message_is_counted_once_where_it_ended(
    facts: list[StatusReceived | MessageSent], data: st.DataObject
) -> None:
    """The steps between depend on what overtook what: a `sent` after the `delivered` is no change."""
    ends = Counter(
        delivery_oracle.told([fact for fact in facts if fact.message_sid == sid])["status"]
        for sid in {fact.message_sid for fact in facts}
    )
    rows, _ = count(folded(data.draw(st.permutations(facts))))
    reached: Counter[str] = Counter()
    for row in rows.values():
        reached.update(row.reached)
    # Nobody goes beyond `read`, so of that it is all; of the others some went on.
    assert reached["read"] == ends["read"]
    assert all(reached[status] >= ends[status] for status in COUNTED)
    messages = len({fact.message_sid for fact in facts})
    assert all(reached[status] <= messages for status in COUNTED)
