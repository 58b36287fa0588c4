"""The forms that Twilio posts: status callbacks and inbound messages, as ordered (name, value) pairs."""

from dataclasses import replace

from services.simulator import moments
from services.simulator.addresses import bare, channel, country
from services.simulator.errors import DELIVERY_ERRORS
from services.simulator.message import API_VERSION, Message
from services.simulator.plan import Step
from services.simulator.words import Keyword
from services.simulator.written import Written

Form = tuple[tuple[str, str], ...]


def status_form(message: Message, step: Step) -> Form:
    """The callback that tells this step. Empty fields are left out, as Twilio leaves them out."""
    fields = {
        "SmsSid": message.sid,
        "SmsStatus": step.status,
        "MessageStatus": step.status,
        "To": message.to,
        "MessagingServiceSid": message.messaging_service_sid,
        "MessageSid": message.sid,
        "AccountSid": message.account_sid,
        "From": replace(message, status=step.status).shown_sender,
        "ApiVersion": API_VERSION,
        "ErrorCode": str(step.error_code) if step.error_code else None,
        "ErrorMessage": DELIVERY_ERRORS.get(step.error_code) if step.error_code else None,
    }
    fields |= _sms_fields(step) if channel(message.sender) == "sms" else _channel_fields(message, step)
    return tuple((name, value) for name, value in fields.items() if value is not None)


def _sms_fields(step: Step) -> dict[str, str | None]:
    receipt = step.status in ("delivered", "undelivered")
    return {"RawDlrDoneDate": moments.now().strftime("%y%m%d%H%M") if receipt else None}


def _channel_fields(message: Message, step: Step) -> dict[str, str | None]:
    return {
        "ChannelPrefix": channel(message.sender),
        # One install of the channel for each account; derived, so that it stays the same.
        "ChannelInstallSid": "XE" + message.account_sid[2:],
        "ChannelToAddress": bare(message.to),
        "StructuredMessage": "false",
        "EventType": step.status.upper() if step.status in ("delivered", "read", "undelivered") else None,
    }


def inbound_form(message: Message, written: Written, opt_out_type: Keyword | None) -> Form:
    """What an inbound message posts. Fields that nothing is known for are left out."""
    fields: dict[str, str | None] = {
        "SmsMessageSid": message.sid,
        "NumMedia": str(len(written.media)),
        "SmsSid": message.sid,
        "SmsStatus": "received",
        "Body": message.body,
        "To": message.to,
        "NumSegments": str(message.segments),
        "MessageSid": message.sid,
        "AccountSid": message.account_sid,
        "From": message.sender,
        "ApiVersion": API_VERSION,
        "MessagingServiceSid": message.messaging_service_sid,
        "OptOutType": opt_out_type,
    }
    match channel(message.to):
        case "whatsapp":
            fields |= _profile(written)
        case "sms":
            fields |= _places(message)
        case other:
            # Not confirmed: what else is told of these channels.
            fields["ChannelPrefix"] = other
    for place, (url, content_type) in enumerate(written.media):
        fields |= {f"MediaUrl{place}": url, f"MediaContentType{place}": content_type}
    fields |= written.extra
    return tuple((name, value) for name, value in fields.items() if value is not None)


def _profile(written: Written) -> dict[str, str | None]:
    return {
        "ProfileName": "Ada",
        "WaId": written.phone.removeprefix("+") if written.phone else None,
        "ExternalUserId": written.scoped_id,
        "MessageType": "text",
    }


def _places(message: Message) -> dict[str, str]:
    """Where the numbers are from. What is unknown is sent blank, as Twilio sends it."""
    fields = {"FromCountry": country(message.sender), "ToCountry": country(message.to)}
    return fields | dict.fromkeys(("FromCity", "FromState", "FromZip", "ToCity", "ToState", "ToZip"), "")
