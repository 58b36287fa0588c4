"""What a promise came to: how much of it was looked at, and what was lost, doubled or wrong."""

from typing import NamedTuple


class Finding(NamedTuple):
    """One promise, looked at. Each fault is a sentence that names its record and quotes nothing of a person's.

    `checked`: how many cases there were. None at all is no proof; `unchecked` then says why.
    """

    promise: str
    checked: int
    lost: list[str]
    doubled: list[str]
    wrong: list[str]
    unchecked: str = ""

    @property
    def ok(self) -> bool:
        return not (self.lost or self.doubled or self.wrong)


class Looking:
    """A promise as it is being looked at: cases are counted, faults noted."""

    def __init__(self) -> None:
        self.checked = 0
        self.lost: list[str] = []
        self.doubled: list[str] = []
        self.wrong: list[str] = []
        # Why nothing could be looked at, if so.
        self.unchecked = "nothing of the kind happened"

    def finding(self, promise: str) -> Finding:
        unchecked = "" if self.checked else self.unchecked
        return Finding(promise, self.checked, self.lost, self.doubled, self.wrong, unchecked)
