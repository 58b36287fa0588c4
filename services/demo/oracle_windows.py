"""When one could write freely by WhatsApp, from what people wrote and the last time that was on everybody's clock.

A message of ours that ended with 63016 came too late: then the window was closed already.
"""

from collections import defaultdict
from collections.abc import Iterable
from datetime import datetime, timedelta

from services.demo.settings import ACCOUNTS
from services.demo.twilio import Posted

_DAY = timedelta(hours=24)
_LAST_HOUR = timedelta(hours=1)
_TENANTS = {account: tenant for tenant, account in ACCOUNTS.items()}
_TOO_LATE = "63016"


def windows(posted: Iterable[Posted], now: datetime) -> dict[str, str]:
    """Person and sender of ours → what must have been told of their window, extensions apart."""
    wrote: defaultdict[str, list[datetime]] = defaultdict(list)
    late: defaultdict[str, list[datetime]] = defaultdict(list)
    for one in posted:
        fields = one.parameters
        if one.kind == "inbound" and one.acknowledged and fields["From"].startswith("whatsapp:"):
            wrote[_pair(fields, fields["From"], fields["To"])].append(one.at)
        elif fields.get("ErrorCode") == _TOO_LATE and one.acknowledged:
            late[_pair(fields, fields["To"], fields["From"])].append(one.at)
    return {pair: ", ".join(_life(sorted(moments), late[pair], now)) for pair, moments in wrote.items()}


def _pair(fields: dict[str, str], person: str, ours: str) -> str:
    return f"{_TENANTS[fields['AccountSid']]} {person.removeprefix('whatsapp:')} at {ours}"


def _life(moments: list[datetime], late: list[datetime], now: datetime) -> list[str]:
    told: list[str] = []
    until: datetime | None = None
    for at, wrote in sorted([*((moment, True) for moment in moments), *((one, False) for one in late)]):
        if until is not None and until <= at:
            told, until = told + _end(until, at), None
        if wrote:
            told += [] if until else ["opened"]
            until = at + _DAY
        elif until is not None:
            told, until = [*told, *_end(until, at), "expired"], None
    return told + (_end(until, now) if until else [])


def _end(until: datetime, now: datetime) -> list[str]:
    return (["closing"] if until - _LAST_HOUR <= now else []) + (["expired"] if until <= now else [])
