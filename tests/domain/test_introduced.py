"""Whose first message it is, and what a first one says."""

from itertools import permutations

import pytest

from services.domain.due import Due
from services.domain.messages.commands import Options
from services.domain.messages.events import MessageSent
from services.domain.messages.introduced import (
    MOST_SENDERS,
    Introduced,
    due,
    fits_beside,
    fold,
    is_first,
    says_how_to_stop,
    with_text,
)
from tests.sender.histories import accepted

TEXT = "Reply STOP to opt out."
CONTACT = "acme|someone"


def sent(sender: str, at: str, service: str | None = None) -> MessageSent:
    return MessageSent(
        event_id=f"{sender} {at}",
        tenant="acme",
        sent_at=at,
        contact=CONTACT,
        command_id="c",
        account_sid="AC",
        message_sid="SM",
        message_status="queued",
        from_=sender,
        to="+14155550123",
        messaging_service_sid=service,
    )


def play(*events: MessageSent | Due) -> Introduced | None:
    row = None
    for event in events:
        row, told = fold(row, event)
        assert told == ()
    return row


def test_what_a_sender_wrote_first_is_remembered_in_whichever_order_it_comes() -> None:
    events = [
        sent("+14155550100", "2026-11-01T00:00:00.000Z"),
        sent("+14155550100", "2026-11-02T00:00:00.000Z"),
        sent("+14155550101", "2026-11-03T00:00:00.000Z", "MG1"),
    ]
    rows = [play(*order) for order in permutations([*events, events[0]])]
    assert all(row == rows[0] for row in rows)
    row = rows[0]
    assert row is not None
    assert row.by == {"+14155550100": "2026-11-01T00:00:00.000Z", "MG1": "2026-11-03T00:00:00.000Z"}
    # The number of the service was the service's choice.
    assert [is_first(row, one) for one in ("+14155550100", "MG1", "+14155550101")] == [False, False, True]
    assert is_first(None, "MG1")


def test_a_year_later_it_is_forgotten() -> None:
    row = play(sent("A", "2026-01-01T00:00:00.000Z"), sent("B", "2026-06-01T00:00:00.000Z"))
    assert row is not None
    assert due(row) == "2027-02-05T00:00:00.000Z"
    later, _ = fold(row, Due(key=CONTACT, at=due(row)))
    assert later is not None
    assert list(later.by) == ["B"]
    assert fold(later, Due(key=CONTACT, at=due(later))) == (None, ())
    assert fold(None, Due(key=CONTACT, at=due(row))) == (None, ())


def test_a_row_has_an_end() -> None:
    row = play(*(sent(f"MG{place:03}", f"2026-01-01T00:00:{place % 60:02}.000Z") for place in range(2 * MOST_SENDERS)))
    assert row is not None
    assert len(row.by) == MOST_SENDERS


@pytest.mark.parametrize(
    ("body", "says"),
    [
        ("Reply STOP to end", True),
        ("text stop any time", True),
        ("To unsubscribe, write to us", True),
        ("opt-out: 12345", True),
        ("Nonstop flights", False),
        ("Your order is on its way", False),
    ],
)
def test_a_text_says_how_to_stop_or_does_not(body: str, says: bool) -> None:
    assert says_how_to_stop(body) == says


def test_what_is_put_to_a_text_is_counted_with_it() -> None:
    command = accepted(body="x" * 150, segments=1, encoding="GSM-7")
    longer = with_text(command, TEXT)
    assert longer.body == f"{'x' * 150}\n{TEXT}"
    assert (longer.segments, longer.encoding) == (2, "GSM-7")
    assert with_text(command, None) == command
    assert with_text(accepted(body=None), TEXT).body is None
    smart = with_text(accepted(body="“x”", segments=1, options=Options(smart_encoded=True)), TEXT)
    assert smart.encoding == "GSM-7"
    assert fits_beside("x" * 1577, TEXT)
    assert not fits_beside("x" * 1578, TEXT)
