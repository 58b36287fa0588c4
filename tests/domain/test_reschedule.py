"""A command that waits goes at another time: what is taken, and what becomes of it in each state."""

from typing import Any

import msgspec
import pytest

from services.contract.commands import read_message_command
from services.domain.due import Due
from services.domain.identity import Place
from services.domain.messages.about import reschedule
from services.domain.messages.commands import RescheduleMessage
from services.domain.outbox.accepted import RescheduleAccepted
from services.domain.outbox.facts import Released
from services.domain.outbox.lists import lists
from services.domain.outbox.verdicts import Verdict
from tests.domain.test_intake import AT, RULES
from tests.sender.histories import (
    COMMAND,
    CONTACT,
    OUTBOX,
    accepted,
    at,
    attempted,
    attempting,
    created,
    judged,
    refused,
)

WISH = RescheduleMessage(
    command_id="order-18473", tenant="acme", to="+14155550123", by="ann", not_before="2026-03-01T09:00:00Z"
)


def moved(second: float, not_before: float | None, name: str = "move 1", **fields: Any) -> RescheduleAccepted:
    return RescheduleAccepted(
        event_id=name,
        tenant="acme",
        command_id=COMMAND,
        contact=CONTACT,
        accepted_at=at(second),
        not_before=None if not_before is None else at(not_before),
        by="ann",
        **fields,
    )


def history(*events: Any) -> tuple[Any, list[Any]]:
    """The row, and the steps that the last event told."""
    entry, told = None, []
    for event in events:
        entry, told = OUTBOX.fold(entry, event)
    return entry, list(told)


def names(told: list[Any]) -> list[str]:
    return [one.step for one in told]


LATER = accepted(not_before=at(600))


def test_what_waits_for_its_time_waits_for_the_new_one() -> None:
    entry, told = history(LATER, moved(10, 1200))
    assert (entry.state, entry.until, entry.command.not_before) == ("deferred", at(1200), at(1200))
    assert entry.command.not_after == at(3000), "left out, it is as it was"
    both, _ = history(LATER, moved(10, 1200, not_after=at(3500)))
    assert both.command.not_after == at(3500)
    assert names(told) == ["rescheduled"]
    assert not told[0].terminal
    assert "ann" in told[0].reason
    early, _ = OUTBOX.fold(entry, Due(key="", at=at(700)))
    assert early.state == "deferred", "its first time is none any more"
    woken, _ = OUTBOX.fold(entry, Due(key="", at=at(1200)))
    assert woken.state == "pending"


@pytest.mark.parametrize("not_before", [None, 5])
def test_it_goes_at_once_where_the_new_time_is_over(not_before: float | None) -> None:
    entry, told = history(LATER, moved(10, not_before))
    assert (entry.state, entry.until, names(told)) == ("pending", None, ["rescheduled"])
    assert any(name.startswith("lane ") for name in lists(entry))


def test_what_stands_in_its_lane_leaves_it() -> None:
    entry, _ = history(accepted(), moved(10, 1200))
    assert entry.state == "deferred"
    assert OUTBOX.fold(entry, attempting(1))[0] == entry, "nothing is tried before"


def test_the_last_word_counts_and_none_counts_twice() -> None:
    entry, _ = history(LATER, moved(10, 1200), moved(20, 900, "move 2"))
    assert entry.until == at(900)
    assert OUTBOX.fold(entry, moved(10, 1200)) == (entry, [])


def test_what_holds_it_otherwise_holds_it_all_the_same() -> None:
    held = judged(Verdict("deferred", "hold", "unread", "read it", condition="hold x"))
    entry, told = history(accepted(), held, moved(10, None))
    assert (entry.state, entry.condition, names(told)) == ("deferred", "hold x", ["rescheduled"])
    freed, _ = OUTBOX.fold(entry, Released(order_key=CONTACT, command_id=COMMAND, at=at(20), condition="hold x"))
    assert (freed.state, freed.command.not_before) == ("pending", None)


@pytest.mark.parametrize("second", [3000, 3200])
def test_what_ends_before_the_new_time_keeps_its_own(second: float) -> None:
    before, _ = history(LATER)
    after, told = history(LATER, moved(10, second))
    assert (after.state, after.until, after.command, names(told)) == (
        "deferred", at(600), before.command, ["reschedule_refused"],
    )  # fmt: skip
    assert at(3000) in told[0].reason


@pytest.mark.parametrize("not_before", [None, 5, 60, 600])
def test_a_retry_keeps_its_time_whatever_is_said_in_between(not_before: float | None) -> None:
    """Twilio asked for less: nobody calls before that."""
    slow = attempted(1, refused(20429, at(120)))
    waits, _ = history(accepted(), attempting(1), slow)
    assert (waits.state, waits.until) == ("deferred", at(120))
    entry, told = history(accepted(), attempting(1), slow, moved(10, not_before))
    assert (entry.state, entry.until, names(told)) == ("deferred", at(120), ["rescheduled"])
    again, _ = OUTBOX.fold(entry, moved(20, None, "move 2"))
    assert again is not None
    assert again.until == at(120)
    woken, _ = OUTBOX.fold(entry, Due(key="", at=at(120)))
    assert woken is not None
    assert woken.command is not None
    assert (woken.state, woken.command.not_before) == ("pending", None if not_before is None else at(not_before))


def test_however_often_it_is_moved_a_record_that_comes_again_moves_nothing() -> None:
    wishes = [moved(10 + number, 1000 + number, f"move {number}") for number in range(20)]
    entry, told = history(LATER, *wishes)
    assert (entry.until, names(told)) == (at(1015), ["reschedule_refused"])
    for wish in wishes:
        again, _ = OUTBOX.fold(entry, wish)
        assert again == entry


@pytest.mark.parametrize("events", [(attempting(1),), (attempting(1), attempted(1, created()))])
def test_too_late_it_changes_nothing_but_an_answer(events: tuple[Any, ...]) -> None:
    before, _ = history(accepted(), *events)
    after, told = OUTBOX.fold(before, moved(30, 1200))
    assert after is not None
    assert (after.state, after.command, names(list(told))) == (before.state, before.command, ["reschedule_refused"])


def test_of_a_command_that_has_not_come_nothing_is_remembered() -> None:
    entry, told = history(moved(10, 1200))
    assert (entry, names(told)) == (None, ["reschedule_refused"])
    entry, _ = history(moved(10, 1200), LATER)
    assert entry.until == at(600)


def test_the_same_command_again_is_the_same_command() -> None:
    entry, _ = history(LATER, moved(10, 1200))
    again, told = OUTBOX.fold(entry, msgspec.structs.replace(LATER, event_id="again"))
    assert names(list(told)) == ["repeated"]
    assert again is not None
    assert again.until == at(1200)


def test_a_reschedule_is_taken_with_times_of_its_own() -> None:
    found = reschedule(WISH, RULES, AT, Place(0, 8), AT)
    assert isinstance(found, RescheduleAccepted)
    assert (found.not_before, found.not_after) == ("2026-03-01T09:00:00.000Z", None)
    until = msgspec.structs.replace(WISH, not_after="2026-03-01T10:00:00Z")
    both = reschedule(until, RULES, AT, Place(0, 8), AT)
    assert isinstance(both, RescheduleAccepted)
    assert both.not_after == "2026-03-01T10:00:00.000Z"
    past = reschedule(msgspec.structs.replace(WISH, not_before="2026-01-01T09:00:00Z"), RULES, AT, Place(0, 8), AT)
    assert isinstance(past, RescheduleAccepted)
    assert past.not_before is None


@pytest.mark.parametrize(
    ("changed", "field"),
    [
        ({"not_before": "soon"}, "not_before"),
        ({"not_before": "2026-03-29T18:22:12Z"}, "not_before"),
        ({"not_after": "2026-03-01T08:00:00Z"}, "not_after"),
        ({"by": " "}, "by"),
        ({"to": None}, "to, contact"),
        ({"to": None, "contact": "globex|" + "0" * 32}, "contact"),
    ],
)
def test_what_is_wrong_is_told(changed: dict[str, Any], field: str) -> None:
    found = reschedule(msgspec.structs.replace(WISH, **changed), RULES, AT, Place(0, 8), AT)
    assert isinstance(found, list)
    assert found[0].split(":")[0] == field


def test_it_is_read_by_its_event_type() -> None:
    said = {"event_type": "reschedule_message", "command_id": "a", "tenant": "acme", "to": "+14155550123", "by": "ann"}
    assert isinstance(read_message_command(said | {"not_before": "2026-03-01T09:00:00Z"}), RescheduleMessage)
    assert read_message_command(said) == ["not_before: missing"]
