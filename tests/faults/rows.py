"""What the gate looks at, and what the processor tells the world, must be the same: row by row, once all is at rest."""

import json
from typing import Any

from services.contract.fold import changelog
from services.contract.messages import CONTACTS_FOLD
from services.contract.outbox import OUTBOX_FOLD
from services.operations.log import LogReader
from services.runtime.sections.kafka import KafkaSettings

TABLES = ("suppression", "sessions")
_SHOWN = 5


async def differences(kafka: KafkaSettings) -> list[str]:
    """A sentence for each table of which sender and processor keep other rows."""
    found = []
    for table in TABLES:
        processor, sender = [await _rows(kafka, changelog(fold.app, table)) for fold in (CONTACTS_FOLD, OUTBOX_FOLD)]
        other = sorted(key for key in {*processor, *sender} if processor.get(key) != sender.get(key))
        if other:
            shown = "; ".join(f"{key}: {processor.get(key)} and {sender.get(key)}" for key in other[:_SHOWN])
            found.append(f"of {table} processor and sender keep {len(other)} other rows: {shown}")
        elif not processor:
            found.append(f"nobody keeps a row of {table}, so nothing was compared")
    return found


async def _rows(kafka: KafkaSettings, topic: str) -> dict[str, Any]:
    """The last value of each row, whatever the order of its maps' keys."""
    rows: dict[str, Any] = {}

    def take(record: Any) -> None:
        if record.value is None:
            rows.pop(record.key.decode(), None)
        else:
            rows[record.key.decode()] = json.loads(record.value)

    async with LogReader(kafka, None) as log:
        await log.read([topic], take, lambda _done, _total: None)
    return rows
