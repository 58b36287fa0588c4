"""Under what a message is counted: the minute it began in, whom it is to and by which sender, and how far it came.

It is a function of all that is known of the message, so it moves as that grows; each move is told with the change.
"""

from functools import lru_cache
from typing import Literal, NamedTuple

import phonenumbers

from services.domain.addresses import judge
from services.domain.contact import bare
from services.domain.messages.events import Counted

# What is told later than this after a message's first step moves no count: the counts of its minute are forgotten.
COUNTED_FOR_S = 30 * 86_400.0
UNKNOWN = ""
_REACHED: dict[str, Literal["sent", "delivered", "read", "failed"]] = {
    "sent": "sent",
    "delivered": "delivered",
    "read": "read",
    "failed": "failed",
    "undelivered": "failed",
    "partially_delivered": "failed",
}
_LONGEST_SENDER = 64
# An MMS is a text message that has media.
_SAME_CHANNEL = {"mms": "sms"}


class _Place(NamedTuple):
    country: str
    carrier: str


def reached(status: str) -> str | None:
    """What a status is counted as; None for one that says of no message of ours that it left."""
    return _REACHED.get(status)


# Each fact asks for the place before it, which is the one after the fact before it.
@lru_cache(maxsize=1 << 12)
def counted(began: str, status: str, error_code: int | None, from_: str, to: str) -> Counted | None:
    """None for a message that did not leave yet, was canceled, or is one to us. `began`: its earliest step's time."""
    reached = _REACHED.get(status)
    if reached is None:
        return None
    place = _place(to)
    return Counted(
        minute=f"{began[:16]}:00.000Z",
        country=place.country,
        carrier=place.carrier,
        channel=channel_of(from_) or channel_of(to),
        sender=from_[:_LONGEST_SENDER],
        reached=reached,
        error=error_code if reached == "failed" else None,
    )


def channel_of(address: str) -> str:
    """`whatsapp`, `rcs` …: what stands before the colon; `sms` where nothing does."""
    name, colon, _ = address.strip().partition(":")
    if not colon:
        return "sms" if name else UNKNOWN
    channel = name.lower() if name.isascii() and name.isalpha() and len(name) <= 16 else UNKNOWN
    return _SAME_CHANNEL.get(channel, channel)


def country_of(address: str) -> str:
    """The ISO code of whom an address is; empty where it is not known."""
    return judge(address).country or UNKNOWN


def went_by(message_sid: str, *addresses: str) -> str:
    """The channel of a message by its addresses, and of a text by its sid: `mms` where that has media."""
    named = {channel_of(address) for address in addresses} - {"sms", UNKNOWN}
    return min(named) if named else "mms" if message_sid.startswith("MM") else "sms"


# Reading a number takes longer than folding its message, and each comes a few times in a row.
@lru_cache(maxsize=1 << 13)
def _place(address: str) -> _Place:
    try:
        number = phonenumbers.parse(bare(address))
    except phonenumbers.NumberParseException:
        return _Place(UNKNOWN, UNKNOWN)
    # Half a second of data about carriers, for those who count messages: every other process has no need of it.
    from phonenumbers import carrier  # noqa: PLC0415

    return _Place(phonenumbers.region_code_for_number(number) or UNKNOWN, carrier.name_for_number(number, "en"))
