"""A history that keeps every promise, and how to spoil it.

It was recorded by `switchboard demo --once --keep --commands 60`; changelogs but delivery's are left out. Beside it
stand executions, written by hand (`executions`).
"""

import functools
import gzip
import tempfile
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import orjson

from services.checker.history import Entry, History, Witness, read_history, write_history
from tests.checker.executions import with_executions

RECORDED = Path(__file__).parent / "recorded"


@functools.cache
def good() -> History:
    with tempfile.TemporaryDirectory() as folder:
        for packed in RECORDED.glob("*.gz"):
            (Path(folder) / packed.stem).write_bytes(gzip.decompress(packed.read_bytes()))
        return with_executions(read_history(Path(folder)))


def unpack(folder: Path) -> None:
    """The record, as `switchboard check` reads it."""
    write_history(folder, good())


def event(entry: Entry) -> dict[str, Any]:
    try:
        found = orjson.loads(entry.value or b"")
    except orjson.JSONDecodeError:
        return {}
    return found if isinstance(found, dict) else {}


def _copied(told: list[Any]) -> list[Any]:
    """As a deep copy, for a tenth of its cost: all of it is JSON."""
    copied: list[Any] = orjson.loads(orjson.dumps(told))
    return copied


class Spoilt:
    """A copy of the good history, to be changed in one place."""

    def __init__(self) -> None:
        self.entries = list(good().entries)
        witness = good().witness
        assert witness is not None
        self.witness = Witness(
            _copied(witness.messages),
            _copied(witness.callbacks),
            _copied(witness.produced),
            witness.windows_enforced,
            witness.settled,
            _copied(witness.executions),
        )

    @property
    def history(self) -> History:
        return History(self.entries, self.witness)

    def all(self, topic: str, holds: Callable[[dict[str, Any]], bool] = lambda _: True, **fields: Any) -> list[Entry]:
        told = ((entry, event(entry)) for entry in self.entries if entry.topic == topic)
        return [
            entry
            for entry, said in told
            if all(said.get(name) == value for name, value in fields.items()) and holds(said)
        ]

    def first(self, topic: str, holds: Callable[[dict[str, Any]], bool] = lambda _: True, **fields: Any) -> Entry:
        return self.all(topic, holds, **fields)[0]

    def remove(self, *gone: Entry) -> None:
        self.entries = [entry for entry in self.entries if entry not in gone]

    def change(self, entry: Entry, **fields: Any) -> None:
        """Another value in the same place."""
        self.put(entry, entry._replace(value=orjson.dumps({**event(entry), **fields})))

    def put(self, entry: Entry, other: Entry) -> None:
        self.entries[self.entries.index(entry)] = other

    def add(self, like: Entry, *, timestamp: int | None = None, **fields: Any) -> Entry:
        """One more record, at the end of the partition of another that it is like."""
        at = max(one.offset for one in self.entries if (one.topic, one.partition) == (like.topic, like.partition)) + 1
        value = orjson.dumps({**event(like), **fields}) if fields else like.value
        added = like._replace(offset=at, value=value, timestamp=timestamp or like.timestamp)
        self.entries.append(added)
        return added

    def message(self, command_id: str) -> dict[str, Any]:
        """What Twilio created for a command."""
        return next(one for one in self.witness.messages if f"c={command_id}&" in (one["status_callback"] or ""))

    def create(self, result: Entry, at: str, **params: str) -> dict[str, Any]:
        """Twilio creates one more message, for the command of this result."""
        known = next(one for one in self.witness.messages if one["origin"] == "api")
        told = event(result)
        contact = told["contact"].replace("|", "%7C")
        callback = f"http://127.0.0.1/twilio/{told['tenant']}/status?c={told['command_id']}&k={contact}&s=0#rc=4"
        created = {**known, "sid": "SM" + "0" * 32, "status_callback": callback, "params": params}
        created["statuses"] = [{"status": "queued", "at": at}]
        self.witness.messages.append(created)
        return created

    def unsettle(self) -> None:
        self.witness = replace(self.witness, settled=False)
