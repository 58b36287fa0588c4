"""What a dead letter means that may have been a person's word: they are held; where nobody knows whose, an alert."""

from collections.abc import Callable, Sequence
from typing import Any

import msgspec

from services.contract.letters import Position
from services.contract.outbound import ACCEPTED
from services.contract.topic import Topic, shared_name
from services.domain.clock import iso
from services.domain.consent.commands import ConsentAccepted, ContactLinked
from services.domain.consent.holds import HoldPlaced, HoldReleased, contact_of, place
from services.runtime.folding.fold import Record

Unheard = Callable[[Record, Any, Sequence[str]], Sequence[msgspec.Struct] | None]


def of_contact(app: str, step: str) -> Unheard:
    """Of topics keyed by contact, where `step` is the one that folds what people say.

    Whatever could not be decoded may have been their word; of what could, only what that step did not take.
    """

    def unheard(record: Record, event: Any, steps: Sequence[str]) -> Sequence[HoldPlaced] | None:
        if event is not None and (step not in steps or not _says(record, event)):
            return ()
        contact = contact_of(record.key)
        # A hold that cannot be folded would be held by another, and so on for ever.
        if contact is None or isinstance(event, HoldPlaced | HoldReleased):
            return None
        position = Position(record.topic, record.partition, record.offset)
        return (place(str(position), contact, iso(record.timestamp), app),)

    return unheard


def of_nobody(topic: Topic, step: str) -> Unheard:
    """Of a topic that tells of people and whose key names none: an alert, where `step` had no part in a record."""

    def unheard(record: Record, event: Any, steps: Sequence[str]) -> Sequence[msgspec.Struct] | None:
        return None if shared_name(record.topic) == topic.name and (event is None or step in steps) else ()

    return unheard


_SAYING = (ConsentAccepted, ContactLinked, HoldPlaced, HoldReleased)


def _says(record: Record, event: Any) -> bool:
    """May it tell what a person wants? Among accepted records there are commands and resolutions too."""
    return record.topic != ACCEPTED.name or isinstance(event, _SAYING)
