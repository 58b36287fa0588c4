"""What is known of an error code: the kind of trouble, what to do, whose fault, what it says of the person.

From that follows what it means for the sender: `then`, `holds`, `tells`. There is no second list.
"""

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

# What is held where it is at fault: all that would meet the same refusal. By a create call's refusal these are all
# lanes, the account's, the sender's; what names a template is blocked by what the log knows of it.
Holds = Literal["house", "account", "sender", "template"]
# Who has to mend it. A command's own fault ends that command alone.
Fault = Holds | Literal["command"]

# What a code says of the person, on that message's channel and to its sender: they said no; this address cannot be
# reached there at all; it could not be reached now; it takes no texts, being a landline; it takes no MMS; WhatsApp's 24
# hours are over; Meta gives them no more marketing.
Tells = Literal["opted_out", "unreachable", "out_of_reach", "landline", "no_mms", "window_closed", "marketing_capped"]

# What becomes of a command whose call is refused with a code: it ends as failed; it is tried again after a back-off, or
# after Twilio's Retry-After; it keeps its place until what is at fault is mended, and one is tried now and then.
Then = Literal["ends", "waits", "waits_for_mending"]


class ErrorInfo(NamedTuple):
    """`retryable`: the same request may succeed later, and the refusal proves that nothing was created.

    `by_callback`: what it holds is held also where the end of a message says it, and no call was refused.
    `of_media`: it is the message's media, or that it has any, that are refused: the same as a text may be taken.
    """

    category: Category
    remedy: str
    fault: Fault = "command"
    tells: Tells | None = None
    retryable: bool = False
    by_callback: bool = False
    of_media: bool = False

    @property
    def holds(self) -> Holds | None:
        """What is held because of it; None: nothing but the command."""
        return None if self.fault == "command" else self.fault

    @property
    def then(self) -> Then:
        """What becomes of a command whose call is refused with it."""
        if self.retryable:
            return "waits"
        return "ends" if self.fault in ("command", "template") else "waits_for_mending"


Table = dict[int, ErrorInfo]


def alike(codes: str, info: ErrorInfo) -> Table:
    """One entry for several codes, written as "30440 30441 30442"."""
    return {int(code): info for code in codes.split()}
