"""Quiet hours: when people are left alone, by the time where they are. Pure; where a person may be in several zones,
all of them must be awake."""

from collections.abc import Iterable, Sequence
from datetime import date, datetime, time, timedelta
from zoneinfo import ZoneInfo

import msgspec

from services.domain.clock import parse, to_iso

# Two weeks ahead every day of the week and every change of the clock nearby has been looked at.
_AHEAD = timedelta(days=15)


class Hours(msgspec.Struct, frozen=True, kw_only=True):
    """Quiet from `begins` until `ends` (HH:MM; over midnight where it ends earlier), and all day on `days` (0: Monday).

    The first minute is quiet, the last is not. The same minute twice: no hours, only days.
    """

    begins: str = "21:00"
    ends: str = "08:00"
    days: list[int] = []


class Quiet(msgspec.Struct, frozen=True, kw_only=True):
    """What was looked at. `until`: when all zones are awake, null: they are now. `never`: they never are together."""

    hours: list[Hours]
    zones: list[str]
    until: str | None = None
    never: bool = False


def look(now: str, hours: Sequence[Hours], zones: Sequence[str]) -> Quiet:
    """Is it quiet now in any of these zones, and until when? Without a zone, nobody knows: it is never known to be
    day."""
    seen = Quiet(hours=list(hours), zones=list(zones))
    if not zones:
        return msgspec.structs.replace(seen, never=True)
    began = moment = parse(now)
    where = [ZoneInfo(zone) for zone in zones]
    while end := _quiet_until(moment, hours, where):
        moment = end
        if moment - began > _AHEAD:
            return msgspec.structs.replace(seen, never=True)
    return seen if moment == began else msgspec.structs.replace(seen, until=to_iso(moment))


def _quiet_until(moment: datetime, hours: Iterable[Hours], zones: Sequence[ZoneInfo]) -> datetime | None:
    """When the first quiet time that holds at this moment is over."""
    for one in hours:
        for zone in zones:
            local = moment.astimezone(zone)
            if (end := _ends(local, one)) is not None:
                return _after(moment, end, zone)
    return None


def _ends(local: datetime, hours: Hours) -> datetime | None:
    """The local time at which the quiet of these hours ends, on no clock in particular."""
    today, clock = local.date(), local.time()
    if today.weekday() in hours.days:
        return _at(today + timedelta(days=1), time())
    begins, ends = time.fromisoformat(hours.begins), time.fromisoformat(hours.ends)
    if begins <= ends:
        return _at(today, ends) if begins <= clock < ends else None
    if clock >= begins:
        return _at(today + timedelta(days=1), ends)
    return _at(today, ends) if clock < ends else None


def _at(day: date, clock: time) -> datetime:
    return datetime.combine(day, clock)


def _after(moment: datetime, local: datetime, zone: ZoneInfo) -> datetime:
    """A local time as a moment that lies after another: where the clock is put back it comes twice."""
    utc = moment.tzinfo
    first = local.replace(tzinfo=zone).astimezone(utc)
    return first if first > moment else local.replace(tzinfo=zone, fold=1).astimezone(utc)
