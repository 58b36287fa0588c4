"""What several sections of a tenant are written in."""

from decimal import Decimal
from typing import Annotated
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from pydantic import AfterValidator, Field

from services.domain.addresses import judge, our_sender
from services.domain.messages.routing import is_service

Prefix = Annotated[str, Field(pattern=r"^\+[1-9][0-9]{0,14}$")]
Country = Annotated[str, Field(pattern=r"^[A-Z]{2}$")]
Amount = Annotated[Decimal, Field(gt=0, le=1_000_000_000, allow_inf_nan=False, decimal_places=6)]
RuleName = Annotated[str, Field(pattern=r"^[a-z0-9][a-z0-9_-]{0,62}$")]


def _sender(text: str) -> str:
    if not is_service(text) and our_sender(text, judge(text).channel) is None:
        raise ValueError(f"{text[:40]!r} is neither a number, a short code, a name nor MG and 32 hex digits")
    return text


Sender = Annotated[str, AfterValidator(_sender)]


def check_zone(name: str) -> None:
    """Of a section's `zone`. Raises ValueError for what IANA does not name."""
    try:
        ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError):
        raise ValueError(f"zone: {name!r} is no time zone; write one such as Europe/Paris") from None
