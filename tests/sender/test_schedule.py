"""Which command is next: in order within a contact, one at a time, and no contact waits for another."""

from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.domain.messages.commands import CommandAccepted
from services.domain.messages.outbox import Created, Entry, Refused, Unknown, row_key
from services.sender.attempt import backoff_s
from services.sender.schedule import Schedule
from tests.sender.histories import accepted as accept
from tests.sender.histories import at, attempted, attempting, created, history, outcome, refused

LOST = Unknown(reason="no answer")
NOW = at(100)


def accepted(command_id: str, sequence: int = 0, **other: Any) -> CommandAccepted:
    return accept(command_id, contact=other.pop("contact", "acme|a"), sequence=sequence, **other)


def pending(command: CommandAccepted) -> Entry:
    entry, _ = history([command])
    assert entry is not None
    return entry


def after(entry: Entry, end: Created | Refused | Unknown) -> Entry:
    """The row after its next attempt ended so."""
    number = entry.attempt + 1
    events = [attempting(number, command_id=entry.command_id), attempted(number, end, command_id=entry.command_id)]
    found, _ = history([msgspec.structs.replace(event, contact=entry.contact) for event in events], entry)
    assert found is not None
    return found


def drained(schedule: Schedule, entries: dict[str, Entry], contact: str = "acme|a") -> list[str]:
    """The command ids in the order in which they go, each sent at its first attempt."""
    order = []
    while row := begun(schedule, contact):
        entry = entries[row]
        order.append(entry.command_id)
        schedule.note(after(entry, created()), NOW)
        schedule.done(contact)
    return order


def begun(schedule: Schedule, contact: str = "acme|a", now: str = NOW) -> str | None:
    """The row of the command that begins now; None where none may."""
    found = schedule.first(contact, now)
    if found is None or (found.not_before or "") > now:
        return None
    schedule.begin(contact, found.waiting.row)
    return found.waiting.row


def noted(*commands: CommandAccepted) -> tuple[Schedule, dict[str, Entry]]:
    schedule = Schedule()
    entries = {row_key(entry): entry for entry in map(pending, commands)}
    for entry in entries.values():
        schedule.note(entry, NOW)
    return schedule, entries


def test_commands_of_a_contact_go_as_accepted_whatever_the_order_of_their_rows() -> None:
    schedule, entries = noted(
        accepted("c", sequence=1, accepted_at=at(2)),
        accepted("a", sequence=7, accepted_at=at(1)),
        accepted("b", sequence=10, accepted_at=at(1)),
    )
    assert drained(schedule, entries) == ["a", "b", "c"]
    assert len(schedule) == 0
    assert schedule.contacts() == []


def test_urgent_ones_go_first_and_keep_their_order() -> None:
    schedule, entries = noted(
        accepted("a", 1), accepted("u2", 4, urgent=True), accepted("b", 2), accepted("u1", 3, urgent=True)
    )
    assert drained(schedule, entries) == ["u1", "u2", "a", "b"]


def test_one_is_under_way_for_each_contact() -> None:
    schedule, _ = noted(accepted("a", 1), accepted("b", 2), accepted("c", 3, contact="acme|z"))
    assert begun(schedule) == "acme|a a"
    assert begun(schedule) is None
    assert begun(schedule, "acme|z") == "acme|z c"


@pytest.mark.parametrize(
    ("end", "then"),
    [
        (created(), "acme|a b"),
        (refused(21211), "acme|a b"),
        (refused(20429, retry_at=at(99)), "acme|a a"),
        (refused(20429, retry_at=at(101)), None),
    ],
)
def test_only_a_retry_keeps_its_place(end: Created | Refused | Unknown, then: str | None) -> None:
    schedule, entries = noted(accepted("a", 1), accepted("b", 2))
    first = entries[str(begun(schedule))]
    schedule.note(after(first, end), NOW)
    schedule.done("acme|a")
    assert begun(schedule) == then


def test_an_urgent_one_overtakes_a_retry_and_the_retry_comes_before_the_rest() -> None:
    schedule, entries = noted(accepted("a", 1), accepted("b", 2))
    first = entries[str(begun(schedule))]
    entries[row_key(first)] = waiting = after(first, refused(20429, retry_at=at(9)))
    schedule.note(waiting, NOW)
    urgent = pending(accepted("u", 3, urgent=True))
    entries[row_key(urgent)] = urgent
    schedule.note(urgent, NOW)
    assert begun(schedule) is None
    schedule.done("acme|a")
    assert drained(schedule, entries) == ["u", "a", "b"]


def test_a_command_settled_while_it_waits_does_not_go() -> None:
    schedule, entries = noted(accepted("a", 1), accepted("b", 2))
    schedule.note(after(entries["acme|a a"], created()), NOW)
    assert begun(schedule) == "acme|a b"


def ambiguous(schedule: Schedule, entries: dict[str, Entry], row: str) -> Entry:
    """That command was called for, at second 2, and nobody knows how it ended."""
    entries[row] = entry = after(entries[row], LOST)
    schedule.note(entry, NOW)
    schedule.done(entry.contact)
    return entry


def test_an_ambiguous_command_holds_up_its_contact_for_a_while_and_no_other() -> None:
    schedule, entries = noted(accepted("a", 1), accepted("b", 2), accepted("z", 3, contact="acme|z"))
    first = str(begun(schedule, now=at(2)))
    ambiguous(schedule, entries, first)
    assert len(schedule) == 2, "what is ambiguous is not open"
    assert begun(schedule, "acme|z", at(2)) == "acme|z z"
    found = schedule.first("acme|a", at(3))
    assert found is not None
    assert (found.waiting.row, found.not_before) == ("acme|a b", at(62))
    assert begun(schedule, now=at(61)) is None
    assert begun(schedule, now=at(62)) == "acme|a b"


def test_once_it_is_settled_an_ambiguous_command_holds_up_nobody() -> None:
    schedule, entries = noted(accepted("a", 1), accepted("b", 2))
    entry = ambiguous(schedule, entries, str(begun(schedule, now=at(2))))
    settled, _ = history([outcome(second=5, command_id="a")], entry)
    assert settled is not None
    assert settled.state == "settled"
    schedule.note(settled, at(5))
    assert begun(schedule, now=at(5)) == "acme|a b"


def test_what_comes_before_an_ambiguous_command_does_not_wait_for_it() -> None:
    schedule, entries = noted(accepted("a", 1), accepted("b", 2))
    ambiguous(schedule, entries, str(begun(schedule, now=at(2))))
    code = pending(accepted("u", 3, urgent=True))
    schedule.note(code, at(3))
    assert begun(schedule, now=at(3)) == "acme|a u"


def test_an_interrupted_attempt_holds_up_its_contact_until_its_end_is_told() -> None:
    schedule, _ = noted(accepted("b", 2))
    interrupted, _ = history([accepted("a", 1)])
    assert interrupted is not None
    schedule.hold(interrupted, at(50))
    assert begun(schedule, now=at(109)) is None
    schedule.note(msgspec.structs.replace(interrupted, state="settled", command=None), at(60))
    assert begun(schedule, now=at(60)) == "acme|a b"


@given(st.lists(st.tuples(st.sampled_from("xyz"), st.booleans(), st.integers(0, 3)), max_size=12), st.randoms())
def test_every_command_goes_once_in_order(commands: list[tuple[str, bool, int]], chance: Any) -> None:
    made = [
        accepted(str(number), number, contact=contact, urgent=urgent, accepted_at=at(second))
        for number, (contact, urgent, second) in enumerate(commands)
    ]
    shuffled = list(made)
    chance.shuffle(shuffled)
    schedule, entries = noted(*shuffled)
    assert len(schedule) == len(made)
    for contact in "xyz":
        expected = sorted(
            (one for one in made if one.contact == contact),
            key=lambda one: (not one.urgent, one.accepted_at, one.sequence),
        )
        assert drained(schedule, entries, contact) == [one.command_id for one in expected]
    assert len(schedule) == 0


@pytest.mark.parametrize(("attempt", "least", "most"), [(1, 0.5, 1.0), (2, 1.0, 2.0), (6, 16.0, 32.0), (7, 30.0, 60.0)])
def test_backing_off_doubles_up_to_a_minute(attempt: int, least: float, most: float) -> None:
    waits = [backoff_s(attempt, None) for _ in range(200)]
    assert least <= min(waits)
    assert max(waits) <= most
    assert len(set(waits)) > 1, "without jitter all come back at once"


@given(st.integers(min_value=1, max_value=10**6), st.floats(min_value=0, max_value=3600))
def test_backing_off_is_never_less_than_twilio_asked_for(attempt: int, retry_after: float) -> None:
    assert retry_after < backoff_s(attempt, retry_after) <= retry_after + 60


def test_a_command_whose_row_is_gone_holds_up_nothing() -> None:
    schedule, _ = noted(accepted("a", 1), accepted("b", 2))
    schedule.hold(after(pending(accepted("a", 1)), LOST), NOW)
    schedule.forget("acme|a", "acme|a a")
    assert begun(schedule) == "acme|a b"
    schedule.done("acme|a")
    schedule.forget("acme|a", "acme|a b")
    assert begun(schedule) is None
    assert (len(schedule), schedule.contacts()) == (0, [])
