"""Under what a message is counted: the minute it began in, whom it is to and by which sender, and how far it came.

It is a function of all that is known of the message, so it moves as that grows; each move is told with the change.
Whoever imports this has the data about carriers in memory: who counts messages, and nobody else.
"""

from functools import lru_cache
from typing import Literal, NamedTuple

import phonenumbers
from phonenumbers import carrier

from services.domain.addresses import parsed
from services.domain.contact import bare
from services.domain.messages.channel import UNKNOWN, channel_of
from services.domain.messages.events import Counted

_REACHED: dict[str, Literal["sent", "delivered", "read", "failed"]] = {
    "sent": "sent",
    "delivered": "delivered",
    "read": "read",
    "failed": "failed",
    "undelivered": "failed",
    "partially_delivered": "failed",
}
_LONGEST_SENDER = 64
_LANGUAGE = "en"


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


# Reading a number takes as long as all else that a fact costs, and each comes a few times within a minute. Bounded: 16
# thousand people are some 5 MB.
@lru_cache(maxsize=1 << 14)
def _place(address: str) -> _Place:
    number = parsed(bare(address))
    if number is None:
        return _Place(UNKNOWN, UNKNOWN)
    return _Place(phonenumbers.region_code_for_number(number) or UNKNOWN, _carrier(number))


def _carrier(number: phonenumbers.PhoneNumber) -> str:
    # Many ranges are no carrier's; then nobody asks what kind of number it is, which takes longest.
    return carrier.name_for_valid_number(number, _LANGUAGE) and carrier.name_for_number(number, _LANGUAGE)
