"""What a product says of its commands, so that the outbox need not know it."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, NamedTuple

import msgspec

from services.domain.outbox.entry import End, Entry
from services.domain.outbox.facts import Created, Refused
from services.domain.outbox.steps import Step


class Heard(NamedTuple):
    """What a fact of the log says of a command. `created`: it is proof that this exists; `how`: in which way.

    `end`: how that ended.
    """

    event_id: str
    at: str
    created: Created | None
    how: str
    end: End | None


@dataclass(frozen=True, slots=True)
class Effects:
    """What follows from the steps of a product's commands, and what settles them.

    `kind`, `command`: of its accepted commands. `result`: how a step is told. `created`, `refused`: what else is told
    when Twilio created something, or refused for good, by the row before; each has the time and the source's name.
    `heard`: the facts that tell how a command ended, by type; each names its row (`order_key`, `command_id`).
    `repeatable`: to make its call twice comes to the same, so that one without a known end is made again.
    `overrules`: whether an end takes the place of the one that is known. `ended`: the name of the step that tells it.
    """

    kind: str
    command: type
    result: Callable[[Step], msgspec.Struct]
    created: Callable[[Entry[Any], Any, str, str], Sequence[msgspec.Struct]]
    refused: Callable[[Entry[Any], Refused, str, str], Sequence[msgspec.Struct]]
    ended: str
    overrules: Callable[[End, End | None], bool]
    heard: Mapping[type, Callable[[Any], Heard]] = field(default_factory=dict)
    repeatable: bool = False
