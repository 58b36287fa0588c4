"""Moments and ranges of time as people give them: --since and --until."""

from services.domain.clock import parse, to_iso
from services.runtime.section import ConfigError

EXAMPLE = "2026-11-20T00:00Z"


class TimeError(ConfigError):
    """What was given is no time, or no range of it; a sentence for people."""


def moment(option: str, text: str) -> str:
    """The moment as it stands on the log. Raises TimeError, which names the option."""
    try:
        return to_iso(parse(text))
    except ValueError as error:
        raise TimeError(f"{option} {text!r} is no time, or has no zone. Write it such as {EXAMPLE}") from error


def milliseconds(moment: str) -> int:
    """A moment as it stands on the log, in milliseconds since 1970."""
    return int(parse(moment).timestamp() * 1000)


def limits(since: str | None, until: str | None) -> tuple[str | None, str | None]:
    """Both ends of a range, each as it stands on the log, or open. Raises TimeError."""
    start = moment("--since", since) if since else None
    end = moment("--until", until) if until else None
    if start and end and start >= end:
        raise TimeError(f"--since {start} is not before --until {end}; give an earlier --since")
    return start, end
