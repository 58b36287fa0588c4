"""How silent messages of one account are found with few calls: by pages of its list, or one by one. Pure.

Messages that stand near each other are looked for in the list of their time, 1000 a page; a page must bring one of them
at least, or the rest is fetched one by one. Pages of what was sent after all of them come first and need bring none,
but there may be no more than n + 1 of them. So n messages take 2n + 2 calls for each such group at the most, and mostly
a few. What a list leaves out (it has no date of sending yet, its time is another) is fetched.
"""

from collections.abc import Iterable, Mapping
from typing import Generic, NamedTuple, Protocol, TypeVar

from services.domain.clock import later, seconds_between
from services.domain.messages.at_twilio import MessageAtTwilio

# Between two messages of one group.
_GAP_S = 600.0
# Whoever was not found in a list that often, because Twilio does not give the list, is fetched.
_FAILED = 2
# Clocks differ, and a message may be sent some time after it was taken.
_BEFORE_S, _AFTER_S = 60.0, 600.0


class Sought(Protocol):
    """A message that is looked for. `since`: when it was first heard of; `failed`: looks that came to no answer."""

    @property
    def message_sid(self) -> str: ...
    @property
    def since(self) -> str: ...
    @property
    def failed(self) -> int: ...


R = TypeVar("R", bound=Sought)


class Group(NamedTuple, Generic[R]):
    """Messages that one list may hold: those sent from `since` to `until`. Keys: MessageSids."""

    rows: Mapping[str, R]
    since: str
    until: str


class Page(NamedTuple):
    """A page to be read. `following`: where the page before said that it is; empty: the first."""

    since: str
    until: str
    following: str = ""


class One(NamedTuple):
    """A message to be fetched."""

    message_sid: str


def groups(rows: Iterable[R]) -> list[Group[R]]:
    """The rows of one account by their time, the oldest first. Whose lists failed stand alone, at the end."""
    found: list[list[R]] = []
    alone: list[list[R]] = []
    for row in sorted(rows, key=lambda one: (one.since, one.message_sid)):
        if row.failed >= _FAILED:
            alone.append([row])
        elif found and seconds_between(found[-1][-1].since, row.since) <= _GAP_S:
            found[-1].append(row)
        else:
            found.append([row])
    return [
        Group(
            {row.message_sid: row for row in near},
            later(near[0].since, -_BEFORE_S),
            later(near[-1].since, _AFTER_S),
        )
        for near in (*found, *alone)
    ]


class Search(Generic[R]):
    """The search for one group's messages: `wants` says what to ask, `listed` or `fetched` is told the answer."""

    def __init__(self, group: Group[R]) -> None:
        self._group = group
        self._waiting = dict(group.rows)
        self._latest = max((row.since for row in group.rows.values()), default="")
        self._pages = self._found = self._after = 0
        self._page: Page | None = Page(group.since, group.until) if len(self._waiting) > 1 else None

    @property
    def waiting(self) -> list[R]:
        """Of whom no answer has told yet."""
        return list(self._waiting.values())

    def wants(self) -> Page | One | None:
        """The next question; None when all were answered."""
        if self._page is not None and self._waiting:
            return self._page
        return next((One(sid) for sid in self._waiting), None)

    def listed(self, messages: Iterable[MessageAtTwilio], following: str | None) -> list[tuple[R, MessageAtTwilio]]:
        """The answer to a Page. Those that were looked for."""
        listed = list(messages)
        found = [(self._waiting.pop(one.sid), one) for one in listed if one.sid in self._waiting]
        if listed and not found and all(one.at > self._latest for one in listed):
            # The latest come first: ours are further on. Not for ever, if Twilio lists more than was asked for.
            self._after += 1
        else:
            self._pages += 1
        self._found += len(found)
        # What follows a page that ends before our time is older still.
        older = any(one.at < self._group.since for one in listed)
        dear = self._found < self._pages or self._after > len(self._group.rows)
        over = not following or older or dear
        self._page = None if over else Page(self._group.since, self._group.until, following or "")
        return found

    def fetched(self, sid: str) -> R:
        """The answer to One has come, whatever it was. Whose it is."""
        return self._waiting.pop(sid)
