"""What messages tell of consent, in the neutral words of `domain.consent`; and the answer to a STOP or START."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from services.domain.consent import deactivations, suppression
from services.domain.consent.commands import ConsentAccepted, ContactLinked, Mark, MessageDated, Statement
from services.domain.consent.deactivations import NumberDeactivated
from services.domain.consent.events import Suppression
from services.domain.consent.hearing import Heard, Place
from services.domain.consent.holds import HoldPlaced, HoldReleased
from services.domain.consent.scopes import TENANT, scopes_of
from services.domain.consent.standing import Standing, suppressed
from services.domain.consent.statements import Event, Stated, Told
from services.domain.messages.commands import CommandAccepted
from services.domain.messages.confirmation import Texts, confirmation
from services.domain.messages.events import InboundReceived, OutcomeReached, parameter
from services.domain.messages.refusals import is_opt_out, refused_scopes, source_of

# Where in a message it was said → what kind of evidence that is.
_SOURCES: Mapping[Place, str] = {
    "body": "keyword",
    "button_payload": "button",
    "button_text": "button",
    "list_id": "list",
    "list_title": "list",
    "opt_out_type": "opt_out_type",
}
_ACTIONS: Mapping[str, Statement] = {"stop": "opt_out", "start": "opt_in", "suspected": "suspected"}

Derived = suppression.Derived | CommandAccepted


class Suppressing:
    """The fold, with each tenant's texts for confirmations. What a message means stands in it: no words are read."""

    def __init__(self, texts: Mapping[str, Texts]) -> None:
        self._texts = texts

    def __call__(self, state: Standing | None, event: Any) -> tuple[Standing | None, list[Derived]]:
        """Join one fact. Commands to send, which come on the same topic, and facts that say nothing change nothing."""
        match event:
            case InboundReceived():
                after, derived = suppression.fold(state, written(event))
                return after, [*derived, *self._confirmation(event, suppressed(state), suppressed(after))]
            case OutcomeReached():
                stated: Event = refused(event)
            case (
                ConsentAccepted()
                | ContactLinked()
                | MessageDated()
                | HoldPlaced()
                | HoldReleased()
                | NumberDeactivated()
            ):
                stated = event
            case _:
                return state, []
        after, derived = suppression.fold(state, stated)
        return after, [*derived]

    def _confirmation(
        self, event: InboundReceived, before: Mapping[str, Suppression], after: Mapping[str, Suppression]
    ) -> list[CommandAccepted]:
        if event.heard is None:
            return []
        scopes = (*_scopes(event), TENANT)
        return confirmation(
            event, event.heard, _any(before, scopes), _any(after, scopes), self._texts.get(event.tenant)
        )


def parts(event: Any) -> Sequence[Any]:
    """What is folded of a fact: of the end of a message nothing, unless its error says that the person wants none."""
    if isinstance(event, OutcomeReached) and not is_opt_out(event.error_code):
        return ()
    return deactivations.parts(event)


def written(event: InboundReceived) -> Stated:
    """What a message states, and the other names of whoever wrote it."""
    told = _told(event, event.heard) if event.heard else ()
    return Stated(event.event_id, event.tenant, event.contact, event.received_at, told, event.linked)


def refused(event: OutcomeReached) -> Stated:
    """What the end of a message states: some errors say that the person wants none."""
    told: list[Told] = []
    if is_opt_out(event.error_code):
        mark = Mark(at=event.at, evidence=event.event_id, source=source_of(event.error_code))
        scopes = refused_scopes(event.error_code, event.sender, event.messaging_service_sid)
        evidence = {"message_sid": event.message_sid or None, "command_id": event.command_id}
        told = [Told("opt_out", scopes, event.message_sid or event.event_id, mark, evidence)]
    return Stated(event.event_id, event.tenant, event.contact, event.at, told)


def _told(event: InboundReceived, heard: Heard) -> list[Told]:
    action = _ACTIONS.get(heard.says)
    if action is None:
        return []
    mark = Mark(
        at=event.sent_at or event.received_at,
        exact=event.sent_at is not None,
        evidence=event.event_id,
        source=_source(event, heard),
        consents=heard.consents,
        releases=heard.says != "start" or heard.releases,
    )
    evidence = {"word": heard.word, "place": heard.by, "message_sid": event.message_sid, "address": event.from_}
    # A no to a sender that nobody knows is one to all of them; a yes to it is none.
    scopes = _scopes(event) or (() if action == "opt_in" else (TENANT,))
    return [Told(action, scopes, event.message_sid or event.event_id, mark, evidence)]


def _source(event: InboundReceived, heard: Heard) -> str:
    if not heard.word and heard.by == "body":
        # No word of it is a keyword.
        return "suspected"
    # Twilio itself listened for words there, whatever it made of this one.
    return "opt_out_type" if parameter(event.raw, "OptOutType") else _SOURCES[heard.by]


def _scopes(event: InboundReceived) -> tuple[str, ...]:
    return scopes_of(event.to, parameter(event.raw, "MessagingServiceSid") or None)


def _any(suppressions: Mapping[str, Suppression], scopes: Iterable[str]) -> bool:
    return any(scope in suppressions for scope in scopes)
