"""What Twilio's own lists say of our senders, joined with what earlier lists said."""

from collections.abc import Iterable, Mapping
from typing import NamedTuple

import msgspec
from msgspec.structs import replace

from services.domain.clock import seconds_between
from services.domain.identity import raw_event_id
from services.domain.senders.events import LIST, MOST_MEMBERSHIPS, KnownSender, Membership, SendersStated, Span
from services.domain.senders.names import kind_of, name_of

# Between two lists a day apart, with an hour or two for a late timer, nothing is missed.
_DAILY_S = 26 * 3600.0
_MOST_SPANS = 4


class Listed(NamedTuple):
    """All that Twilio lists of one tenant. `members`: service → the addresses in it; `senders`: all addresses."""

    senders: tuple[str, ...]
    members: Mapping[str, tuple[str, ...]]


class Change(NamedTuple):
    """What a list changes. `kind`: `joined` a service, `left` it, or is `new` and in none."""

    kind: str
    sender: str
    service: str


def joined(before: SendersStated | None, tenant: str, listed: Listed, at: str) -> SendersStated:
    """What is known after a list of this moment. A membership that has ended stays, with its end."""
    now = _memberships(listed)
    known = dict(before.senders) if before else {}
    senders: dict[str, KnownSender] = {}
    full, room = False, MOST_MEMBERSHIPS
    # What is there now finds room before what was.
    for name in sorted({*known, *now}, key=lambda name: (name not in now, name)):
        one = _sender(name, known.get(name), now.get(name, frozenset()), at)
        room -= max(1, len(one.services))
        if room >= 0:
            senders[name] = one
        else:
            full = True
    content = msgspec.json.encode([senders, sorted(listed.members)], order="sorted")
    return SendersStated(
        event_id=raw_event_id("senders_stated", tenant, (LIST.encode(), at.encode(), content)),
        tenant=tenant,
        part=LIST,
        at=at,
        senders=dict(sorted(senders.items())),
        services=sorted(listed.members),
        full=full,
    )


def changes(before: SendersStated | None, after: SendersStated) -> list[Change]:
    """What a person wants to see before it is written."""
    found = []
    known = before.senders if before else {}
    for name, one in after.senders.items():
        was = known[name].services if name in known else {}
        if name not in known and not one.services:
            found.append(Change("new", name, ""))
        for service, membership in one.services.items():
            open_before = service in was and was[service].ended is None
            if open_before != (membership.ended is None):
                found.append(Change("left" if membership.ended else "joined", name, service))
    return found


def is_emptied(before: SendersStated | None, listed: Listed) -> bool:
    """Is there nothing at all where there was something? That is rather a wrong key than the truth."""
    return before is not None and bool(before.senders) and not listed.senders and not listed.members


def _memberships(listed: Listed) -> dict[str, frozenset[str]]:
    found: dict[str, set[str]] = {name: set() for name in _names(listed.senders)}
    for service, members in listed.members.items():
        for name in _names(members):
            found.setdefault(name, set()).add(service)
    return {name: frozenset(services) for name, services in found.items()}


def _names(addresses: Iterable[str]) -> list[str]:
    return [name for address in addresses if (name := name_of(address))]


def _sender(name: str, before: KnownSender | None, now: frozenset[str], at: str) -> KnownSender:
    was = before.services if before else {}
    services = {service: one if one.ended else replace(one, ended=at) for service, one in was.items()}
    services |= {service: _listed(was.get(service), at) for service in now}
    return KnownSender(kind=kind_of(name), services=dict(sorted(services.items())))


def _listed(before: Membership | None, at: str) -> Membership:
    if before is None:
        return Membership(since=at, last=at, spans=[Span(first=at, last=at)])
    *earlier, latest = before.spans
    gone_on = before.ended is None and seconds_between(latest.last, at) <= _DAILY_S
    spans = [*earlier, replace(latest, last=at)] if gone_on else [*before.spans, Span(first=at, last=at)]
    return replace(before, last=at, ended=None, spans=spans[-_MOST_SPANS:])
