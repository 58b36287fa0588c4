"""What is decided of a command before an attempt, and the verdicts that follow from its times alone."""

from typing import Literal

import msgspec


class Verdict(msgspec.Struct, frozen=True):
    """`rule` names what stood against it, `reason` says it in words; both empty when allowed.

    `deferred` says what it waits for: a time (`until`), a condition by its name (`condition`, of which the first word
    is its kind: see `sender.conditions`), whichever is over first. With neither its lane is stopped, and it keeps its
    place there.
    """

    decision: Literal["allow", "blocked", "expired", "deferred"]
    rule: str | None = None
    reason: str = ""
    remedy: str = ""
    until: str | None = None
    condition: str | None = None

    @property
    def why(self) -> str:
        """What tells one reason to wait from another."""
        return f"{self.rule} {self.condition or ''}"


ALLOW = Verdict("allow")


def early(not_before: str) -> Verdict:
    """The verdict on a command whose time has not come."""
    return Verdict("deferred", "not_before", f"not_before {not_before} has not come", until=not_before)


def expired(not_after: str) -> Verdict:
    """The verdict on a command whose time is over."""
    return Verdict(
        "expired",
        "not_after",
        f"not_after {not_after} has passed",
        "Produce it earlier, or give it a later not_after.",
    )
