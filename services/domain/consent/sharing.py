"""A person has several names: what was said under one is told to the others.

A no is told to all that are linked, and onward. A yes is told to those alone that its own webhook names: a number may
be somebody else's by now.
"""

from collections.abc import Iterable, Sequence

from services.domain.consent.commands import ContactLinked, SharedMark, Statement
from services.domain.consent.scopes import TENANT
from services.domain.consent.standing import Marks, Standing
from services.domain.consent.statements import Event, Stated, Told, names_of, time_of
from services.domain.identity import derived_event_id


def shared(before: Standing, after: Standing, event: Event, news: list[Told]) -> list[ContactLinked]:
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
    named = [name for name in names_of(event) if name not in (origin, after.contact)]
    return [
        _contact_linked("linked", event, after, link, latest if link in before.links else everything)
        for link in dict.fromkeys((*after.links, *named))
        if link not in before.links or (latest and link != origin)
    ]


def lifted(known: Standing, event: Event, told: Sequence[Told]) -> list[ContactLinked]:
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
        at=time_of(event),
        marks=marks,
    )
