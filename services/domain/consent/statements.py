"""What each fact states of a contact's consent, in the words that the fold joins: no product's."""

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

from services.domain.consent.commands import ConsentAccepted, ContactLinked, Mark, MessageDated, Statement
from services.domain.consent.deactivations import NumberDeactivated
from services.domain.consent.holds import HoldPlaced, HoldReleased
from services.domain.consent.scopes import TENANT

Hold = HoldPlaced | HoldReleased


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


def told_of(event: Event) -> Sequence[Told]:
    """What it says of the contact; holds, and that a number was taken back, say nothing."""
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


def names_of(event: Event) -> Sequence[str]:
    """The other contacts that it says are the same person."""
    match event:
        case Stated():
            return event.linked
        case ContactLinked():
            return (event.linked,)
        case _:
            return ()


def time_of(event: Event) -> str:
    """When we heard of it."""
    return event.accepted_at if isinstance(event, ConsentAccepted) else event.at
