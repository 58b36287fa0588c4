"""When one could write freely by WhatsApp, from what people wrote and the last time that was on everybody's clock."""

from collections import defaultdict
from collections.abc import Iterable
from datetime import datetime, timedelta

from services.cli.demo.settings import ACCOUNTS
from services.cli.demo.twilio import Posted

_DAY = timedelta(hours=24)
_LAST_HOUR = timedelta(hours=1)
_TENANTS = {account: tenant for tenant, account in ACCOUNTS.items()}


def windows(posted: Iterable[Posted], now: datetime) -> dict[str, str]:
    """Person and sender of ours → what must have been told of their window, extensions apart."""
    wrote: defaultdict[str, list[datetime]] = defaultdict(list)
    for one in posted:
        fields = one.parameters
        if one.kind == "inbound" and one.acknowledged and fields["From"].startswith("whatsapp:"):
            who = f"{_TENANTS[fields['AccountSid']]} {fields['From'].removeprefix('whatsapp:')}"
            wrote[f"{who} at {fields['To']}"].append(one.at)
    return {pair: ", ".join(_life(sorted(moments), now)) for pair, moments in wrote.items()}


def _life(moments: list[datetime], now: datetime) -> list[str]:
    told: list[str] = []
    until = moments[0]
    for moment in moments:
        if moment >= until:
            told += [*_end(until, moment), "opened"] if told else ["opened"]
        until = max(until, moment + _DAY)
    return told + _end(until, now)


def _end(until: datetime, now: datetime) -> list[str]:
    return (["closing"] if until - _LAST_HOUR <= now else []) + (["expired"] if until <= now else [])
