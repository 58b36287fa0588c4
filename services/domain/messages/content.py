"""What a message says: its text, its media, its template's variables. Every fault is a sentence; nothing is quoted."""

import re
from collections.abc import Iterator

from services.domain.messages.commands import Channel, SendMessage, with_link
from services.domain.public_url import not_public

# Twilio's limits, from the Message resource. It names no unit for a body's 1,600: code points here (21617).
MAX_BODY_CHARACTERS = 1600
MAX_MEDIA = 10
# Ours: no channel shows more.
MAX_ACTIONS = 10
# From its pages on content variables and on 21656, 21658 and 63013.
MAX_VARIABLES = 100
MAX_VARIABLE_NAME = 16
MAX_VARIABLE_CHARACTERS = 1600
# Meta's limit for a template's name.
MAX_TEMPLATE_NAME = 512
# Of one kind; the rest is counted, so that a result stays readable.
_NAMED = 20

_CONTENT = re.compile(r"HX[0-9a-fA-F]{32}")
_LANGUAGE = re.compile(r"[A-Za-z]{2,3}([_-][A-Za-z0-9]{2,8}){0,2}", re.ASCII)
_LOCATION = re.compile(r"geo:(-?\d{1,2}(?:\.\d{1,15})?),(-?\d{1,3}(?:\.\d{1,15})?)(?:\|[^\r\n]{1,1000})?", re.ASCII)
_NORTH, _EAST = 90, 180
_JOINED = re.compile(r"[,;|]+https?://", re.IGNORECASE)
# By WhatsApp. Twilio's pages disagree on a single line break, which is let through; they agree on the rest.
_BREAK = r"(?>\r\n|[\n\r\v\f\x85\u2028\u2029])"
_BREAKS = re.compile(rf"{_BREAK}[^\S\n\r\v\f\x85\u2028\u2029]*{_BREAK}")
_BLANKS = re.compile(r"[^\S\n\r\v\f\x85\u2028\u2029]{5}")


def faults_of_content(command: SendMessage, channel: Channel) -> list[str]:
    """All that is wrong with what a command says, a sentence each."""
    return [
        *_body(command),
        *_media(command.media_urls, channel),
        *_fallback(command),
        *_template(command, channel),
        *_actions(command.persistent_action, channel),
    ]


def _body(command: SendMessage) -> Iterator[str]:
    if not (command.body or command.media_urls or command.content_sid or command.template):
        yield "body, media_urls, content_sid, template: give at least one of them"
    if command.body and len(command.body) > MAX_BODY_CHARACTERS:
        yield f"body: {len(command.body)} characters; Twilio takes {MAX_BODY_CHARACTERS}: shorten it, or send two"


def _media(urls: list[str], channel: Channel) -> Iterator[str]:
    if len(urls) > MAX_MEDIA:
        yield f"media_urls: {len(urls)}; Twilio takes {MAX_MEDIA}: leave some out"
    if channel == "whatsapp" and len(urls) > 1:
        yield f"media_urls: {len(urls)}; WhatsApp carries one per message, so produce one command for each"
    for place, url in enumerate(urls[:MAX_MEDIA]):
        if fault := _medium(url):
            yield f"media_urls[{place}]: {fault}"


def _fallback(command: SendMessage) -> Iterator[str]:
    """What would go in place of the media is to be a message itself."""
    link = command.media_link
    if command.media_fallback is None:
        if link is not None:
            yield "media_link: it goes in place of media that are not taken; give media_fallback: link beside it"
        return
    if not command.media_urls:
        yield "media_fallback: there are no media_urls; leave it out"
    if command.send_as_mms:
        yield "media_fallback: what is to go as MMS alone cannot fall back; leave send_as_mms or it out"
    if link is not None and (fault := _medium(link)):
        yield f"media_link: {fault}"
    length = len(with_link(command.body, link, command.media_urls))
    if length > MAX_BODY_CHARACTERS:
        yield (
            f"media_fallback: the text with its link has {length} characters, and Twilio takes {MAX_BODY_CHARACTERS}: "
            "shorten it, or give a shorter media_link"
        )


def _medium(url: str) -> str | None:
    if _JOINED.search(url):
        return "holds several URLs in one text; give each as its own element (or write its comma as %2C)"
    if fault := not_public(url):
        return f"{fault}; it must be a public https URL"
    # Twilio would fetch it, but in the clear: whoever stands between sees a person's picture, or puts in another one.
    if url[:5].lower() != "https":
        return "does not begin with https://: give an https URL, for what is fetched by http can be read on its way"
    if "@" in url.partition("://")[2].partition("/")[0]:
        return "has a user or a password in it; give a URL that needs none, such as a signed one"
    return None


def _actions(actions: list[str], channel: Channel) -> Iterator[str]:
    if actions and channel != "whatsapp":
        yield "persistent_action: a location goes by WhatsApp alone; leave it out"
    if len(actions) > MAX_ACTIONS:
        yield f"persistent_action: {len(actions)}; give at most {MAX_ACTIONS}"
    for place, action in enumerate(actions[:MAX_ACTIONS]):
        found = _LOCATION.fullmatch(action)
        if found is None or abs(float(found[1])) > _NORTH or abs(float(found[2])) > _EAST:
            yield f"persistent_action[{place}]: write a location as geo:37.787890,-122.391664|375 Beale St"


def _template(command: SendMessage, channel: Channel) -> Iterator[str]:
    variables, template = command.content_variables, command.template
    if command.content_sid is not None and not _CONTENT.fullmatch(command.content_sid):
        yield "content_sid: must be HX and 32 hex digits"
    if command.content_sid is not None and template is not None:
        yield "content_sid, template: give one of them"
    if template is not None and not (
        0 < len(template.name.strip()) <= MAX_TEMPLATE_NAME and template.name.isprintable()
    ):
        yield f"template.name: 1 to {MAX_TEMPLATE_NAME} printable characters, as `switchboard templates list` shows it"
    if template is not None and template.language is not None and not _LANGUAGE.fullmatch(template.language):
        yield "template.language: a tag such as en, en_US or pt_BR"
    if (command.content_sid or template) and (command.body or command.media_urls) and channel != "whatsapp":
        yield "body, media_urls: beside a template by WhatsApp alone, where the window decides which goes; give one"
    if variables and command.content_sid is None and template is None:
        yield "content_variables: they need a content_sid or a template"
    if len(variables) > MAX_VARIABLES:
        yield f"content_variables: {len(variables)}; a template has at most {MAX_VARIABLES}"
    found = [
        f"content_variables.{_shown(name)}: {fault}"
        for name, value in variables.items()
        if (fault := _wrong_name(name) or _wrong_value(value, channel))
    ]
    yield from found[:_NAMED]
    if len(found) > _NAMED:
        yield f"content_variables: {len(found) - _NAMED} more are wrong"


def _shown(name: str) -> str:
    short = name[: 2 * MAX_VARIABLE_NAME]
    return short if short.isprintable() and short.strip() == short and short else repr(short)


def _wrong_name(name: str) -> str | None:
    if not name.strip():
        return "an empty name; name the template's placeholder, such as 1"
    if len(name) > MAX_VARIABLE_NAME:
        return f"a placeholder's name has at most {MAX_VARIABLE_NAME} characters"
    if any(char.isspace() or not char.isprintable() or char in "{}" for char in name):
        return "a placeholder's name has no blanks and no braces: write 1, not {{1}}"
    return None


def _wrong_value(value: str, channel: Channel) -> str | None:
    if not value.strip():
        return "empty; Twilio refuses that. Give it a text"
    if len(value) > MAX_VARIABLE_CHARACTERS:
        return f"{len(value)} characters; Twilio takes {MAX_VARIABLE_CHARACTERS}: shorten it"
    if channel != "whatsapp":
        return None
    wrong = [
        words
        for words, there in (
            ("a tab", "\t" in value),
            ("more than four blanks in a row", _BLANKS.search(value)),
            ("line breaks in a row (a single one may stand)", _BREAKS.search(value)),
        )
        if there
    ]
    return f"{' and '.join(wrong)}; WhatsApp refuses that, so take it out" if wrong else None
