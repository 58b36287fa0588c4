"""Connection overrides: what a webhook URL's fragment asks of Twilio, such as `#rc=2&rp=5xx,ct&tt=9000`."""

from dataclasses import dataclass
from typing import Literal
from urllib.parse import parse_qsl

Failure = Literal["4xx", "5xx", "ct", "rt"]


@dataclass(frozen=True)
class Overrides:
    """Times in seconds. `retry_on` holds the failures that are retried: HTTP classes, connecting, reading.

    The defaults are Twilio's: one retry, and only when the connection could not be made.
    """

    retries: int = 1
    retry_on: frozenset[str] = frozenset({"ct"})
    connect_s: float = 5.0
    read_s: float = 15.0
    total_s: float = 15.0

    def retried(self, failure: Failure) -> bool:
        return failure in self.retry_on or "all" in self.retry_on


def split(url: str) -> tuple[str, Overrides]:
    """The URL as it is requested and signed, and what its fragment says. Wrong values are ignored."""
    target, _, fragment = url.partition("#")
    given = dict(parse_qsl(fragment))
    policies = frozenset(given.get("rp", "").split(",")) & {"4xx", "5xx", "ct", "rt", "all"}
    return target, Overrides(
        retries=int(_within(given.get("rc"), 0, 5, 1)),
        retry_on=policies or Overrides.retry_on,
        connect_s=_within(given.get("ct"), 100, 10_000, 5_000) / 1000,
        read_s=_within(given.get("rt"), 100, 15_000, 15_000) / 1000,
        total_s=_within(given.get("tt"), 100, 15_000, 15_000) / 1000,
    )


def _within(text: str | None, low: int, high: int, default: int) -> float:
    valid = text is not None and text.isascii() and text.isdigit() and low <= int(text) <= high
    return int(text) if valid and text is not None else default
