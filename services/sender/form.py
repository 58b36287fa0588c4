"""What a create call says, as a form. Twilio's names are those that the twilio package writes; a test compares."""

import json

from yarl import URL

from services.domain.messages.commands import CommandAccepted


def form(command: CommandAccepted, status_callback: str) -> bytes:
    """The body of a create call; what the command does not say is not in it."""
    options = command.options
    found = [
        ("To", command.to),
        ("StatusCallback", status_callback),
        ("From", command.from_),
        ("MessagingServiceSid", command.messaging_service_sid),
        ("Body", command.body),
        ("ContentSid", command.content_sid),
        ("ContentVariables", json.dumps(command.content_variables) if command.content_variables else None),
        ("ApplicationSid", options.application_sid),
        ("MaxPrice", options.max_price),
        ("ProvideFeedback", options.provide_feedback),
        ("Attempt", options.attempt),
        ("ValidityPeriod", options.validity_period),
        ("ForceDelivery", options.force_delivery),
        ("SmartEncoded", options.smart_encoded),
        *(("MediaUrl", url) for url in command.media_urls),
    ]
    return encoded([(name, _written(value)) for name, value in found if value is not None])


def encoded(pairs: list[tuple[str, str]]) -> bytes:
    """`application/x-www-form-urlencoded`, as `urlencode` does it, in a third of the time."""
    return URL.build(path="/", query=pairs).raw_query_string.encode()


def _written(value: str | float) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    return str(value)
