"""What a message of a command's may say at Twilio, in whichever of its ways it was posted. Pure."""

from collections.abc import Iterable
from typing import NamedTuple

from services.domain.messages.commands import CommandAccepted
from services.domain.messages.introduced import Texts, to_append, unsaid, with_text
from services.domain.messages.rendered import rendered
from services.domain.messages.smart_encoding import smart_encoded
from services.domain.templates.events import TemplateStated


class Posted(NamedTuple):
    """One way. `media`: how many go with it; None: it may be any number."""

    text: str
    media: int | None

    def says(self, body: str, media: int) -> bool:
        """Whether a message at Twilio says this. What smart encoding replaces is the same."""
        return self.media in (None, media) and smart_encoded(body) == smart_encoded(self.text)


def posted(command: CommandAccepted, templates: Iterable[TemplateStated], beside: Texts | None) -> frozenset[Posted]:
    """All ways. `templates`: what its template may be; `beside`: what is put to a tenant's first messages."""
    found: set[Posted] = set()
    if command.body or command.media_urls:
        for text in (None, *_put_to(command.body or "", beside)):
            found.update(_itself(with_text(command, text)))
    if command.has_template:
        # By a service Twilio shows no text of it.
        found.add(Posted("", 0))
        texts = (rendered(one.body, command.content_variables) for one in templates if one.body)
        found.update(Posted(text, None) for text in texts if text)
    return frozenset(found)


def _put_to(body: str, beside: Texts | None) -> set[str]:
    """What a first message may be given, by what of the two its country and its number ask for."""
    asked = ((True, False), (True, True), (False, True)) if beside else ()
    lacks = (unsaid(body, asks_stop=stop, asks_help=help_) for stop, help_ in asked)
    return {to_append(one, beside) for one in lacks if beside} - {""}


def _itself(command: CommandAccepted) -> Iterable[Posted]:
    # A text that is sent as an MMS may be a medium of its own.
    count = None if command.options.send_as_mms and not command.media_urls else len(command.media_urls)
    yield Posted(command.body or "", count)
    if command.media_urls and command.media_fallback:
        yield Posted(command.text_with_link, 0)
