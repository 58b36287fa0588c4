"""What can go wrong with the embedded broker.

EmbeddedKafkaError        the text names the remedy or ends with the broker's last log lines
├── ToolMissingError      no Java, or nothing to fetch Kafka by, is installed
├── PortTakenError        another process listens on the port that was asked for
└── BrokerFailedError     Kafka or keytool failed, a jar can't be had, or the broker did not come up in time
"""

from collections.abc import Sequence
from pathlib import Path


class EmbeddedKafkaError(Exception):
    """The embedded broker cannot run; the text says what to do about it."""


class ToolMissingError(EmbeddedKafkaError):
    """A program that we need is not installed."""


class PortTakenError(EmbeddedKafkaError):
    """The port asked for belongs to another process."""


class BrokerFailedError(EmbeddedKafkaError):
    """A program failed or was too slow; the text ends with its last lines."""


def last_lines(log: Path, count: int = 20) -> str:
    """The end of a log file, for an error's text. A missing file reads as empty."""
    text = log.read_text(encoding="utf-8", errors="replace") if log.exists() else ""
    return tail(text.splitlines(), count)


def tail(lines: Sequence[str], count: int = 20) -> str:
    return "\n".join(f"  | {line}" for line in lines[-count:]) or "  | (it wrote nothing)"
