"""Logs: one JSON object per line on stderr, through the standard library, scrubbed of addresses."""

import logging
import sys
import time
from datetime import UTC, datetime
from pathlib import Path

import orjson

import services
from services.runtime.masking import scrub

_OWN = str(Path(services.__path__[0]))
# They tell every request, poll or rebalance at INFO; the twilio package with URL and headers.
_NOISY = ("aiokafka", "faust", "mode", "aiohttp.access", "twilio")
# Characters. A stranger's request may be quoted, and a line is written while the event loop waits.
_MESSAGE = 2048
_TRACE = 16384
# What is scrubbed beyond the cut, so that an address across it is seen whole.
_MARGIN = 1024
# Seconds. While a broker is away a client says so many times a second, each of many clients.
_QUIET_FOR_S = 10.0
_MOST_SAYINGS = 500


class _Repeats(logging.Filter):
    """Of what a library says again and again, one line each ten seconds, which tells how many there were."""

    def __init__(self) -> None:
        super().__init__()
        self._last: dict[tuple[str, str], tuple[float, int]] = {}

    def filter(self, record: logging.LogRecord) -> bool:
        if not record.name.startswith(_NOISY):
            return True
        # By what is said, not of what: the message before it is filled in.
        raised = record.exc_info[0] if record.exc_info else None
        said, now = (record.name, f"{record.msg} {raised}"), time.monotonic()
        told_at, kept_back = self._last.get(said, (float("-inf"), 0))
        if now - told_at < _QUIET_FOR_S:
            self._last[said] = told_at, kept_back + 1
            return False
        if len(self._last) >= _MOST_SAYINGS:
            # Some write their figures into the message itself.
            self._last.clear()
        self._last[said] = now, 0
        if kept_back:
            record.msg = f"{record.msg} (and {kept_back} times more since)"
        return True


class _Inherited(logging.Filter):
    """Of what Faust says of our classes, which it says in our modules' names, no more than warnings: not its tables."""

    def filter(self, record: logging.LogRecord) -> bool:
        ours = record.pathname.startswith(_OWN)
        return record.levelno >= logging.WARNING or ours or not record.name.startswith("services.")


class _JsonLines(logging.Formatter):
    """`{"at", "level", "service", "logger", "message"}` and, with an exception, `"exception"`."""

    def __init__(self, service: str) -> None:
        super().__init__()
        self._service = service

    def format(self, record: logging.LogRecord) -> str:
        line = {
            "at": datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds"),
            "level": record.levelname,
            "service": self._service,
            "logger": record.name,
            "message": _short(record.getMessage(), _MESSAGE),
        }
        if record.exc_info:
            line["exception"] = _short(self.formatException(record.exc_info), _TRACE)
        if record.stack_info:
            line["stack"] = _short(self.formatStack(record.stack_info), _TRACE)
        return orjson.dumps(line).decode()


def _short(text: str, most: int) -> str:
    """The text scrubbed; of a longer one its beginning and its end, and how much is missing between them."""
    if len(text) <= most:
        return scrub(text)
    half = most // 2
    head, tail = scrub(text[: half + _MARGIN])[:half], scrub(text[-half - _MARGIN :])[-half:]
    return f"{head} … {len(text) - most} characters cut … {tail}"


def configure(service: str, level: str = "INFO") -> None:
    """Send all logging of this process to stderr as JSON lines. Call once, first."""
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(_JsonLines(service))
    handler.addFilter(_Inherited())
    handler.addFilter(_Repeats())
    logging.basicConfig(level=level, handlers=[handler], force=True)
    for name in _NOISY:
        logging.getLogger(name).setLevel(logging.WARNING)
