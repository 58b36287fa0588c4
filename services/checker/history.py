"""What is checked: the committed records of a log, and what the other side knows. Kept in a folder as two files."""

import base64
import binascii
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import MISSING, asdict, dataclass, field, fields
from pathlib import Path
from typing import Any, NamedTuple

import orjson

LOG_FILE = "log.jsonl"
WITNESS_FILE = "witness.json"


class HistoryError(ValueError):
    """A record of a log cannot be read. The text names file and line."""


class Entry(NamedTuple):
    """One committed record. `timestamp` in milliseconds since 1970, as the broker has it."""

    topic: str
    partition: int
    offset: int
    timestamp: int
    key: bytes
    value: bytes | None
    headers: tuple[tuple[str, bytes], ...]


@dataclass(frozen=True)
class Witness:
    """What the other side knows.

    `messages` and `callbacks`: as the simulator's `/simulator/messages` and `/simulator/callbacks` give them.
    `executions`: as `/simulator/executions` gives them. `produced`: records that producers had acknowledged, as
    `produced` below writes them. `settled`: all had come to rest.
    """

    messages: list[dict[str, Any]]
    callbacks: list[dict[str, Any]]
    produced: list[dict[str, Any]]
    windows_enforced: bool
    settled: bool
    executions: list[dict[str, Any]] = field(default_factory=list)


@dataclass(frozen=True)
class History:
    """A log in any order of its partitions, each in the order of its offsets.

    `at_rest`: without a witness, whether the log was read when all that follows from it stood on it.
    """

    entries: Sequence[Entry]
    witness: Witness | None = None
    at_rest: bool = False

    @property
    def settled(self) -> bool:
        return self.witness.settled if self.witness is not None else self.at_rest


def produced(topic: str, key: bytes | None, value: bytes | None) -> dict[str, Any]:
    """A record that a producer had acknowledged, as a witness names it."""
    text, base64ed = _text(value or b"")
    named = {"topic": topic, "key": (key or b"").decode(errors="replace"), "value": text}
    return named | ({"encoding": "base64"} if base64ed else {})


def produced_value(record: Mapping[str, Any]) -> bytes:
    """The bytes of such a record's value."""
    value = str(record.get("value") or "")
    return base64.b64decode(value) if record.get("encoding") == "base64" else value.encode()


def write_history(folder: Path, history: History) -> None:
    """Keep a history as a folder; what stands there of an earlier one is replaced."""
    write_log(folder, history.entries)
    witness = None if history.witness is None else asdict(history.witness)
    content = {"settled": history.settled, "witness": witness}
    (folder / WITNESS_FILE).write_bytes(orjson.dumps(content, option=orjson.OPT_INDENT_2))


def write_log(folder: Path, entries: Iterable[Entry]) -> None:
    """The log alone, a line for each entry as it comes."""
    folder.mkdir(parents=True, exist_ok=True)
    with (folder / LOG_FILE).open("wb") as file:
        for entry in entries:
            file.write(orjson.dumps(_line(entry), option=orjson.OPT_APPEND_NEWLINE))


def read_history(folder: Path) -> History:
    """The history that a folder keeps. Raises HistoryError, also where a file is missing."""
    entries = list(read_log(folder))
    path = folder / WITNESS_FILE
    if not path.exists():
        return History(entries)
    try:
        content = orjson.loads(path.read_bytes())
    except (OSError, orjson.JSONDecodeError) as error:
        raise HistoryError(f"{path}: {error}") from error
    if not isinstance(content, dict) or not isinstance(content.get("settled"), bool):
        raise HistoryError(f"{path}: not a witness; it holds settled (true or false) and witness (or null)")
    witness = content.get("witness")
    return History(entries, None if witness is None else _witness(path, witness), content["settled"])


def read_log(folder: Path) -> Iterator[Entry]:
    """The log alone, entry by entry. Raises HistoryError."""
    path = folder / LOG_FILE
    try:
        with path.open("rb") as file:
            for number, line in enumerate(file, start=1):
                yield _entry(f"{path}, line {number}", line)
    except OSError as error:
        raise HistoryError(f"{path}: {error.strerror or error}; record one with --record") from error


def _line(entry: Entry) -> dict[str, Any]:
    line: dict[str, Any] = {"topic": entry.topic, "partition": entry.partition, "offset": entry.offset}
    line["timestamp"] = entry.timestamp
    line["key"] = _told(entry.key)
    line["value"] = None if entry.value is None else _told(entry.value)
    line["headers"] = [[name, _told(content)] for name, content in entry.headers]
    return line


def _entry(where: str, line: bytes) -> Entry:
    try:
        found = orjson.loads(line)
        return Entry(
            str(found["topic"]),
            int(found["partition"]),
            int(found["offset"]),
            int(found["timestamp"]),
            _bytes(found["key"]),
            None if found["value"] is None else _bytes(found["value"]),
            tuple((str(name), _bytes(content)) for name, content in found["headers"]),
        )
    except orjson.JSONDecodeError as error:
        raise HistoryError(f"{where}: not JSON; was the record cut, or is this another file?") from error
    except (KeyError, TypeError, ValueError, binascii.Error) as error:
        raise HistoryError(
            f"{where}: not a record of a log; it has topic, partition, offset, timestamp, key, value and headers"
        ) from error


def _witness(path: Path, found: Any) -> Witness:
    names = {one.name for one in fields(Witness)}
    # A record of a Twilio without Studio has none.
    needed = {one.name for one in fields(Witness) if one.default_factory is MISSING}
    if not isinstance(found, dict) or not needed <= found.keys() <= names:
        raise HistoryError(f"{path}: not a witness; it holds {', '.join(sorted(names))}")
    for name in {"messages", "callbacks", "produced", "executions"} & found.keys():
        if not isinstance(found[name], list) or not all(isinstance(one, dict) for one in found[name]):
            raise HistoryError(f"{path}: {name}: must be a list of objects")
    return Witness(**found)


def _told(content: bytes) -> str | dict[str, str]:
    """Text as it is; other bytes as {"base64": …}."""
    text, base64ed = _text(content)
    return {"base64": text} if base64ed else text


def _bytes(told: Any) -> bytes:
    if isinstance(told, dict):
        return base64.b64decode(told["base64"], validate=True)
    if not isinstance(told, str):
        raise TypeError("neither text nor base64")
    return told.encode()


def _text(content: bytes) -> tuple[str, bool]:
    try:
        return content.decode(), False
    except UnicodeDecodeError:
        return base64.b64encode(content).decode(), True
