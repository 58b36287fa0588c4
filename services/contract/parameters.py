"""Names that are no field of ours, and what a producer means by them: Twilio's own, or a misspelling.

Source: the parameters of Twilio's create call in its OpenAPI of September 2026, a test compares; as its API writes
them (`MediaUrl`), as its client does (`media_url`), and as JavaScript does (`mediaUrl`).
"""

import difflib
from collections.abc import Iterable

from services.contract.reading import printable

# Twilio's parameter → what to do instead, here.
_OTHERWISE = {
    "To": "here it is to",
    "From": "here it is from",
    "MessagingServiceSid": "here it is messaging_service_sid",
    "FallbackFrom": "here it is fallback_from",
    "Body": "here it is body",
    "MediaUrl": "here it is media_urls, a list",
    "ContentSid": "here it is content_sid",
    "ContentVariables": "here it is content_variables, an object",
    "ApplicationSid": "here it is application_sid",
    "MaxPrice": "here it is max_price",
    "ProvideFeedback": "here it is provide_feedback",
    "Attempt": "here it is attempt",
    "ValidityPeriod": "here it is validity_period",
    "ForceDelivery": "here it is force_delivery",
    "SmartEncoded": "here it is smart_encoded",
    "ContentRetention": "here it is content_retention",
    "AddressRetention": "here it is address_retention",
    "PersistentAction": "here it is persistent_action, a list",
    "TrafficType": "here it is traffic_type",
    "ShortenUrls": "here it is shorten_urls",
    "SendAsMms": "here it is send_as_mms",
    "MessageIntent": "here it is message_intent",
    "RiskCheck": "here it is risk_check",
    "StatusCallback": "Switchboard sets it; read the statuses on twilio.delivery.v1",
    "SendAt": "Switchboard keeps what is to be sent later itself; leave it out",
    "ScheduleType": "Switchboard keeps what is to be sent later itself; leave it out",
}


def _plain(name: str) -> str:
    return name.replace("_", "").replace("-", "").lower()


PARAMETERS = {_plain(name): name for name in _OTHERWISE}


def unknown(name: str, fields: Iterable[str], sends: bool) -> str:
    """The sentence on a name that is no field. `sends`: the command is one that creates a message."""
    shown = printable(name)
    parameter = PARAMETERS.get(_plain(name)) if sends and len(name) == len(shown) else None
    if parameter is not None:
        return f"{shown}: no such field; {_OTHERWISE[parameter]}"
    close = difflib.get_close_matches(shown, fields, n=1)
    return f"{shown}: no such field" + (f"; did you mean {close[0]}?" if close else "; leave it out")
