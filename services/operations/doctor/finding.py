"""What one look tells."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Literal

# unknown: it could not be looked at. note: worth knowing, and no fault.
Level = Literal["fine", "note", "fault", "unknown"]


@dataclass(frozen=True)
class Finding:
    """`check`: what was looked at; `about`: of which tenant, topic, number. A fault and an unknown have a `remedy`."""

    check: str
    level: Level
    about: str
    says: str
    remedy: str = ""


def verdict(findings: Iterable[Finding]) -> Level:
    """The worst of all: a fault is known, so it comes before what could not be looked at."""
    levels = {one.level for one in findings}
    return "fault" if "fault" in levels else "unknown" if "unknown" in levels else "fine"
