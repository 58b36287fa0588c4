"""Whether a number can be reached on a channel: by what did not reach it, and a tenant's rule. Pure.

SMS and MMS are one family: who is out of reach for one is for the other. A landline takes neither; what only an MMS was
refused for says nothing of SMS.
"""

from collections.abc import Iterable
from typing import Literal, NamedTuple

import msgspec

from services.domain.clock import later, seconds_between
from services.domain.errors import explain

_DAY_S = 86_400.0
# Of a time, down to its hour.
_HOUR = 13
_AWAY = frozenset({"out_of_reach", "unreachable"})
_TAKES_NONE = frozenset({"landline", "no_mms"})
_BY_TEXT = frozenset({"sms", "mms"})


class Failure(msgspec.Struct, frozen=True, kw_only=True):
    """A message that did not reach its number: when that was heard, by which channel, and Twilio's code.

    `message_sid` is null where Twilio refused to create it.
    """

    at: str
    channel: str
    code: int
    message_sid: str | None = None

    @property
    def away(self) -> bool:
        """It says that nobody was there, which may pass; else what kind of number it is."""
        return explain(self.code).tells in _AWAY


class PhoneLine(msgspec.Struct, frozen=True, kw_only=True):
    """What stands behind a number, says Twilio's Lookup: `type` is mobile, landline, fixedVoip, nonFixedVoip, … or null
    where it does not know; `error` is why. `at`: when it was asked.

    `takes_texts`: something arrived there by SMS or MMS since: a landline may be enabled for texts.
    """

    at: str
    type: str | None = None
    carrier: str | None = None
    mcc: str | None = None
    mnc: str | None = None
    error: int | None = None
    takes_texts: bool = False

    @property
    def is_landline(self) -> bool:
        return self.type == "landline" and not self.takes_texts


class RestRule(NamedTuple):
    """When a number is left alone, and for how long.

    After so many `failures` within so many days it rests for `rest_days`; those of one hour are one. A landline is left
    alone for `landline_days`.
    """

    failures: int = 3
    within_days: float = 14.0
    rest_days: float = 7.0
    landline_days: float = 180.0


STANDARD = RestRule()


class Unreachable(msgspec.Struct, frozen=True, kw_only=True):
    """Why a number is left alone, and until when. `failures`: so many in a row, with these codes, the last one then.

    None, and no code: it failed nowhere, and Lookup said so at `last_at`.
    """

    why: Literal["failures", "landline", "no_mms", "deactivated"]
    until: str
    failures: int
    codes: list[int]
    last_at: str


def tells(channel: str, code: int | None) -> bool:
    """Does a message's end by this channel and code say anything of its number?"""
    found = explain(code).tells
    return found in _AWAY or (found in _TAKES_NONE and channel in _BY_TEXT)


def concerns(failure: Failure, channel: str) -> bool:
    """Is a failure one of this channel too? Then what arrives by it later shows that it is over."""
    if _family(failure.channel) != _family(channel):
        return False
    return failure.away or failure.channel != "mms" or channel == "mms"


def standing(
    failures: Iterable[Failure], channel: str, rule: RestRule, line: PhoneLine | None = None
) -> Unreachable | None:
    """What stands against a channel, or stood; the longest. None: too little failed, and its line takes texts."""
    mine = [one for one in failures if concerns(one, channel)]
    found = [
        *_rests([one for one in mine if one.away], rule),
        *_none_taken([one for one in mine if not one.away], rule),
        *_landline(line, channel, rule),
    ]
    return max(found, key=lambda one: (one.until, one.why), default=None)


def by_text(channel: str) -> bool:
    """Is it SMS or MMS?"""
    return channel in _BY_TEXT


def _landline(line: PhoneLine | None, channel: str, rule: RestRule) -> Iterable[Unreachable]:
    if line is not None and line.is_landline and by_text(channel):
        until = later(line.at, rule.landline_days * _DAY_S)
        yield Unreachable(why="landline", until=until, failures=0, codes=[], last_at=line.at)


def _family(channel: str) -> str:
    return "sms" if channel in _BY_TEXT else channel


def _rests(away: Iterable[Failure], rule: RestRule) -> Iterable[Unreachable]:
    """One for each run of so many failures; ten messages to a phone that is off for an hour are one."""
    by_hour: dict[str, Failure] = {}
    for one in sorted(away, key=lambda one: (one.at, one.code)):
        by_hour[one.at[:_HOUR]] = one
    told = list(by_hour.values())
    for first in range(len(told) - rule.failures + 1):
        run = told[first : first + rule.failures]
        last = run[-1].at
        if seconds_between(run[0].at, last) <= rule.within_days * _DAY_S:
            codes = sorted({one.code for one in run})
            until = later(last, rule.rest_days * _DAY_S)
            yield Unreachable(why="failures", until=until, failures=len(run), codes=codes, last_at=last)


def _none_taken(failures: Iterable[Failure], rule: RestRule) -> Iterable[Unreachable]:
    last = max(failures, key=lambda one: (one.at, one.code), default=None)
    if last is None:
        return
    why: Literal["landline", "no_mms"] = "no_mms" if last.channel == "mms" else "landline"
    until = later(last.at, rule.landline_days * _DAY_S)
    yield Unreachable(why=why, until=until, failures=1, codes=[last.code], last_at=last.at)
