"""What is deferred for a hold goes once nothing of its contact's is unread any more."""

from collections.abc import Iterator

from services.domain.consent import holds
from services.domain.consent.standing import Standing
from services.domain.gate.conditions import hold_of
from services.runtime.folding.flush import Changed
from services.runtime.folding.partition import Partition
from services.sender.conditions import Kind
from services.sender.tables import SUPPRESSION


def _stands(partition: Partition, condition: str) -> bool:
    return _is_held(partition.read(condition.partition(" ")[2], SUPPRESSION))


def _touched(changed: Changed) -> Iterator[str]:
    was = changed.was.get(SUPPRESSION, {})
    for contact, row in changed.rows.get(SUPPRESSION, {}).items():
        if _is_held(was[contact]) and not _is_held(row):
            yield hold_of(contact)


def _is_held(row: Standing | None) -> bool:
    return row is not None and holds.held(row.holds) is not None


HELD = Kind(_stands, _touched)
