"""What is known of an error code: the kind of trouble, what to do, whose fault, what it says of the person."""

from typing import Literal, NamedTuple

Category = Literal[
    "auth",
    "carrier",
    "configuration",
    "content",
    "expired",
    "filtered",
    "opted_out",
    "policy",
    "rate_limit",
    "recipient",
    "registration",
    "sender",
    "template",
    "twilio",
    "unknown",
    "unreachable",
    "webhook",
    "window",
]

# Who has to mend it. A create call's refusal stops what would meet it too: all lanes, the account's, the sender's. A
# command's own fault ends that command alone.
Fault = Literal["house", "account", "sender", "command"]

# What a code says of the person, on that message's channel and to its sender: they said no; this address cannot be
# reached there at all; it could not be reached now; WhatsApp's 24 hours are over; Meta gives them no more marketing.
Tells = Literal["opted_out", "unreachable", "out_of_reach", "window_closed", "marketing_capped"]


class ErrorInfo(NamedTuple):
    """`retryable`: the same request may succeed later, and the refusal proves that nothing was created."""

    category: Category
    remedy: str
    fault: Fault = "command"
    tells: Tells | None = None
    retryable: bool = False


Table = dict[int, ErrorInfo]


def alike(codes: str, info: ErrorInfo) -> Table:
    """One entry for several codes, written as "30440 30441 30442"."""
    return {int(code): info for code in codes.split()}
