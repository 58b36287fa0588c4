"""The suppression fold: may we write to a contact, by scope, from everything that was ever said about it.

The state is two sets of marks, yes and no, that only grow (`joining`); the answer is read off them (`standing`). So any
order and repetition of the same facts gives the same state, and what the world is told of it.
"""

from msgspec.structs import replace

from services.domain.consent import deactivations, holds
from services.domain.consent.commands import ContactLinked
from services.domain.consent.deactivations import KnownDeactivated, NumberDeactivated
from services.domain.consent.events import (
    ConsentRecorded,
    DeactivationRecorded,
    HoldRecorded,
    LinkRecorded,
    OptOutSuspected,
    SuppressionChanged,
)
from services.domain.consent.holds import HoldPlaced, HoldReleased
from services.domain.consent.joining import join
from services.domain.consent.sharing import lifted, shared
from services.domain.consent.standing import Standing, answer, suppressed
from services.domain.consent.statements import Event, Hold, Told, names_of, time_of, told_of
from services.domain.identity import derived_event_id

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


def fold(state: Standing | None, event: Event) -> tuple[Standing | None, list[Derived]]:
    """Join one fact; one that says nothing changes nothing."""
    if isinstance(event, NumberDeactivated):
        return (None, []) if state is None else _taken_back(state, event)
    known = state or Standing(tenant=event.tenant, contact=event.contact)
    if isinstance(event, HoldPlaced | HoldReleased):
        return _held(known, event)
    told = told_of(event)
    links = names_of(event)
    if not told and not links:
        return state, []
    joined, news = join(known, told, links)
    lifting = lifted(known, event, told)
    if joined == known:
        return state, [*lifting]
    derived: list[Derived] = [_evidence(joined, event, one) for one in news]
    derived += [_linked(joined, event, one) for one in joined.links if one not in known.links]
    if suppressed(joined) != suppressed(known):
        derived.append(_changed(joined, event))
    derived += [*shared(known, joined, event, news), *lifting]
    for link in joined.links:
        if link not in known.links:
            derived += holds.everything(joined.holds, joined.contact, link, time_of(event))
    return joined, derived


def _taken_back(state: Standing, event: NumberDeactivated) -> tuple[Standing, list[Derived]]:
    if event.at <= state.deactivated:
        return state, []
    after = replace(state, deactivated=event.at)
    derived: list[Derived] = [*deactivations.record(event)]
    if suppressed(after) != suppressed(state):
        derived.append(_changed(after, event))
    return after, derived


def _held(known: Standing, event: Hold) -> tuple[Standing, list[Derived]]:
    joined = replace(known, holds=holds.join(known.holds, event))
    if joined == known:
        return known, []
    derived: list[Derived] = [holds.record(event)]
    if answer(joined) != answer(known):
        derived.append(_changed(joined, event))
    return joined, [*derived, *(holds.passed_on(event, link) for link in joined.links)]


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
        at=time_of(event),
        evidence=event.event_id,
    )


def _changed(state: Standing, event: Event) -> SuppressionChanged:
    after = answer(state)
    transition = ",".join(f"{scope}={one.evidence}@{one.since}" for scope, one in after.items())
    return SuppressionChanged(
        event_id=derived_event_id(event.event_id, "suppression", f"{state.contact}>{transition}"),
        tenant=state.tenant,
        contact=state.contact,
        at=time_of(event),
        suppressed=after,
    )
