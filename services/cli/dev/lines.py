"""A record of the log as a line for a person: a webhook in, a command, its verdict, its end. Pure."""

from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from typing import Any

from services.contract.consent import CONSENT_COMMANDS
from services.contract.messages import INBOUND, MESSAGES, STATUS
from services.contract.outbound import RESULTS
from services.contract.topic import Topic
from services.runtime.masking import mask, scrub, unsteered

Event = Mapping[str, Any]
_TEXT = 60
# What the gate says, and what comes of a command; every other step is told by its name.
_VERDICTS = {"attempted": "allowed; Twilio is called", "deferred": "waits"}
_ENDS = frozenset({"sent", "failed", "message", "canceled", "recorded"})
# Commands about another one, by their event_type.
_ABOUT_ANOTHER = {"resolve_ambiguous": "resolve", "cancel_message": "cancel", "reschedule_message": "reschedule"}


def line(topic: str, written_ms: int, event: Event) -> str | None:
    """What a record says, or None where nothing new is in it. `event`: its value; empty where it is no JSON object."""
    if not (say := _SAYS.get(topic)) or not (said := say(event)):
        return None
    at = datetime.fromtimestamp(written_ms / 1000, UTC).astimezone().strftime("%H:%M:%S")
    kind, what = said
    return unsteered(f"{at}  {kind:<8} {_text(event.get('tenant')) or '?':<8} {what}")


def _inbound(event: Event) -> tuple[str, str]:
    media = f" and {event.get('num_media')} media" if event.get("num_media") else ""
    who, to = mask(_text(event.get("from"))), _text(event.get("to"))
    return "webhook", f"{who} writes to {to}: {_quoted(event.get('body'))}{media}"


def _status(event: Event) -> tuple[str, str]:
    code = f", error {event['error_code']}" if event.get("error_code") else ""
    about = f" ({event['command_id']})" if event.get("command_id") else ""
    return "webhook", f"{_text(event.get('message_sid'))}{about} is {_text(event.get('message_status'))}{code}"


def _command(event: Event) -> tuple[str, str]:
    if not event:
        return "command", "a record that is no JSON object"
    name = _text(event.get("command_id"))
    if what := _ABOUT_ANOTHER.get(_text(event.get("event_type"))):
        return "command", f"{name}: {what}"
    content = event.get("body") or event.get("content_sid") or event.get("template") or event.get("media_urls")
    return "command", f"{name}: to {mask(_text(event.get('to')))} {_quoted(content)}"


def _consent(event: Event) -> tuple[str, str]:
    return (
        "command",
        f"{_text(event.get('command_id'))}: {mask(_text(event.get('address')))} {_text(event.get('action'))}",
    )


def _result(event: Event) -> tuple[str, str] | None:
    step = _text(event.get("step"))
    if step == "accepted":
        return None
    # A reason names what was wrong, so it may quote an address.
    told = (
        _VERDICTS.get(step, step),
        event.get("message_status"),
        event.get("message_sid"),
        f"({event['category']})" if event.get("category") else None,
        f"code {event['code']}" if event.get("code") else None,
        _sentence(scrub(_text(event.get("reason")) or _listed(event.get("errors")))),
        scrub(_text(event.get("remedy"))),
    )
    kind = "end" if step in _ENDS else "verdict"
    return kind, f"{_text(event.get('command_id'))}: {' '.join(str(part) for part in told if part)}"


def _listed(errors: object) -> str:
    return "; ".join(map(_text, errors)) if isinstance(errors, list) else ""


def _sentence(text: str) -> str:
    return f"{text}." if text and not text.endswith(".") else text


def _quoted(content: object) -> str:
    text = _text(content)
    return f"“{text if len(text) <= _TEXT else text[:_TEXT] + '…'}”"


def _text(value: object) -> str:
    return "" if value is None else str(value)


Say = Callable[[Event], tuple[str, str] | None]
_BY_TOPIC: dict[Topic, Say] = {
    INBOUND: _inbound,
    STATUS: _status,
    MESSAGES: _command,
    CONSENT_COMMANDS: _consent,
    RESULTS: _result,
}
_SAYS = {topic.name: say for topic, say in _BY_TOPIC.items()}
TOPICS = tuple(_SAYS)
