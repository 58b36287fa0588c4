"""What the gate looks at of a send command, what it says of a template, and what it costs."""

import hashlib
from collections.abc import Sequence
from typing import Literal

from services.domain.consent.scopes import scopes_of
from services.domain.gate.question import Question
from services.domain.messages.commands import CommandAccepted
from services.domain.messages.rendered import most_segments
from services.domain.spend.estimating import Estimate, Priced, Rates, estimate
from services.domain.templates.catalogue import Catalogue
from services.sender.outbound import Templated, Text

_DIGEST = 16


def ask(command: CommandAccepted) -> Question:
    """What the gate looks at of a command."""
    return Question(
        tenant=command.tenant,
        channel=command.channel,
        sender=command.sender,
        scopes=list(dict.fromkeys((*scopes_of(command.from_, command.messaging_service_sid), *_fallback(command)))),
        template=command.has_template,
        template_name=command.template.name if command.template else None,
        template_language=command.template.language if command.template else None,
        freeform=command.has_template and bool(command.body or command.media_urls),
        not_after=command.not_after,
        country=command.country,
        confirms=command.confirms,
        not_before=command.not_before,
        label=command.label,
        contact=command.contact,
        purpose=command.purpose,
        purpose_said=command.purpose_said,
        although_unreachable=command.although_unreachable,
        media=_digest(command.media_urls),
        link=_link(command),
    )


def media(command: CommandAccepted) -> Sequence[str]:
    """The URLs that Twilio is to fetch for it."""
    return command.media_urls


def _digest(urls: Sequence[str]) -> str | None:
    """URLs may have secrets in them, and a question is told with each result."""
    return hashlib.sha256("\n".join(urls).encode()).hexdigest()[:_DIGEST] if urls else None


def _link(command: CommandAccepted) -> Literal["media", "other"] | None:
    if command.media_fallback is None:
        return None
    return "other" if command.media_link else "media"


def _fallback(command: CommandAccepted) -> tuple[str, ...]:
    """Whom people told STOP at the number that an RCS message falls back to, they told it for this message too."""
    return scopes_of(command.fallback_from, None)


def template(command: CommandAccepted) -> Templated | None:
    """What it says of a template, if it has one."""
    if not command.has_template:
        return None
    name, language = (command.template.name, command.template.language) if command.template else (None, None)
    return Templated(command.content_sid, name, language, command.content_variables)


def text(command: CommandAccepted) -> Text:
    """What it says itself."""
    return Text(command.body or "", bool(command.options.shorten_urls))


def priced(command: CommandAccepted, rates: Rates, catalogue: Catalogue) -> Estimate | None:
    """What it costs at most by what is known now: it may have waited, and prices and templates change."""
    return estimate(rates, Priced(command.channel, command.to, command.country, _segments(command, catalogue)))


def _segments(command: CommandAccepted, catalogue: Catalogue) -> int | None:
    """Of a template's text the longest that may go, as it is known now: which language does is decided later."""
    named = template(command)
    if named is None or command.channel != "sms":
        return command.segments
    found = most_segments(catalogue.meant(named.content_sid, named.name, named.language), named.variables)
    return found.segments if found is not None else command.segments
