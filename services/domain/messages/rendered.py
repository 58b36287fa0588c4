"""The text that a template becomes by SMS, as far as the log knows it: for what it costs, never for what is sent."""

import re
from collections.abc import Iterable, Mapping

from services.domain.messages.segments import Segments, segments
from services.domain.templates.events import TemplateStated

_TEXT, _OF_MEDIA = "twilio/text", frozenset({"twilio/media", "twilio/card", "twilio/carousel", "whatsapp/card"})
_PLACE = re.compile(r"\{\{\s*([A-Za-z0-9_]{1,16})\s*\}\}")


def rendered(body: str, variables: Mapping[str, str]) -> str | None:
    """A text with its places filled; None where one of them has no value here: Twilio takes its sample."""
    if not all(name in variables for name in _PLACE.findall(body)):
        return None
    return _PLACE.sub(lambda place: variables[place[1]], body)


def most_segments(templates: Iterable[TemplateStated], variables: Mapping[str, str]) -> Segments | None:
    """The segments of the longest of these by SMS; None where there is none, or one of which nobody knows the text."""
    counted: list[Segments] = []
    for one in templates:
        text = rendered(one.body, variables) if one.body and not _with_media(one) else None
        if text is None:
            return None
        counted.append(segments(text))
    return max(counted, default=None)


def _with_media(template: TemplateStated) -> bool:
    """By a number it is an MMS, unless it has a text of its own for where there are no media."""
    return not _OF_MEDIA.isdisjoint(template.types) and _TEXT not in template.types
