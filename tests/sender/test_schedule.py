"""Which command is next: in order within a contact, one at a time, and no contact waits for another."""

from collections.abc import Iterable
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.domain.messages.commands import CommandAccepted
from services.domain.messages.effects import MessageCreated
from services.domain.messages.events import OutcomeReached
from services.domain.outbox.entry import Entry, row_key
from services.domain.outbox.facts import Refused, Unknown
from services.sender.attempt import backoff_s
from services.sender.schedule import Next, next_of
from tests.sender.histories import accepted as accept
from tests.sender.histories import at, attempted, attempting, created, history, outcome, refused
from tests.sender.world import Rows

LOST = Unknown(reason="no answer")


def accepted(command_id: str, sequence: int = 0, **other: Any) -> CommandAccepted:
    return accept(command_id, contact=other.pop("contact", "acme|a"), sequence=sequence, **other)


def waiting(*commands: CommandAccepted) -> Rows:
    return Rows(*map(pending, commands))


def pending(command: CommandAccepted) -> Entry:
    entry, _ = history([command])
    assert entry is not None
    return entry


def begun(rows: Rows, name: str) -> Entry:
    """That command is being sent."""
    entry = rows.entries[f"acme|a {name}"]
    return put(rows, entry, [attempting(entry.attempt + 1, command_id=name)])


def after(rows: Rows, name: str, end: MessageCreated | Refused | Unknown) -> Entry:
    """That command was called for, at second 2, and this is how it ended."""
    entry = begun(rows, name)
    return put(rows, entry, [attempted(entry.attempt, end, command_id=name)])


def _of(entry: Entry, event: Any) -> Any:
    """The same, of this entry's contact."""
    named = "contact" if isinstance(event, OutcomeReached) else "order_key"
    return msgspec.structs.replace(event, **{named: entry.order_key})


def put(rows: Rows, entry: Entry, events: Iterable[Any]) -> Entry:
    found, _ = history([_of(entry, event) for event in events], entry)
    assert found is not None
    rows.change([found])
    return found


def first(rows: Rows, contact: str = "acme|a") -> Next | None:
    return next_of(rows.partition, contact, holds_up_s=lambda _kind: 60.0)


def name_of(rows: Rows, contact: str = "acme|a") -> str | None:
    found = first(rows, contact)
    if found is None:
        return None
    assert found.row == row_key(found.entry)
    assert found.entry == rows.entries[found.row]
    return found.entry.command_id


def drained(rows: Rows, contact: str = "acme|a") -> list[str]:
    """The command ids in the order in which they go, each sent at its first attempt."""
    order = []
    while found := first(rows, contact):
        order.append(found.entry.command_id)
        number = found.entry.attempt + 1
        events = [attempting(number, command_id=order[-1]), attempted(number, created(), command_id=order[-1])]
        put(rows, found.entry, events)
    return order


def test_commands_of_a_contact_go_as_accepted_whatever_the_order_of_their_rows() -> None:
    rows = waiting(
        accepted("c", sequence=1, accepted_at=at(2)),
        accepted("a", sequence=7, accepted_at=at(1)),
        accepted("b", sequence=10, accepted_at=at(1)),
    )
    assert drained(rows) == ["a", "b", "c"]


def test_urgent_ones_go_first_and_keep_their_order() -> None:
    rows = waiting(accepted("a", 1), accepted("u2", 4, urgent=True), accepted("b", 2), accepted("u1", 3, urgent=True))
    assert drained(rows) == ["u1", "u2", "a", "b"]


def test_while_one_is_sent_none_after_it_is_next_and_no_other_contact_waits() -> None:
    rows = waiting(
        accepted("a", 1), accepted("b", 2), accepted("c", 3, contact="acme|z"), accepted("d", 3, contact="acme|aa")
    )
    begun(rows, "a")
    assert first(rows) is None
    assert name_of(rows, "acme|z") == "c"
    assert name_of(rows, "acme|aa") == "d"
    assert first(rows, "acme|") is None


@pytest.mark.parametrize(
    ("end", "then", "not_before"),
    [
        (created(), "b", None),
        (refused(21211), "b", None),
        (refused(20429, retry_at=at(99)), "b", None),
        # Nobody was called.
        (refused(None, retry_at=at(2)), "a", None),
    ],
)
def test_only_what_nobody_was_called_for_keeps_its_place(
    end: MessageCreated | Refused | Unknown, then: str, not_before: str | None
) -> None:
    rows = waiting(accepted("a", 1), accepted("b", 2))
    after(rows, "a", end)
    found = first(rows)
    assert found is not None
    assert (found.entry.command_id, found.not_before) == (then, not_before)


def test_an_urgent_one_overtakes_what_keeps_its_place_and_that_comes_before_the_rest() -> None:
    rows = waiting(accepted("a", 1), accepted("b", 2))
    after(rows, "a", refused(None, retry_at=at(2)))
    rows.change([pending(accepted("u", 3, urgent=True))])
    assert drained(rows) == ["u", "a", "b"]


def test_an_ambiguous_command_holds_up_its_contact_for_a_while_and_no_other() -> None:
    rows = waiting(accepted("a", 1), accepted("b", 2), accepted("z", 3, contact="acme|z"))
    entry = after(rows, "a", LOST)
    assert entry.ambiguous_at == at(2)
    found, other = first(rows), first(rows, "acme|z")
    assert found is not None
    assert other is not None
    assert (found.entry.command_id, found.not_before) == ("b", at(62))
    assert (other.entry.command_id, other.not_before) == ("z", None)


def test_of_several_waits_the_longest_counts() -> None:
    rows = waiting(*(accepted(name, number) for number, name in enumerate("abcdefgh")))
    for name in "acdefg":
        after(rows, name, LOST)
    after(rows, "b", refused(None, retry_at=at(2)))
    found = first(rows)
    assert found is not None
    assert (found.entry.command_id, found.not_before) == ("b", at(62))
    after(rows, "b", created())
    found = first(rows)
    assert found is not None
    assert (found.entry.command_id, found.not_before) == ("h", at(62))


def test_once_it_is_settled_an_ambiguous_command_holds_up_nobody() -> None:
    rows = waiting(accepted("a", 1), accepted("b", 2))
    put(rows, after(rows, "a", LOST), [outcome(second=5, command_id="a")])
    found = first(rows)
    assert found is not None
    assert (found.entry.command_id, found.not_before) == ("b", None)


def test_what_comes_before_an_ambiguous_command_does_not_wait_for_it() -> None:
    rows = waiting(accepted("a", 1), accepted("b", 2))
    after(rows, "a", LOST)
    rows.change([pending(accepted("u", 3, urgent=True))])
    found = first(rows)
    assert found is not None
    assert (found.entry.command_id, found.not_before) == ("u", None)


def test_a_command_whose_row_is_gone_holds_up_nothing() -> None:
    rows = waiting(accepted("a", 1), accepted("b", 2))
    del rows.entries["acme|a a"]
    assert name_of(rows) == "b", "its place in the list may stay for a while"


@given(st.lists(st.tuples(st.sampled_from("xyz"), st.booleans(), st.integers(0, 3)), max_size=12), st.randoms())
def test_every_command_goes_once_in_order(commands: list[tuple[str, bool, int]], chance: Any) -> None:
    made = [
        accepted(str(number), number, contact=contact, urgent=urgent, accepted_at=at(second))
        for number, (contact, urgent, second) in enumerate(commands)
    ]
    shuffled = list(made)
    chance.shuffle(shuffled)
    rows = waiting(*shuffled)
    for contact in "xyz":
        expected = sorted(
            (one for one in made if one.order_key == contact),
            key=lambda one: (not one.urgent, one.accepted_at, one.sequence),
        )
        assert drained(rows, contact) == [one.command_id for one in expected]


@pytest.mark.parametrize(("attempt", "least", "most"), [(1, 0.5, 1.0), (2, 1.0, 2.0), (6, 16.0, 32.0), (7, 30.0, 60.0)])
def test_backing_off_doubles_up_to_a_minute(attempt: int, least: float, most: float) -> None:
    waits = [backoff_s(attempt, None) for _ in range(200)]
    assert least <= min(waits)
    assert max(waits) <= most
    assert len(set(waits)) > 1, "without jitter all come back at once"


@given(st.integers(min_value=1, max_value=10**6), st.floats(min_value=0, max_value=3600))
def test_backing_off_is_never_less_than_twilio_asked_for(attempt: int, retry_after: float) -> None:
    assert retry_after < backoff_s(attempt, retry_after) <= retry_after + 60
