"""The create call of a message: what is posted, and what of the answer is kept.

The form is byte for byte what Twilio's own client writes; a test compares.
"""

import json
from decimal import Decimal
from functools import partial
from typing import Any

import msgspec
from msgspec.structs import replace

from services.domain.errors import explain
from services.domain.gate.receipt import Receipt
from services.domain.gate.windows import as_template
from services.domain.messages.commands import CommandAccepted, Options
from services.domain.messages.effects import MessageCreated
from services.domain.messages.introduced import with_text
from services.domain.outbox.facts import Unknown
from services.domain.quoting import quoted
from services.sender.outbound import Call, Request
from services.sender.outcomes import Refusal, Taken

_LONGEST_REASON = 500
# As most commands have them.
_NO_OPTIONS = Options()


class _Message(msgspec.Struct, rename={"from_": "from"}):
    """What is wanted of a created message. Only the sid must be what it should: the rest must not hide it."""

    sid: str
    account_sid: Any = None
    status: Any = None
    from_: Any = None
    num_segments: Any = None


_message = msgspec.json.Decoder(_Message)


def create(call: Call, status_callback: str | None) -> Request | Refusal:
    """The call that creates a message. `status_callback`: the URL that Twilio is to call about it."""
    command = _as_judged(call.command, call.receipt)
    path = f"/2010-04-01/Accounts/{call.tenant.account_sid}/Messages.json"
    try:
        said = form(command, status_callback)
        instead = form(_as_link(command), status_callback) if command.media_urls and command.media_fallback else None
    except UnicodeEncodeError:
        return Refusal(code=None, reason="the command holds half a character: nothing was posted", ours=True)
    if instead is None:
        return Request(path, said, _answer)
    return Request(path, said, partial(_or_link, Request(path, instead, _answer)))


def _or_link(instead: Request, answered: Taken | Refusal | Unknown) -> MessageCreated | Refusal | Unknown | Request:
    """Twilio takes the message, but not its media: nothing was created, and the text goes with a link."""
    if not (isinstance(answered, Refusal) and answered.reached and explain(answered.code).of_media):
        return _answer(answered)
    return instead._replace(answer=partial(_by_link, answered))


def _by_link(refused: Refusal, answered: Taken | Refusal | Unknown) -> MessageCreated | Refusal | Unknown:
    end = _answer(answered)
    if not isinstance(end, MessageCreated):
        return end
    return replace(end, note=f"Twilio did not take its media ({refused.code}): its text went with a link")


def _as_link(command: CommandAccepted) -> CommandAccepted:
    return replace(command, body=command.text_with_link, media_urls=[])


def _as_judged(command: CommandAccepted, receipt: Receipt) -> CommandAccepted:
    """What is posted: of a text and a template the one that may go, a template's sid in place of its name, and
    what is put to a first message.

    Free text by a service goes from the sender whose window is open: of several it might choose another.
    """
    question, view = receipt.question, receipt.view
    command = with_text(command, view.appended)
    if as_template(question, view):
        # Twilio asks that nothing stand beside a template (63016).
        sid = view.template.content_sid if view.template else command.content_sid
        return replace(command, content_sid=sid, body=None, media_urls=[])
    if command.has_template:
        command = replace(command, content_sid=None, content_variables={})
    if receipt.goes_as == "link":
        command = _as_link(command)
    if view.window_sender is None or command.from_ is not None:
        return command
    return replace(command, from_=view.window_sender)


def form(command: CommandAccepted, status_callback: str | None) -> bytes:
    """The body of a create call; what the command does not say is not in it, and the order is the client's.

    Raises UnicodeEncodeError for half a character, which no form can hold.
    """
    options = command.options
    found = [
        ("To", command.to),
        ("StatusCallback", status_callback),
        *(_of_options(command, options) if options != _NO_OPTIONS or command.content_variables else ()),
        ("From", command.from_),
        ("FallbackFrom", command.fallback_from),
        ("MessagingServiceSid", command.messaging_service_sid),
        ("Body", command.body),
        *(("MediaUrl", url) for url in command.media_urls),
        ("ContentSid", command.content_sid),
    ]
    return "&".join([f"{name}={quoted(_written(value))}" for name, value in found if value is not None]).encode()


def _of_options(command: CommandAccepted, options: Options) -> list[tuple[str, str | float | None]]:
    return [
        ("ApplicationSid", options.application_sid),
        ("MaxPrice", options.max_price),
        ("ProvideFeedback", options.provide_feedback),
        ("Attempt", options.attempt),
        ("ValidityPeriod", options.validity_period),
        ("ForceDelivery", options.force_delivery),
        ("ContentRetention", options.content_retention),
        ("AddressRetention", options.address_retention),
        ("SmartEncoded", options.smart_encoded),
        *(("PersistentAction", action) for action in options.persistent_action),
        ("TrafficType", options.traffic_type),
        ("ShortenUrls", options.shorten_urls),
        ("SendAsMms", options.send_as_mms),
        ("ContentVariables", json.dumps(command.content_variables) if command.content_variables else None),
        ("MessageIntent", options.message_intent),
        ("RiskCheck", options.risk_check),
    ]


def _written(value: str | float) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, float):
        # Not 1e-05: the client would write that too, and nobody says that Twilio reads it.
        return f"{Decimal(str(value)):f}"
    return str(value)


def _answer(answered: Taken | Refusal | Unknown) -> MessageCreated | Refusal | Unknown:
    return _created(answered.body) if isinstance(answered, Taken) else answered


def _created(body: bytes) -> MessageCreated | Unknown:
    try:
        message = _message.decode(body)
    except (msgspec.MsgspecError, ValueError, RecursionError) as error:
        return Unknown(reason=f"Twilio's answer cannot be read: {type(error).__name__}")
    if not message.sid:
        return Unknown(reason="Twilio's answer names no message")
    segments = str(message.num_segments)
    return MessageCreated(
        sid=message.sid,
        account_sid=_said(message.account_sid or ""),
        status=_said(message.status or ""),
        from_=_said(message.from_ or ""),
        segments=int(segments) if segments.isdecimal() else None,
    )


def _said(text: object) -> str:
    """What Twilio, or whoever answers in its place, says: as it can be written to the log, and not without end."""
    return str(text)[:_LONGEST_REASON].encode("utf-8", "replace").decode()
