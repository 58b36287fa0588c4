"""The replies in an answer to an inbound webhook."""

from dataclasses import dataclass
from xml.etree import ElementTree


class TwimlError(ValueError):
    """The answer is not TwiML; Twilio would log 12100."""


@dataclass(frozen=True)
class Reply:
    """One <Message>. `to` and `sender` are None where the conversation's own addresses hold."""

    body: str
    media: tuple[str, ...]
    to: str | None = None
    sender: str | None = None
    status_callback: str | None = None


def replies(content_type: str, text: str) -> tuple[Reply, ...]:
    """The messages that the answer asks for; a plain text is one message. Raises TwimlError."""
    if not text.strip():
        return ()
    if content_type == "text/plain":
        return (Reply(text, ()),)
    try:
        # The text comes from the endpoint under test, and expat from 2.4.1 on (Python 3.11 has a newer one)
        # stops entity bombs; ElementTree never fetches external entities. So the stdlib is safe here.
        root = ElementTree.fromstring(text)  # noqa: S314  # nosec B314
    except ElementTree.ParseError as error:
        raise TwimlError(f"document parse failure: {error}") from error
    if root.tag != "Response":
        raise TwimlError(f"the root is <{root.tag}>, not <Response>")
    return tuple(_reply(element) for element in root.findall("Message"))


def _reply(element: ElementTree.Element) -> Reply:
    bodies = [body.text or "" for body in element.findall("Body")]
    return Reply(
        body="".join(bodies) or (element.text or "").strip(),
        media=tuple((media.text or "").strip() for media in element.findall("Media")),
        to=element.get("to"),
        sender=element.get("from"),
        status_callback=element.get("statusCallback") or element.get("action"),
    )
