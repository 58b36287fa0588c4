"""Two tenants that give equal ids never touch one another's results and rows, whatever a third one calls itself."""

import json
from collections.abc import Iterable, Mapping
from typing import Any, NamedTuple

from hypothesis import given
from hypothesis import strategies as st

from services.contract.reading import NotACommand
from services.contract.topics import topic_of
from services.domain.messages import timeline
from services.domain.messages.commands import CommandAccepted
from services.domain.messages.effects import MessageCreated
from services.domain.messages.intake import Rules
from services.domain.messages.timeline import Timeline
from services.domain.outbox.entry import Entry, row_key
from services.domain.outbox.facts import Attempted, Attempting, Refused, Unknown
from services.domain.results import CommandResult
from services.runtime.folding.fold import Record
from services.sender.intake import Intake
from tests.sender.histories import fold
from tests.sender.reading import read_message

KNOWN = {name: Rules(contact_secret=name.encode(), lifetime=60.0) for name in ("acme", "globex")}
# Some would make the key of a known tenant's command, were they to stand in one.
NAMES = (*KNOWN, "acme|order", "acme|", "|acme", "", " acme", "ACME", 7)
IDS = ("1", "order|1", "order-1", "|1")
ENDS = (
    MessageCreated(sid="SM1", account_sid="AC1", status="queued", from_="+14155550100", segments=1),
    Refused(code=21211, reason="Twilio said so"),
    Unknown(reason="no answer in time"),
)


class Asked(NamedTuple):
    tenant: Any
    command_id: str
    body: str
    end: int
    broken: bool


class Kept(NamedTuple):
    """What stands after a log: rows by key, and the results in order."""

    outbox: Mapping[str, Entry]
    commands: Mapping[str, Timeline]
    told: list[tuple[str, CommandResult]]


ASKED = st.builds(
    Asked, st.sampled_from(NAMES), st.sampled_from(IDS), st.sampled_from("ab "), st.integers(0, 2), st.booleans()
)  # fmt: skip


def play(log: Iterable[tuple[int, Asked]]) -> Kept:
    """Fold a log of commands, each with its offset, as sender and processor do."""
    entries: dict[str, Entry] = {}
    rows: dict[str, Timeline] = {}
    told: list[tuple[str, CommandResult]] = []
    intake = Intake(KNOWN)
    for offset, asked in log:
        for event in _through(intake, entries, offset, asked):
            key = topic_of(event).key(event)
            row, _ = timeline.fold(rows.get(key), event)
            # What names no tenant that there is takes no row.
            rows |= {} if row is None else {key: row}
            told.append((key, event))
    return Kept(entries, rows, told)


def _through(intake: Intake, entries: dict[str, Entry], offset: int, asked: Asked) -> list[CommandResult]:
    fields = {"tenant": asked.tenant, "command_id": asked.command_id, "to": "+14155550123", "from": "+14155550100"}
    value = json.dumps({**fields, "body": asked.body}).encode()
    sent = value[:-1] if asked.broken else value
    record = Record("twilio.outbound.messages.v1", 0, offset, offset, None, sent, [], by_broker=True)
    try:
        _, taken = intake(None, read_message(record))
    except NotACommand as error:
        taken = intake.refused(record, str(error))
    told: list[CommandResult] = []
    for one in taken:
        events = _attempt(one, asked.end) if isinstance(one, CommandAccepted) else []
        for event in events:
            key = row_key(event)
            entry, derived = fold(entries.get(key), event)
            assert entry is not None
            entries[key] = entry
            told += [result for result in derived if isinstance(result, CommandResult)]
        told += [one] if isinstance(one, CommandResult) else []
    return told


def _attempt(command: CommandAccepted, end: int) -> list[Any]:
    whose: dict[str, Any] = {"order_key": command.contact, "command_id": command.command_id, "at": command.accepted_at}
    began = Attempting(**whose, attempt=1, deadline=command.not_after)
    return [command, began, Attempted(**whose, attempt=1, outcome=ENDS[end])]


@given(st.lists(ASKED, max_size=12))
def test_what_others_ask_for_changes_nothing_of_a_tenants(log: list[Asked]) -> None:
    numbered = list(enumerate(log))
    everything = play(numbered)
    for tenant in KNOWN:
        alone = play([(offset, asked) for offset, asked in numbered if asked.tenant == tenant])
        own = f"{tenant}|"
        assert {key: row for key, row in everything.outbox.items() if key.startswith(own)} == alone.outbox
        # Of what cannot be read at all nobody knows whose it is: its tenant alone may stand there.
        assert {key: row for key, row in everything.commands.items() if key.startswith(own)} == {
            key: row for key, row in alone.commands.items() if key.startswith(own)
        }
        assert [one for one in everything.told if one[0].startswith(own)] == [
            one for one in alone.told if one[0].startswith(own)
        ]


@given(st.lists(ASKED, max_size=12))
def test_each_result_is_under_its_tenant_and_id_or_under_none(log: list[Asked]) -> None:
    kept = play(enumerate(log))
    for key, event in kept.told:
        assert key == f"{event.tenant}|{event.command_id}"
        assert event.tenant in {*KNOWN, ""}
        # The first bar ends the tenant, so that no two names and ids make one key.
        assert tuple(key.split("|", 1)) == (event.tenant, event.command_id)
    for key, row in kept.commands.items():
        assert {(step.tenant, step.command_id) for step in row.steps.values()} == {(row.tenant, row.command_id)}
        assert key == f"{row.tenant}|{row.command_id}"
    ids = [event.event_id for _, event in kept.told]
    assert len(ids) == len(set(ids))
