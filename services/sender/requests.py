"""A record of public commands, read: who is meant, what is asked, since when, and what is wrong with its form."""

from collections.abc import Mapping
from typing import Any, NamedTuple

from services.contract.codec import FORMAT, FORMAT_HEADER, format_of
from services.contract.reading import Read, printable, read_object
from services.domain.identity import Place
from services.runtime.clock import now
from services.runtime.folding.fold import Record
from services.sender.commands import Commands
from services.sender.moments import moment_of
from services.sender.products import ABOUT_ANOTHER

# Of a command id, or of what stands for one.
_LONGEST_NAME = 128


class Requested(NamedTuple):
    """A public command as read: typed, or what is wrong with its form.

    `at`, `since`: see `Moment`.
    """

    tenant: str
    command_id: str
    # As `Commands.parse` gives it.
    command: Any
    at: str
    since: str
    record: Record
    commands: Commands
    # It says of itself that it is about another command: a resolution, or a cancel.
    about_another: bool = False

    @property
    def place(self) -> Place:
        return Place(self.record.partition, self.record.offset)


def read(commands: Commands, record: Record) -> Requested:
    """A record of these commands' topic. Raises NotACommand for what is no JSON object: a dead letter."""
    found = read_object(record.value)
    return _requested(commands, record, found, _newer(record) or commands.parse(found.fields))


def _newer(record: Record) -> list[str]:
    """What is wrong with a command whose header says that it is of a newer format: it may mean more than is read."""
    if (stated := format_of(record.headers)) <= FORMAT:
        return []
    return [f"header {FORMAT_HEADER}: {stated}; this release reads up to {FORMAT}: produce it in that, or update"]


def _requested(commands: Commands, record: Record, found: Read, command: Any) -> Requested:
    faults = [*found.faults, *(command if isinstance(command, list) else ())]
    moment = moment_of(record, now())
    return Requested(
        tenant=name_of(found.fields.get("tenant")),
        command_id=known_as(record, found.fields),
        command=faults or command,
        at=moment.at,
        since=moment.since,
        record=record,
        commands=commands,
        about_another=found.fields.get("event_type") in ABOUT_ANOTHER,
    )


def known_as(record: Record, fields: Mapping[str, Any]) -> str:
    """What its producer knows a record by: its command id, of whatever type; else its key; else where it stands."""
    named = name_of(fields.get("command_id"))
    return named or printable((record.key or b"").decode("utf-8", "replace"), _LONGEST_NAME) or position(record)


def name_of(value: Any) -> str:
    """A text as it is, a number as it was written: `18473` → `18473`; nothing for what names nobody."""
    if isinstance(value, bool) or not isinstance(value, str | int | float):
        return ""
    try:
        return printable(str(value), _LONGEST_NAME)
    except ValueError:
        # An integer of thousands of digits.
        return ""


def position(record: Record) -> str:
    return f"{record.topic}/{record.partition}@{record.offset}"
