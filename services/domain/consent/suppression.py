"""The suppression fold: may we write to a contact, by scope, from everything that was ever said about it.

The state is two sets of marks, yes and no, that only grow; the answer is read off them. So any order and repetition of
the same facts gives the same state. Webhooks tell when we heard, not when it was said: a START releases a STOP only if
it came more than HORIZON_S later, or if Twilio's own dates of both messages are known and say so. Ties stay suppressed.
"""

from collections.abc import Iterable, Mapping
from typing import Any, NamedTuple

import msgspec
from msgspec.structs import replace

from services.domain.clock import seconds_between
from services.domain.consent.commands import Action, ConsentAccepted, ContactLinked, Mark, SharedMark
from services.domain.consent.confirmation import Texts, confirmation
from services.domain.consent.events import ConsentRecorded, LinkRecorded, Suppression, SuppressionChanged
from services.domain.consent.keywords import NO_WORDS, Heard, Words, hear
from services.domain.consent.scopes import TENANT, scopes_of
from services.domain.identity import derived_event_id
from services.domain.messages.commands import CommandAccepted
from services.domain.messages.errors import OPTED_OUT
from services.domain.messages.events import InboundReceived, OutcomeReached, parameter

HORIZON_S = 60.0
# Of each kind and scope; the latest stay. More of them within a minute are nobody's yes and no.
MOST_MARKS = 8
# A row is written whole. Whoever said STOP to more senders than that is left alone by all of them.
MOST_SCOPES = 64
MOST_LINKS = 8
# In place of the marks that found no room any more.
_EARLIER = "~earlier"

Marks = dict[str, dict[str, Mark]]
Event = InboundReceived | OutcomeReached | ConsentAccepted | ContactLinked | CommandAccepted
Derived = ConsentRecorded | LinkRecorded | SuppressionChanged | ContactLinked | CommandAccepted


class Standing(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """All that is known of a contact's consent: scope → id of a statement → its mark. Key: contact."""

    tenant: str
    contact: str
    outs: Marks = {}
    ins: Marks = {}
    links: tuple[str, ...] = ()


class Consented(msgspec.Struct, frozen=True, kw_only=True):
    """The latest yes that is more than a lifted block."""

    at: str
    evidence: str


class Told(NamedTuple):
    """What one fact states: an action in some scopes, by one statement, with the fields of its evidence."""

    action: Action
    scopes: tuple[str, ...]
    id: str
    mark: Mark
    evidence: Mapping[str, Any]


class Suppressing:
    """The fold, with each tenant's words and its texts for confirmations."""

    def __init__(self, words: Mapping[str, Words], texts: Mapping[str, Texts]) -> None:
        self._words = words
        self._texts = texts

    def __call__(self, state: Standing | None, event: Event) -> tuple[Standing | None, list[Derived]]:
        """Join one fact. Commands to send, which come on the same topic, and facts that say nothing change nothing."""
        if isinstance(event, CommandAccepted):
            return state, []
        known = state or Standing(tenant=event.tenant, contact=event.contact)
        heard = self._hear(event)
        told = _told(event, heard)
        link = event.linked if isinstance(event, InboundReceived | ContactLinked) else None
        if not told and not link:
            return state, []
        joined, news = join(known, told, link)
        if joined == known:
            return state, []
        derived: list[Derived] = [_evidence(joined, event, one) for one in news]
        derived += [_linked(joined, event, one) for one in joined.links if one not in known.links]
        before, after = suppressed(known), suppressed(joined)
        if after != before:
            derived.append(_changed(joined, event, after))
        derived += _shared(known, joined, event, news)
        if isinstance(event, InboundReceived) and heard is not None:
            scopes = (*_scopes(event), TENANT)
            texts = self._texts.get(event.tenant)
            derived += confirmation(event, heard, _any(before, scopes), _any(after, scopes), texts)
        return joined, derived

    def _hear(self, event: Event) -> Heard | None:
        if not isinstance(event, InboundReceived):
            return None
        return hear(
            event.body,
            whatsapp=event.from_.startswith("whatsapp:"),
            opt_out_type=parameter(event.raw, "OptOutType"),
            words=self._words.get(event.tenant, NO_WORDS),
        )


def suppressed(state: Standing | None) -> dict[str, Suppression]:
    """The scopes in which we may not write, each with the earliest statement that nothing has released."""
    found = {}
    for scope, outs in sorted(state.outs.items()) if state else ():
        releasing = [*state.ins.get(scope, {}).values(), *state.ins.get(TENANT, {}).values()] if state else []
        standing = [out for out in outs.values() if not any(_releases(said, out) for said in releasing)]
        if standing:
            first = min(standing, key=lambda mark: (mark.at, mark.evidence))
            found[scope] = Suppression(since=first.at, evidence=first.evidence, source=first.source)
    return found


def consented(state: Standing | None, scopes: Iterable[str]) -> Consented | None:
    """The latest consent in any of these scopes or for the whole tenant. An opt-out ends it, also once it is lifted."""
    if state is None:
        return None
    where = (*scopes, TENANT)
    ended = max((mark.at for scope in where for mark in state.outs.get(scope, {}).values()), default="")
    yes = [mark for scope in where for mark in state.ins.get(scope, {}).values()]
    said = [mark for mark in yes if mark.consents and mark.at > ended]
    latest = max(said, key=lambda mark: (mark.at, mark.evidence), default=None)
    return Consented(at=latest.at, evidence=latest.evidence) if latest else None


def _releases(said: Mark, out: Mark) -> bool:
    horizon = 0.0 if said.exact and out.exact else HORIZON_S
    return seconds_between(out.at, said.at) > horizon


def _any(suppressions: Mapping[str, Suppression], scopes: Iterable[str]) -> bool:
    return any(scope in suppressions for scope in scopes)


def _scopes(event: InboundReceived) -> tuple[str, ...]:
    return scopes_of(event.to, parameter(event.raw, "MessagingServiceSid") or None)


def _told(event: Event, heard: Heard | None) -> list[Told]:
    match event:
        case InboundReceived():
            if heard is None:
                return []
            mark = Mark(
                at=event.sent_at or event.received_at,
                exact=event.sent_at is not None,
                evidence=event.event_id,
                source="opt_out_type" if parameter(event.raw, "OptOutType") else "keyword",
                consents=heard.consents,
            )
            evidence: dict[str, Any] = {"word": heard.word, "message_sid": event.message_sid, "address": event.from_}
            return [Told(heard.action, _scopes(event), event.message_sid or event.event_id, mark, evidence)]
        case OutcomeReached() if event.error_code == OPTED_OUT:
            mark = Mark(at=event.at, evidence=event.event_id, source="twilio_21610")
            scopes = scopes_of(event.sender, event.messaging_service_sid)
            evidence = {"message_sid": event.message_sid or None, "command_id": event.command_id}
            return [Told("opt_out", scopes, event.message_sid or event.event_id, mark, evidence)]
        case ConsentAccepted():
            consents = event.action == "opt_in"
            mark = Mark(at=event.given_at, evidence=event.event_id, source="command", consents=consents)
            names = ("command_id", "address", "ip", "user_agent", "proof")
            evidence = {name: getattr(event, name) for name in names} | {"stated_source": event.source}
            # A yes that is produced again must not outlast a no that came between; a no may be said again.
            again = f":{event.given_at}" if event.action == "opt_out" else ""
            return [Told(event.action, (event.scope,), f"command:{event.command_id}{again}", mark, evidence)]
        case ContactLinked():
            return [Told(one.action, (one.scope,), one.id, one.mark, {}) for one in event.marks]
        case _:
            return []


def join(state: Standing, told: Iterable[Told], link: str | None) -> tuple[Standing, list[Told]]:
    """The joined state, and those of `told` that it did not hold."""
    outs, ins = dict(state.outs), dict(state.ins)
    news = []
    for one in told:
        into = outs if one.action == "opt_out" else ins
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
    if link and link != state.contact and link not in links and len(links) < MOST_LINKS:
        links = tuple(sorted((*links, link)))
    return replace(state, outs=outs, ins=ins, links=links), news


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


def _evidence(state: Standing, event: Event, told: Told) -> ConsentRecorded:
    transition = f"{state.contact} {told.action} {told.id} {','.join(told.scopes)} {told.mark.at} {told.mark.exact}"
    return ConsentRecorded(
        event_id=derived_event_id(event.event_id, "consent", transition),
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


def _changed(state: Standing, event: Event, after: dict[str, Suppression]) -> SuppressionChanged:
    transition = ",".join(f"{scope}={one.evidence}@{one.since}" for scope, one in after.items())
    return SuppressionChanged(
        event_id=derived_event_id(event.event_id, "suppression", f"{state.contact}>{transition}"),
        tenant=state.tenant,
        contact=state.contact,
        at=_time(event),
        suppressed=after,
    )


def _shared(before: Standing, after: Standing, event: Event, news: list[Told]) -> list[ContactLinked]:
    """What the linked contacts do not know yet: everything when the link is new, else the news."""
    latest = [
        SharedMark(id=one.id, action=one.action, scope=scope, mark=one.mark) for one in news for scope in one.scopes
    ]
    everything = [*_all("opt_out", after.outs), *_all("opt_in", after.ins)]
    origin = event.linked if isinstance(event, ContactLinked) else None
    # Also one for whom there was no room: it is told each time.
    named = (event.linked,) if isinstance(event, InboundReceived) and event.linked else ()
    return [
        ContactLinked(
            event_id=derived_event_id(event.event_id, "linked", f"{after.contact}>{link}"),
            tenant=after.tenant,
            contact=link,
            linked=after.contact,
            at=_time(event),
            marks=latest if link in before.links else everything,
        )
        for link in dict.fromkeys((*after.links, *named))
        if link not in before.links or (latest and link != origin)
    ]


def _all(action: Action, marks: Marks) -> list[SharedMark]:
    return [
        SharedMark(id=key, action=action, scope=scope, mark=mark)
        for scope, by_id in marks.items()
        for key, mark in by_id.items()
    ]


def _time(event: Event) -> str:
    match event:
        case InboundReceived():
            return event.received_at
        case ConsentAccepted() | CommandAccepted():
            return event.accepted_at
        case _:
            return event.at
