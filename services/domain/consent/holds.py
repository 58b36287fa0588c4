"""Holds: what could not be read may have been a person's no, so nothing is sent to them until somebody has seen to it.

A hold is named by the position of the record that could not be read (`twilio.inbound.v1/3@17`), whoever could not: what
is done about the record is done for all who could not. The state is two sets that only grow, of what was placed and of
what was released; the answer is read off them. So any order and repetition of the same facts gives the same state.
"""

import re
from collections.abc import Iterator, Sequence
from typing import Literal, NamedTuple

import msgspec
from msgspec.structs import replace

from services.domain.consent.events import HoldRecorded, Suppression
from services.domain.identity import derived_event_id

# Of one partition of a topic: a row is written whole. Of more than that the first are one hold, released as such.
MOST_HOLDS = 64
SOURCE = "unread"
_OFFSET = re.compile(r"\d{1,18}", re.ASCII)
_CONTACT_KEY = re.compile(r"[a-z0-9][a-z0-9_-]{0,62}\|[0-9a-f]{32}", re.ASCII)

How = Literal["retried", "dropped", "released"]


class HoldPlaced(msgspec.Struct, frozen=True, kw_only=True, tag_field="event_type", tag="hold_placed"):
    """A record of this contact could not be read by `app` (`twilio.outbound.accepted.v1`, keyed by contact).

    `hold`: the record's position; `at`: its time.
    """

    event_id: str
    tenant: str
    contact: str
    hold: str
    at: str
    app: str


class HoldReleased(msgspec.Struct, frozen=True, kw_only=True, tag_field="event_type", tag="hold_released"):
    """Somebody has seen to what was not read (`twilio.outbound.accepted.v1`, keyed by contact).

    `earlier`: also those before it that found no room in the row, and are one hold.
    """

    event_id: str
    tenant: str
    contact: str
    hold: str
    at: str
    how: How
    earlier: bool = False


Fact = HoldPlaced | HoldReleased


class StandingHold(NamedTuple):
    """A hold that nobody has released; `at` is the time of its record. `earlier`: it stands for those before it too."""

    hold: str
    at: str
    earlier: bool = False


class Source(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """Of one partition of a topic, by offset: what was placed, each with its time, and what was released.

    `earlier`: the last of those that found no room, and its time. `through`: up to where those are released.
    """

    placed: dict[int, str] = {}
    released: tuple[int, ...] = ()
    earlier: tuple[int, str] | None = None
    through: int = -1


# By where it came from: `twilio.inbound.v1/3`.
Holds = dict[str, Source]
_EMPTY = Source()


def join(holds: Holds, fact: Fact) -> Holds:
    """Join one fact."""
    name, offset = _split(fact.hold)
    known = holds.get(name, _EMPTY)
    placed, released, through = known.placed, {*known.released}, known.through
    if isinstance(fact, HoldPlaced):
        placed = {**placed, offset: min(placed.get(offset, fact.at), fact.at)}
    else:
        released.add(offset)
        through = max(through, offset) if fact.earlier else through
    offsets = sorted({*placed, *released})
    gone, kept = offsets[:-MOST_HOLDS], offsets[-MOST_HOLDS:]
    joined = Source(
        placed={one: placed[one] for one in kept if one in placed},
        released=tuple(one for one in kept if one in released),
        earlier=_later(known.earlier, [(one, placed[one]) for one in gone if one in placed]),
        through=through,
    )
    return dict(sorted({**holds, name: joined}.items()))


def _later(known: tuple[int, str] | None, gone: Sequence[tuple[int, str]]) -> tuple[int, str] | None:
    found = [*gone, *([known] if known else [])]
    last = max((offset for offset, _ in found), default=None)
    return None if last is None else (last, min(at for offset, at in found if offset == last))


def standing(holds: Holds) -> Iterator[StandingHold]:
    """Those that nobody has released. Of those that found no room the last stands for all of them."""
    for name, one in holds.items():
        if one.earlier is not None and one.earlier[0] > one.through:
            yield StandingHold(f"{name}@{one.earlier[0]}", one.earlier[1], earlier=True)
        for offset, at in one.placed.items():
            if offset not in one.released:
                yield StandingHold(f"{name}@{offset}", at)


def held(holds: Holds) -> Suppression | None:
    """The first of those that stand, as scope `held` tells it; its evidence is the position of what was not read."""
    first = min(standing(holds), key=lambda one: (one.at, one.hold), default=None)
    return Suppression(since=first.at, evidence=first.hold, source=SOURCE) if first else None


def place(position: str, contact: str, at: str, app: str) -> HoldPlaced:
    """The hold for a record that `app` could not read. `contact`: a contact key."""
    return HoldPlaced(
        event_id=derived_event_id(position, "hold_placed", app),
        tenant=_tenant(contact),
        contact=contact,
        hold=position,
        at=at,
        app=app,
    )


def release(position: str, contact: str, at: str, how: How, earlier: bool = False) -> HoldReleased:
    """The release of a hold, at `at`. `earlier`: and of those before it that are one hold."""
    return HoldReleased(
        event_id=derived_event_id(position, "hold_released", f"{contact} {how} {at} {earlier}"),
        tenant=_tenant(contact),
        contact=contact,
        hold=position,
        at=at,
        how=how,
        earlier=earlier,
    )


def record(fact: Fact) -> HoldRecorded:
    """The evidence of a fact that changed something."""
    return HoldRecorded(
        event_id=derived_event_id(fact.event_id, "hold", fact.contact),
        tenant=fact.tenant,
        contact=fact.contact,
        hold=fact.hold,
        at=fact.at,
        what=fact.how if isinstance(fact, HoldReleased) else "placed",
        earlier=isinstance(fact, HoldReleased) and fact.earlier,
        evidence=fact.event_id,
    )


def recalled(event: HoldRecorded) -> Fact:
    """The fact that an evidence was made of, as far as it matters."""
    names = {name: getattr(event, name) for name in ("tenant", "contact", "hold", "at")}
    if event.what == "placed":
        return HoldPlaced(**names, event_id=event.evidence, app="")
    return HoldReleased(**names, event_id=event.evidence, how=event.what, earlier=event.earlier)


def passed_on(fact: Fact, link: str) -> Fact:
    """The same for another name of the same person: what was not read may be a no that reaches them."""
    return replace(fact, contact=link, event_id=derived_event_id(fact.event_id, "hold", link))


def everything(holds: Holds, contact: str, link: str, at: str) -> Iterator[Fact]:
    """All of it for another name of the same person, told at `at`."""
    for name, one in holds.items():
        for offset, since in {**dict([one.earlier] if one.earlier else []), **one.placed}.items():
            yield passed_on(place(f"{name}@{offset}", contact, since, "linked"), link)
        for offset in one.released:
            yield passed_on(release(f"{name}@{offset}", contact, at, "released"), link)
        if one.through >= 0:
            yield passed_on(release(f"{name}@{one.through}", contact, at, "released", earlier=True), link)


def contact_of(key: bytes | None) -> str | None:
    """The contact key that a record's key is, if it looks like one. Whose topic it stands on must be believed."""
    text = (key or b"").decode("utf-8", "replace")
    return text if _CONTACT_KEY.fullmatch(text) else None


def _tenant(contact: str) -> str:
    return contact.rpartition("|")[0]


def _split(hold: str) -> tuple[str, int]:
    name, _, offset = hold.rpartition("@")
    # Whatever is no position is a name of its own.
    return (name, int(offset)) if _OFFSET.fullmatch(offset) else (hold, 0)
