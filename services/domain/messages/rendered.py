"""The text that a template becomes by SMS, as far as the log knows it: for what it costs, never for what is sent."""

import re
from collections.abc import Iterable, Mapping

from services.domain.messages.segments import segments
from services.domain.templates.events import TemplateStated

_PLACE = re.compile(r"\{\{\s*([A-Za-z0-9_]{1,16})\s*\}\}")


def rendered(body: str, variables: Mapping[str, str]) -> str | None:
    """A text with its places filled; None where one of them has no value here: Twilio takes its sample."""
    if not all(name in variables for name in _PLACE.findall(body)):
        return None
    return _PLACE.sub(lambda place: variables[place[1]], body)


def most_segments(templates: Iterable[TemplateStated], variables: Mapping[str, str]) -> int | None:
    """The segments of the longest of these; None where there is none, or one of which nobody knows the text."""
    counted: list[int] = []
    for one in templates:
        text = rendered(one.body, variables) if one.body else None
        if text is None:
            return None
        counted.append(segments(text).segments)
    return max(counted, default=None)
