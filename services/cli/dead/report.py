"""What is shown of dead letters: counts, the newest, one of them. No bodies, no whole addresses."""

import heapq
from collections import Counter
from collections.abc import Iterable
from typing import NamedTuple

from rich.box import SIMPLE_HEAD
from rich.table import Table

from services.cli.plain import plain
from services.contract.letters import LetterHandled
from services.operations.dead.letters import Letter
from services.operations.dead.masked import shape, source_of
from services.operations.dead.reading import Found
from services.runtime.masking import scrub

_LONGEST_CELL = 120


class _Row(NamedTuple):
    at: str
    letter: str
    reason: str
    key: str
    holds: str
    size: str
    told: str


class Overview:
    """Counts by topic and reason, and the newest letters: no more of each than a row."""

    def __init__(self, newest: int, handled: bool) -> None:
        """`handled`: show those too that were dealt with."""
        self._most = newest
        self._handled = handled
        self._counts: dict[tuple[str, str], Counter[str]] = {}
        self._newest: list[_Row] = []
        self.letters = 0

    def add(self, found: Iterable[Found]) -> None:
        for letter, mark in found:
            self.letters += 1
            counts = self._counts.setdefault((letter.name.topic, letter.reason), Counter())
            counts[mark.how if mark else "open"] += 1
            if mark is None or self._handled:
                self._keep(_row(letter, mark))

    def _keep(self, row: _Row) -> None:
        if len(self._newest) < self._most:
            heapq.heappush(self._newest, row)
        elif self._most:
            heapq.heappushpop(self._newest, row)

    def counts(self) -> Table:
        """A line for each topic and reason."""
        table = _table("topic", "reason", "letters", "open", "retried", "dropped")
        for (topic, reason), counts in sorted(self._counts.items()):
            told = (counts.total(), counts["open"], counts["retried"], counts["dropped"])
            table.add_row(plain(topic), plain(scrub(reason)), *(f"{count:,}" for count in told))
        return table

    def newest(self) -> Table:
        """A line for each of the newest, the newest first."""
        table = _table("put aside (UTC)", "letter", "reason", "key", "holds", "bytes", "why")
        _fold_last(table)
        for row in sorted(self._newest, reverse=True):
            table.add_row(*map(plain, row))
        return table


def describe(found: Found) -> Table:
    """One letter, whole but for what it says."""
    letter, mark = found
    table = _table("", "")
    table.show_header = False
    rows = {
        "letter": str(letter.name),
        "put aside": f"{letter.at}, {letter.reason}: {scrub(letter.detail)}",
        "steps": scrub(letter.steps) or "all: it could not be decoded",
        "dealt with": _told(mark) or "no",
        "holds": _holds(letter, mark),
        "retry": f"not possible: {letter.obstacle}" if letter.obstacle else "possible",
        "key": _key(letter),
        "headers": ", ".join(f"{scrub(name)} ({len(content):,} bytes)" for name, content in letter.headers) or "none",
        "value": "none" if letter.value is None else f"{len(letter.value):,} bytes, letters as x and digits as 0:",
        "": shape(letter.value or b"", source_of(letter.name.topic)),
    }
    for name, cell in rows.items():
        table.add_row(plain(name), plain(cell))
    _fold_last(table)
    return table


def _row(letter: Letter, mark: LetterHandled | None) -> _Row:
    size = "none" if letter.value is None else f"{len(letter.value):,}"
    why = _told(mark) or letter.obstacle or letter.detail
    holds = "yes" if letter.holds and mark is None else "no"
    return _Row(letter.at, str(letter.name), scrub(letter.reason), _key(letter), holds, size, _short(scrub(why)))


def _holds(letter: Letter, mark: LetterHandled | None) -> str:
    if not letter.holds:
        return "nobody"
    # A keyed hash, and no number, however many digits it has.
    contact = letter.person or "its contact"
    if mark is not None:
        return f"{contact} no more"
    return f"{contact}: nothing is sent to them until it is retried or dropped"


def _told(mark: LetterHandled | None) -> str:
    if mark is None:
        return ""
    return f"{mark.how} at {mark.at}" + (f": {scrub(mark.note)}" if mark.note else "")


def _key(letter: Letter) -> str:
    return _short(scrub((letter.key or b"").decode("utf-8", "replace"))) or "none"


def _short(text: str) -> str:
    return text if len(text) <= _LONGEST_CELL else f"{text[:_LONGEST_CELL]}…"


def _table(*columns: str) -> Table:
    table = Table(box=SIMPLE_HEAD, pad_edge=False)
    for name in columns:
        table.add_column(name, no_wrap=True)
    return table


def _fold_last(table: Table) -> None:
    """Let it take as many lines as it needs, so that the others stay whole."""
    table.columns[-1].no_wrap, table.columns[-1].overflow = False, "fold"
