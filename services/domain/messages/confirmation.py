"""The answer to STOP and START where Twilio gives none: on WhatsApp, without Advanced Opt-Out. Once per change."""

from typing import NamedTuple

from services.domain.clock import later
from services.domain.consent.hearing import Heard
from services.domain.identity import derived_event_id
from services.domain.messages.commands import CommandAccepted, Options
from services.domain.messages.events import InboundReceived, parameter

# A confirmation that comes later confuses; one of a replayed log must never leave.
_LIFETIME_S = 300.0


class Texts(NamedTuple):
    """What to answer; an empty text answers nothing."""

    stop: str = ""
    start: str = ""


def confirmation(
    event: InboundReceived, heard: Heard, before: bool, after: bool, texts: Texts | None
) -> list[CommandAccepted]:
    """The command that confirms a change: from the sender that was written to, to whoever wrote.

    `before` and `after`: was and is the contact suppressed there? It is made here, past intake, because only here it
    may claim to be one.
    """
    text = "" if texts is None or before == after else texts.stop if after else texts.start
    if not text or not event.from_.startswith("whatsapp:") or parameter(event.raw, "OptOutType"):
        return []
    event_id = derived_event_id(event.event_id, "confirmation", heard.says)
    said_at = event.sent_at or event.received_at
    return [
        CommandAccepted(
            event_id=event_id,
            tenant=event.tenant,
            command_id=f"confirm-{event_id}",
            contact=event.contact,
            accepted_at=event.received_at,
            sequence=-1,
            not_after=later(said_at, _LIFETIME_S),
            fingerprint=event_id,
            channel="whatsapp",
            country=None,
            to=event.from_,
            from_=event.to,
            messaging_service_sid=None,
            body=text,
            media_urls=[],
            content_sid=None,
            content_variables={},
            urgent=True,
            options=Options(),
            confirms="stop" if after else "start",
        )
    ]
