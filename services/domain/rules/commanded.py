"""Which messages of a person a rule has made commands of: each once, and no more in an hour or a day than its caps.

A fact of `twilio.keywords.v1` waits in its row until whoever owns the partition has made its commands, or has said that
there are none. Making them, and that they are made, is one transaction. So nothing is made twice, and nothing is lost.
The caps are what ends a conversation of two robots: neither the gate nor a person would.
"""

from collections.abc import Mapping, Sequence

import msgspec
from msgspec.structs import replace

from services.domain.clock import later
from services.domain.due import Due
from services.domain.messages.events import KeywordHeard, MostCommands
from services.domain.rules.making import Command

_HOUR_S, _DAY_S = 3600.0, 86_400.0
# Longer than the caps look back, and than a command may wait to be made. What comes again later is too old for one.
_REMEMBERED_S = 2 * _DAY_S
OPEN = "open "


class CommandsMade(msgspec.Struct, frozen=True, kw_only=True):
    """What was made of a message (the poller's own event; never on the log). `commands`: none, where none may go."""

    key: str
    keyword_event_id: str
    commands: tuple[Command, ...] = ()


class Commanded(msgspec.Struct, frozen=True, kw_only=True):
    """Of a person and rule. Key: `{contact} {rule}`.

    `taken`: when each message was received that was within the caps, by the fact's id. `waiting`: those of which no
    commands are made yet. `capped`: how many were beyond the caps.
    """

    tenant: str
    rule: str
    taken: Mapping[str, str] = {}
    waiting: Mapping[str, KeywordHeard] = {}
    capped: int = 0


def row_key(event: KeywordHeard | CommandsMade) -> str:
    return event.key if isinstance(event, CommandsMade) else f"{event.contact} {event.rule}"


def fold(
    state: Commanded | None, event: KeywordHeard | CommandsMade | Due
) -> tuple[Commanded | None, Sequence[Command]]:
    """Take a message, within the caps; tell the commands that were made. What comes again changes nothing."""
    match event:
        case KeywordHeard():
            return (state if event.command is None else _taken(state, event, event.command)), ()
        case CommandsMade():
            return _made(state, event)
        case _:
            return None, ()


def due(row: Commanded) -> str:
    return later(max(row.taken.values()), _REMEMBERED_S)


def lists(row: Commanded) -> tuple[str, ...]:
    """Where something waits, by when the first of it came."""
    return (f"{OPEN}{min(one.received_at for one in row.waiting.values())}",) if row.waiting else ()


def _taken(state: Commanded | None, heard: KeywordHeard, most: MostCommands) -> Commanded | None:
    row = state or Commanded(tenant=heard.tenant, rule=heard.rule)
    latest = max(row.taken.values(), default=heard.received_at)
    if heard.event_id in row.taken or later(heard.received_at, _REMEMBERED_S) < latest:
        return state
    if not _within(row.taken, heard.received_at, most):
        return replace(row, capped=row.capped + 1)
    oldest = later(max(latest, heard.received_at), -_REMEMBERED_S)
    kept = {one: at for one, at in row.taken.items() if at >= oldest}
    waiting = {**row.waiting, heard.event_id: heard}
    return replace(row, taken={**kept, heard.event_id: heard.received_at}, waiting=waiting)


def _within(taken: Mapping[str, str], at: str, most: MostCommands) -> bool:
    """Counted to both sides: facts may come in any order, and no hour of them may have more."""

    def near(seconds: float) -> int:
        first, last = later(at, -seconds), later(at, seconds)
        return sum(first < one < last for one in taken.values())

    return near(_HOUR_S) < most.per_hour and near(_DAY_S) < most.per_day


def _made(state: Commanded | None, event: CommandsMade) -> tuple[Commanded | None, Sequence[Command]]:
    if state is None or event.keyword_event_id not in state.waiting:
        return state, ()
    left = {one: heard for one, heard in state.waiting.items() if one != event.keyword_event_id}
    return replace(state, waiting=left), event.commands
