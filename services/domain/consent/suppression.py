"""The suppression fold: may we write to a contact, by scope, from everything that was ever said about it.

The state is two sets of marks, yes and no, that only grow; the answer is read off them. So any order and repetition of
the same facts gives the same state. Webhooks tell when we heard, not when it was said: a START releases a STOP only if
it came more than HORIZON_S later, or if Twilio's own dates of both messages are known and say so. Ties stay suppressed.

A number that its carrier took back may be somebody else's next: no yes from before counts, and every no stays.

A person has several names. A no is told to all that are linked, and onward. A yes is told to those alone that its own
webhook names: a number may be somebody else's by now.
"""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, NamedTuple

import msgspec
from msgspec.structs import replace

from services.domain.clock import seconds_between
from services.domain.consent import deactivations, holds
from services.domain.consent.commands import (
    ConsentAccepted,
    ContactLinked,
    Mark,
    MessageDated,
    SharedMark,
    Statement,
)
from services.domain.consent.deactivations import KnownDeactivated, NumberDeactivated
from services.domain.consent.events import (
    ConsentRecorded,
    DeactivationRecorded,
    HoldRecorded,
    LinkRecorded,
    OptOutSuspected,
    Suppression,
    SuppressionChanged,
)
from services.domain.consent.holds import HoldPlaced, HoldReleased, Holds
from services.domain.consent.refusals import LEFT
from services.domain.consent.scopes import HELD, TENANT
from services.domain.identity import derived_event_id

HORIZON_S = 60.0
# Of each kind and scope; the latest stay. More of them within a minute are nobody's yes and no.
MOST_MARKS = 8
# A row is written whole. Whoever said STOP to more senders than that is left alone by all of them.
MOST_SCOPES = 64
MOST_LINKS = 8
# Of messages that looked like a no, decided or not; the latest stay.
MOST_DISMISSED = 32
# In place of the marks that found no room any more.
_EARLIER = "~earlier"

Marks = dict[str, dict[str, Mark]]
Hold = HoldPlaced | HoldReleased
Derived = (
    ConsentRecorded
    | OptOutSuspected
    | LinkRecorded
    | HoldRecorded
    | DeactivationRecorded
    | KnownDeactivated
    | SuppressionChanged
    | ContactLinked
    | Hold
)


class Standing(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """All that is known of a contact's consent: scope → id of a statement → its mark. Key: contact.

    `suspects`: what looks like a no, in the same way. `dismissed`: message → who decided that it is none, and when.
    `deactivated`: the end of the last day on which the number was taken back; empty: never, as far as anybody knows.
    """

    tenant: str
    contact: str
    outs: Marks = {}
    ins: Marks = {}
    suspects: Marks = {}
    dismissed: dict[str, Mark] = {}
    links: tuple[str, ...] = ()
    holds: Holds = {}
    deactivated: str = ""


class Consented(msgspec.Struct, frozen=True, kw_only=True):
    """The latest yes that is more than a lifted block."""

    at: str
    evidence: str


class Told(NamedTuple):
    """What one fact states: an action in some scopes, by one statement, with the fields of its evidence."""

    action: Statement
    scopes: tuple[str, ...]
    id: str
    mark: Mark
    evidence: Mapping[str, Any]


class Stated(NamedTuple):
    """What a fact of any product states: what was said, and the other names that it gives the person. `at`: when we
    heard of it.
    """

    event_id: str
    tenant: str
    contact: str
    at: str
    told: Sequence[Told] = ()
    linked: Sequence[str] = ()


Event = Stated | ConsentAccepted | ContactLinked | MessageDated | Hold | NumberDeactivated


def fold(state: Standing | None, event: Event) -> tuple[Standing | None, list[Derived]]:
    """Join one fact; one that says nothing changes nothing."""
    if isinstance(event, NumberDeactivated):
        return (None, []) if state is None else _taken_back(state, event)
    known = state or Standing(tenant=event.tenant, contact=event.contact)
    if isinstance(event, HoldPlaced | HoldReleased):
        return _held(known, event)
    told = _told(event)
    links = _links(event)
    if not told and not links:
        return state, []
    joined, news = join(known, told, links)
    lifting = _lifting(known, event, told)
    if joined == known:
        return state, [*lifting]
    derived: list[Derived] = [_evidence(joined, event, one) for one in news]
    derived += [_linked(joined, event, one) for one in joined.links if one not in known.links]
    if suppressed(joined) != suppressed(known):
        derived.append(_changed(joined, event))
    derived += [*_shared(known, joined, event, news), *lifting]
    for link in joined.links:
        if link not in known.links:
            derived += holds.everything(joined.holds, joined.contact, link, _time(event))
    return joined, derived


def counting(state: Standing) -> Standing:
    """The row with those yeses alone that count: what was said since the number was last taken back."""
    if not state.deactivated:
        return state
    ins = {
        scope: {name: mark for name, mark in marks.items() if mark.at > state.deactivated}
        for scope, marks in state.ins.items()
    }
    return replace(state, ins=ins)


def _taken_back(state: Standing, event: NumberDeactivated) -> tuple[Standing, list[Derived]]:
    if event.at <= state.deactivated:
        return state, []
    after = replace(state, deactivated=event.at)
    derived: list[Derived] = [*deactivations.record(event)]
    if suppressed(after) != suppressed(state):
        derived.append(_changed(after, event))
    return after, derived


def suppressed(state: Standing | None) -> dict[str, Suppression]:
    """The scopes in which we may not write, each with the earliest statement that nothing has released.

    Where there is nothing but what WhatsApp keeps, which stops less, with the latest.
    """
    return {scope: told_by(noes) for scope, noes in unreleased(state).items()}


def unreleased(state: Standing | None) -> dict[str, list[Mark]]:
    """The noes that no yes takes back, by scope."""
    found: dict[str, list[Mark]] = {}
    if state is None:
        return found
    ins = counting(state).ins
    for scope, outs in sorted(state.outs.items()):
        releasing = [*ins.get(scope, {}).values(), *ins.get(TENANT, {}).values()]
        standing = [out for out in outs.values() if not any(releases(said, out) for said in releasing)]
        if standing:
            found[scope] = standing
    return found


def answer(state: Standing | None) -> dict[str, Suppression]:
    """What the world is told: the same, and `held` while something of theirs could not be read."""
    held = holds.held(state.holds) if state else None
    return {**suppressed(state), **({HELD: held} if held else {})}


def told_by(standing: Iterable[Mark]) -> Suppression:
    """The one of several noes that is told: the earliest that stops everything, else the latest."""
    ordered = sorted(standing, key=lambda mark: (mark.at, mark.evidence))
    told = next((mark for mark in ordered if mark.source not in LEFT), ordered[-1])
    return Suppression(since=told.at, evidence=told.evidence, source=told.source)


def suspicions(state: Standing | None) -> Standing | None:
    """As if what looks like a no, and nobody decided, were one; and as if nothing else were. A later no decides too."""
    if state is None:
        return None
    open_ = {}
    for scope, marks in state.suspects.items():
        noes = [*state.outs.get(scope, {}).values(), *state.outs.get(TENANT, {}).values()]
        latest = max((no.at for no in noes), default="")
        open_[scope] = {name: mark for name, mark in marks.items() if name not in state.dismissed and mark.at > latest}
    return Standing(tenant=state.tenant, contact=state.contact, outs=open_, ins=counting(state).ins)


def suspected(state: Standing | None) -> dict[str, Mapping[str, Mark]]:
    """Scope → message → its mark: what looks like an opt-out, and nobody decided, and no later yes takes back."""
    found = suspicions(state)
    return {
        scope: {name: mark for name, mark in found.outs[scope].items() if not any(releases(yes, mark) for yes in yeses)}
        for scope in suppressed(found)
        if found is not None
        for yeses in [[*found.ins.get(scope, {}).values(), *found.ins.get(TENANT, {}).values()]]
    }


def consented(state: Standing | None, scopes: Iterable[str]) -> Consented | None:
    """The latest consent in any of these scopes or for the whole tenant.

    An opt-out ends it, also once it is lifted; and that the number was taken back.
    """
    if state is None:
        return None
    where = (*scopes, TENANT)
    ended = max((mark.at for scope in where for mark in state.outs.get(scope, {}).values()), default="")
    ins = counting(state).ins
    yes = [mark for scope in where for mark in ins.get(scope, {}).values()]
    said = [mark for mark in yes if mark.consents and mark.at > ended]
    latest = max(said, key=lambda mark: (mark.at, mark.evidence), default=None)
    return Consented(at=latest.at, evidence=latest.evidence) if latest else None


def _held(known: Standing, event: Hold) -> tuple[Standing, list[Derived]]:
    joined = replace(known, holds=holds.join(known.holds, event))
    if joined == known:
        return known, []
    derived: list[Derived] = [holds.record(event)]
    if answer(joined) != answer(known):
        derived.append(_changed(joined, event))
    return joined, [*derived, *(holds.passed_on(event, link) for link in joined.links)]


def releases(said: Mark, out: Mark) -> bool:
    """Does this yes come after that no, as far as anyone can know, and may it lift it?"""
    if not said.releases:
        return False
    horizon = 0.0 if said.exact and out.exact else HORIZON_S
    return seconds_between(out.at, said.at) > horizon


def _told(event: Event) -> Sequence[Told]:
    match event:
        case Stated():
            return event.told
        case ConsentAccepted():
            if event.action == "dismiss":
                return [_dismissed(event)]
            consents = event.action == "opt_in"
            # Whoever states it must not choose when: a no counts from when we took it, however old it is said to be. A
            # date can only make a yes weaker.
            at = event.given_at if consents else event.accepted_at
            mark = Mark(at=at, evidence=event.event_id, source="command", consents=consents)
            names = ("command_id", "address", "given_at", "ip", "user_agent", "proof")
            evidence = {name: getattr(event, name) for name in names} | {"stated_source": event.source}
            # A yes that is produced again must not outlast a no that came between; a no may be said again.
            again = f":{event.given_at}" if event.action == "opt_out" else ""
            return [Told(event.action, (event.scope,), f"command:{event.command_id}{again}", mark, evidence)]
        case ContactLinked():
            return [Told(one.action, (one.scope,), one.id, one.mark, {}) for one in event.marks]
        case MessageDated():
            return _dated(event)
        case _:
            return []


def _dated(event: MessageDated) -> list[Told]:
    scopes: dict[tuple[Statement, Mark], list[str]] = {}
    for one in event.marks:
        scopes.setdefault((one.action, one.mark), []).append(one.scope)
    evidence = {"message_sid": event.message_sid}
    return [Told(action, tuple(named), event.message_sid, mark, evidence) for (action, mark), named in scopes.items()]


def _dismissed(event: ConsentAccepted) -> Told:
    mark = Mark(at=event.accepted_at, evidence=event.event_id, source="command")
    names = ("command_id", "address", "given_at", "ip", "user_agent", "proof", "message_sid")
    evidence = {name: getattr(event, name) for name in names} | {"stated_source": event.source}
    return Told("dismiss", (TENANT,), event.message_sid or "", mark, evidence)


def join(state: Standing, told: Iterable[Told], names: Iterable[str]) -> tuple[Standing, list[Told]]:
    """The joined state, and those of `told` that it did not hold. `names`: contacts that are the same person."""
    outs, ins, suspects, dismissed = dict(state.outs), dict(state.ins), dict(state.suspects), state.dismissed
    news = []
    for one in told:
        if one.action == "dismiss":
            before, dismissed = dismissed, _decided(dismissed, one)
            news += [one] if dismissed != before else []
            continue
        into = {"opt_out": outs, "opt_in": ins, "suspected": suspects}[one.action]
        new = False
        for named in one.scopes:
            # Only what suppresses may be widened.
            scope = named if named in into or len(into) < MOST_SCOPES else TENANT
            if scope == TENANT != named and one.action == "opt_in":
                continue
            marks = _with(into.get(scope, {}), one)
            new = new or marks != into.get(scope)
            into[scope] = marks
        if new:
            news.append(one)
    links = state.links
    for name in names:
        if name != state.contact and name not in links and len(links) < MOST_LINKS:
            links = tuple(sorted((*links, name)))
    return replace(state, outs=outs, ins=ins, suspects=suspects, dismissed=dismissed, links=links), news


def _decided(dismissed: dict[str, Mark], told: Told) -> dict[str, Mark]:
    """With one more dismissal: of each message the first."""
    known = dismissed.get(told.id)
    joined = {**dismissed, told.id: told.mark if known is None else min(known, told.mark, key=_precision)}
    by_time = sorted(joined.items(), key=lambda item: (item[1].at, item[0]))
    return dict(sorted(by_time[-MOST_DISMISSED:]))


def _with(marks: Mapping[str, Mark], told: Told) -> dict[str, Mark]:
    known = marks.get(told.id)
    # Of what found no room the latest stays, here and wherever it is shared.
    choose = min if told.id != _EARLIER else max
    joined = {**marks, told.id: told.mark if known is None else choose(known, told.mark, key=_precision)}
    earlier = joined.pop(_EARLIER, None)
    by_time = sorted(joined.items(), key=lambda item: (item[1].at, item[0]))
    kept = dict(by_time[-MOST_MARKS:])
    # What finds no room goes on suppressing, as the latest of it would without its date.
    no_room = [replace(mark, exact=False) for _, mark in by_time[:-MOST_MARKS]]
    if told.action == "opt_out" and (no_room or earlier):
        kept[_EARLIER] = max([*no_room, *([earlier] if earlier else [])], key=lambda mark: (mark.at, mark.evidence))
    return dict(sorted(kept.items()))


def _precision(mark: Mark) -> tuple[bool, str, str]:
    # One statement heard of twice: its own date, then the first arrival.
    return not mark.exact, mark.at, mark.evidence


def _evidence(state: Standing, event: Event, told: Told) -> ConsentRecorded | OptOutSuspected:
    transition = f"{state.contact} {told.action} {told.id} {','.join(told.scopes)} {told.mark.at} {told.mark.exact}"
    event_id = derived_event_id(event.event_id, "consent", transition)
    if told.action == "suspected":
        return OptOutSuspected(
            event_id=event_id,
            tenant=state.tenant,
            contact=state.contact,
            at=told.mark.at,
            exact=told.mark.exact,
            scopes=list(told.scopes),
            message_sid=told.evidence.get("message_sid"),
            mark=told.id,
            evidence=told.mark.evidence,
        )
    return ConsentRecorded(
        event_id=event_id,
        tenant=state.tenant,
        contact=state.contact,
        at=told.mark.at,
        exact=told.mark.exact,
        action=told.action,
        scopes=list(told.scopes),
        source=told.mark.source,
        mark=told.id,
        evidence=told.mark.evidence,
        consents=told.mark.consents,
        releases=told.mark.releases,
        **told.evidence,
    )


def _linked(state: Standing, event: Event, link: str) -> LinkRecorded:
    return LinkRecorded(
        event_id=derived_event_id(event.event_id, "link", f"{state.contact}>{link}"),
        tenant=state.tenant,
        contact=state.contact,
        linked=link,
        at=_time(event),
        evidence=event.event_id,
    )


def _changed(state: Standing, event: Event) -> SuppressionChanged:
    after = answer(state)
    transition = ",".join(f"{scope}={one.evidence}@{one.since}" for scope, one in after.items())
    return SuppressionChanged(
        event_id=derived_event_id(event.event_id, "suppression", f"{state.contact}>{transition}"),
        tenant=state.tenant,
        contact=state.contact,
        at=_time(event),
        suppressed=after,
    )


def _shared(before: Standing, after: Standing, event: Event, news: list[Told]) -> list[ContactLinked]:
    """The noes that the linked contacts do not know yet: all of them when the link is new, else the news.

    With them what looks like one, and what somebody decided of it, which names its message.
    """
    latest = _marks([one for one in news if one.action != "opt_in"])
    everything = [
        *_all("opt_out", after.outs),
        *_all("suspected", after.suspects),
        *_all("dismiss", {TENANT: after.dismissed}),
    ]
    origin = event.linked if isinstance(event, ContactLinked) else None
    # Also those for whom there was no room: they are told each time.
    named = [name for name in _links(event) if name not in (origin, after.contact)]
    return [
        _contact_linked("linked", event, after, link, latest if link in before.links else everything)
        for link in dict.fromkeys((*after.links, *named))
        if link not in before.links or (latest and link != origin)
    ]


def _lifting(known: Standing, event: Event, told: Sequence[Told]) -> list[ContactLinked]:
    """A yes for the other names that its own fact states; they pass it on to nobody."""
    if not isinstance(event, Stated):
        return []
    # Told once; again only where another copy of the message is what is known of it here.
    lifts = [one for one in told if one.action == "opt_in" and not _holds(known, one)]
    others = [name for name in dict.fromkeys(event.linked) if name != known.contact]
    return [_contact_linked("lifting", event, known, name, _marks(lifts)) for name in others if lifts]


def _holds(known: Standing, told: Told) -> bool:
    """Was this very fact folded here before? A date that was fetched names it too, and tells nobody else."""
    same = (told.mark.evidence, told.mark.exact)
    marks = [known.ins.get(scope, {}).get(told.id) for scope in told.scopes]
    return all(mark is not None and (mark.evidence, mark.exact) == same for mark in marks)


def _links(event: Event) -> Sequence[str]:
    match event:
        case Stated():
            return event.linked
        case ContactLinked():
            return (event.linked,)
        case _:
            return ()


def _marks(told: Iterable[Told]) -> list[SharedMark]:
    return [
        SharedMark(id=one.id, action=one.action, scope=scope, mark=one.mark) for one in told for scope in one.scopes
    ]


def _all(action: Statement, marks: Marks) -> list[SharedMark]:
    return [
        SharedMark(id=key, action=action, scope=scope, mark=mark)
        for scope, by_id in marks.items()
        for key, mark in by_id.items()
    ]


def _contact_linked(why: str, event: Event, told_by: Standing, name: str, marks: list[SharedMark]) -> ContactLinked:
    return ContactLinked(
        event_id=derived_event_id(event.event_id, why, f"{told_by.contact}>{name}"),
        tenant=told_by.tenant,
        contact=name,
        linked=told_by.contact,
        at=_time(event),
        marks=marks,
    )


def _time(event: Event) -> str:
    return event.accepted_at if isinstance(event, ConsentAccepted) else event.at
