"""What a create call says, as a form: byte for byte what Twilio's own client writes; a test compares."""

import json
from decimal import Decimal

from services.domain.messages.commands import CommandAccepted
from services.domain.quoting import quoted


def form(command: CommandAccepted, status_callback: str | None) -> bytes:
    """The body of a create call; what the command does not say is not in it, and the order is the client's.

    Raises UnicodeEncodeError for half a character, which no form can hold.
    """
    options = command.options
    found = [
        ("To", command.to),
        ("StatusCallback", status_callback),
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
        ("From", command.from_),
        ("FallbackFrom", command.fallback_from),
        ("MessagingServiceSid", command.messaging_service_sid),
        ("Body", command.body),
        *(("MediaUrl", url) for url in command.media_urls),
        ("ContentSid", command.content_sid),
    ]
    return "&".join([f"{name}={quoted(_written(value))}" for name, value in found if value is not None]).encode()


def _written(value: str | float) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, float):
        # Not 1e-05: the client would write that too, and nobody says that Twilio reads it.
        return f"{Decimal(str(value)):f}"
    return str(value)
