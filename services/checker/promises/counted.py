"""Each message is counted once, where it stands; the counts add up to the messages (docs/deliverability.md)."""

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any

import phonenumbers

from services.checker.addresses import person
from services.checker.facts import UNSETTLED, Fact, Facts
from services.checker.finding import Looking
from services.checker.statuses import Standing, named, standings
from services.checker.topics import DELIVERABILITY, DELIVERY, SENT, STATUS

_COUNTS = {
    "sent": "sent",
    "delivered": "delivered",
    "read": "read",
    "failed": "failed",
    "undelivered": "failed",
    "partially_delivered": "failed",
}
_ROW = ("tenant", "minute", "country", "carrier", "channel", "sender")


def look(facts: Facts) -> Looking:
    """Steps of a message hand its place on; the last one is where its facts put it; counts are sums of last places."""
    looking = Looking()
    if not facts.whole(STATUS, SENT, DELIVERY, DELIVERABILITY):
        looking.unchecked = UNSETTLED
        return looking
    wanted = standings(facts)
    places: dict[str, tuple[str, Mapping[str, Any] | None]] = {}
    for fact in facts.of(DELIVERY):
        sid = named(fact)
        before = places[sid][1] if sid in places else None
        if fact.event.get("counted_before") != before:
            looking.wrong.append(f"{fact.at}: {sid} leaves a count that it was not in")
        places[sid] = fact.text("tenant"), fact.event.get("counted_now")
    looking.checked = len(places)
    if facts.settled:
        for sid, (_, place) in places.items():
            _where(looking, sid, wanted.get(sid), place)
        _sums(looking, places, facts.of(DELIVERABILITY))
    return looking


def _where(looking: Looking, sid: str, standing: Standing | None, place: Mapping[str, Any] | None) -> None:
    if standing is None:
        return
    reached = _COUNTS.get(standing.status)
    if place is None or reached is None:
        if (place is None) is not (reached is None):
            looking.wrong.append(
                f"{sid} is {standing.status}, and counted {'nowhere' if place is None else 'somewhere'}"
            )
        return
    said = {name: place.get(name) for name in ("minute", "country", "channel", "sender", "reached", "error")}
    right = {
        "minute": f"{min(step.at for step in standing.steps.values())[:16]}:00.000Z",
        "country": _country(standing.to),
        "channel": _channel(standing.sender) or _channel(standing.to),
        "sender": standing.sender[:64],
        "reached": reached,
        "error": standing.error_code if reached == "failed" else None,
    }
    if others := [name for name in right if said[name] != right[name]]:
        # Names alone: a sender is an address.
        looking.wrong.append(f"{sid} is counted under another {' and '.join(others)} than its facts say")


def _channel(address: str) -> str:
    """What stands before the colon, `sms` where nothing does; an MMS is a text message."""
    if not address.strip():
        return ""
    before, colon, _ = address.strip().partition(":")
    named = before.lower() if colon else "sms"
    if not (named.isascii() and named.isalpha() and len(named) <= 16):
        return ""
    return "sms" if named == "mms" else named


def _country(address: str) -> str:
    try:
        return phonenumbers.region_code_for_number(phonenumbers.parse(person(address))) or ""
    except phonenumbers.NumberParseException:
        return ""


def _sums(looking: Looking, places: Mapping[str, tuple[str, Mapping[str, Any] | None]], told: Sequence[Fact]) -> None:
    wanted: Counter[tuple[Any, ...]] = Counter()
    row: tuple[Any, ...]
    for tenant, place in places.values():
        if place is not None:
            row = (tenant, *(place.get(name) for name in _ROW[1:]))
            wanted[*row, place.get("reached")] += 1
            wanted[*row, str(place["error"])] += place.get("error") is not None
    last = {(*(fact.event.get(name) for name in _ROW), fact.event.get("part")): fact.event for fact in told}
    found: Counter[tuple[Any, ...]] = Counter()
    for place_and_part, event in last.items():
        row = place_and_part[:-1]
        counts = {name: event.get(name, 0) for name in ("sent", "delivered", "read", "failed")} | event.get(
            "errors", {}
        )
        for name, number in counts.items():
            found[*row, name] += number
    for where in (+wanted - +found) + (+found - +wanted):
        tenant, minute, country, _, channel, _, name = map(str, where)
        said = f"{tenant} {minute} {country} {channel} {name}"
        looking.wrong.append(f"{said}: {found[where]} are counted for a sender, and {wanted[where]} stand there")
