"""Twilio's error codes: what kind of trouble each is, whose fault, what it says of the person, and what to do.

A code that no table lists is `unknown` and never retried; sender and processor count it.
"""

from services.domain.codes import account, carriers, channels, registration, requests, webhooks
from services.domain.codes.info import ErrorInfo, Table

OPTED_OUT = 21610

UNKNOWN = ErrorInfo(
    "unknown",
    "Look the code up in Twilio's error dictionary (https://www.twilio.com/docs/api/errors), then correct the command "
    "or the account.",
)

# The reason says what it was. Who answers without a code is seldom Twilio.
NO_CODE = ErrorInfo(
    "unknown",
    "The reason says what it was: Twilio gave no error code. Where nobody answered, or somebody else did, look at "
    "twilio.api, and at what stands between the sender and Twilio (a proxy, a firewall).",
)

TABLES = (account.TABLE, requests.TABLE, carriers.TABLE, registration.TABLE, channels.TABLE, webhooks.TABLE)
CATALOGUE: Table = {code: table[code] for table in TABLES for code in table}


def explain(code: int | None) -> ErrorInfo:
    """What to know about an error code. Total: an unlisted one is UNKNOWN, none at all NO_CODE."""
    return CATALOGUE.get(code, UNKNOWN) if code is not None else NO_CODE
