"""What is compared, and a row of the comparison: two maps, every key that differs, is missing or is one too many."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from services.demo.log import Log
from services.demo.script import Command
from services.demo.twilio import TwilioSide

_NAMED = 3


@dataclass(frozen=True)
class Ends:
    """All that is compared. `answers`: the processor's, by MessageSid; `people`: who a contact key stands for."""

    commands: tuple[Command, ...]
    twilio: TwilioSide
    log: Log
    answers: Mapping[str, Mapping[str, Any]]
    people: Mapping[str, str]


@dataclass(frozen=True)
class Row:
    """One comparison. `wrong` names some of what differs; none: the two ends agree."""

    what: str
    expected: int
    found: int
    wrong: tuple[str, ...] = ()

    @property
    def ok(self) -> bool:
        return not self.wrong


def compare(what: str, expected: Mapping[str, object], found: Mapping[str, object]) -> Row:
    """A row: how many there should be, how many are as they should, and some of the others."""
    wrong = [
        f"{key}: {found.get(key, 'missing')}, not {expected.get(key, 'expected')}"
        for key in sorted(expected.keys() | found.keys())
        if key not in expected or key not in found or expected[key] != found[key]
    ]
    right = sum(key in found and found[key] == value for key, value in expected.items())
    more = (f"and {len(wrong) - _NAMED} more",) if len(wrong) > _NAMED else ()
    return Row(what, len(expected), right, (*wrong[:_NAMED], *more))
