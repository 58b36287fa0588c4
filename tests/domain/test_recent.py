"""The recent fold: the latest lines of a contact, whatever the order in which they came."""

from collections.abc import Iterable

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.contract import codec
from services.domain.due import Due
from services.domain.messages.events import InboundReceived
from services.domain.messages.recent import KEPT, Line, Recent, fold
from tests.sender.histories import CONTACT, accepted, at, outcome, resolved


def wrote(second: int, sid: str = "SM5") -> InboundReceived:
    return InboundReceived(
        event_id=f"inbound {sid} {second}", tenant="acme", received_at=at(second), contact=CONTACT, account_sid="AC1",
        message_sid=sid, from_="+14155550123", to="+14155550100", body="a secret", num_media=0, raw={},
    )  # fmt: skip


def asked(second: int) -> msgspec.Struct:
    return accepted(f"order-{second}", accepted_at=at(second))


def ended(second: int) -> msgspec.Struct:
    return outcome(f"SM{second}", second)


def play(events: Iterable[msgspec.Struct], state: Recent | None = None) -> Recent | None:
    for event in events:
        state, told = fold(state, event)
        assert told == []
    return state


@pytest.mark.parametrize(
    ("event", "line"),
    [
        (wrote(1), Line(at=at(1), what="received", message_sid="SM5", ours="+14155550100")),
        (asked(2), Line(at=at(2), what="asked", command_id="order-2", ours="+14155550100")),
        (
            ended(3),
            Line(at=at(3), what="delivered", message_sid="SM3", command_id="order-18473", ours="+14155550100"),
        ),
        (
            msgspec.structs.replace(outcome(sid=""), status="failed", error_code=21610),
            Line(at=at(9), what="failed", command_id="order-18473", ours="+14155550100", error_code=21610),
        ),
    ],
)
def test_a_message_is_a_line(event: msgspec.Struct, line: Line) -> None:
    row = play([event])
    assert row is not None
    assert row.contact == CONTACT
    assert list(row.lines.values()) == [line]


def test_no_text_is_kept() -> None:
    assert b"secret" not in codec.encode(play([wrote(1)]))


@pytest.mark.parametrize("event", [resolved(), Due(key=CONTACT, at=at(1))])
def test_what_is_no_message_changes_nothing(event: msgspec.Struct) -> None:
    assert play([event]) is None
    known = play([wrote(1)])
    assert play([event], known) == known


def test_lines_stand_in_the_order_of_their_times() -> None:
    row = play([asked(7), wrote(3), ended(9), wrote(5)])
    assert row is not None
    assert [line.at for line in row.lines.values()] == [at(3), at(5), at(7), at(9)]


def test_a_row_is_bounded_and_keeps_the_latest() -> None:
    row = play(wrote(second) for second in range(3 * KEPT))
    assert row is not None
    assert [line.at for line in row.lines.values()] == [at(second) for second in range(2 * KEPT, 3 * KEPT)]
    assert play([wrote(0)], row) == row


events = st.lists(
    st.one_of(*(st.builds(kind, st.integers(0, 50)) for kind in (wrote, asked, ended))), min_size=1, max_size=2 * KEPT
)


@given(events, st.data())
def test_any_order_and_repetition_give_the_same_row(facts: list[msgspec.Struct], data: st.DataObject) -> None:
    """Also beyond the bound: the latest of all are the latest of the latest."""
    again = data.draw(st.permutations(facts + data.draw(st.lists(st.sampled_from(facts), max_size=5))))
    row = play(facts)
    assert row is not None
    assert len(row.lines) <= KEPT
    assert codec.encode(play(again)) == codec.encode(row), "also in the order of its lines"
    assert play(again, row) == row


@given(events)
def test_the_row_is_the_latest_of_all(facts: list[msgspec.Struct]) -> None:
    row = play(facts)
    assert row is not None
    times = {
        fact.event_id: getattr(fact, "received_at", "") or getattr(fact, "accepted_at", "") or getattr(fact, "at", "")  # type: ignore[attr-defined]
        for fact in facts
    }
    latest = sorted(times.items(), key=lambda item: (item[1], item[0]))[-KEPT:]
    assert [(key, line.at) for key, line in row.lines.items()] == latest


def test_a_full_row_of_the_longest_ids_fits_a_record_many_times() -> None:
    row = play(outcome(f"{second:0128}", second, "x" * 128) for second in range(2 * KEPT))
    assert row is not None
    assert len(row.lines) == KEPT
    assert len(codec.encode(row)) < 32 * 1024
