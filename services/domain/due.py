"""Timers of folds: a row says when it wants to be woken; the event that wakes it carries that time, not the clock's."""

import msgspec


class Due(msgspec.Struct, frozen=True, kw_only=True):
    """The time that a row asked for has come. `key` is the row's; `at` the time asked for, which lies in the past."""

    key: str
    at: str
