"""When a number is left alone, and who is asked about it."""

from decimal import Decimal

from pydantic import Field

from services.domain.messages.number import MOST_DAYS, MOST_LANDLINE_DAYS
from services.runtime.section import Section
from services.runtime.tenants.sections.words import Amount, Country


class ReachabilitySettings(Section):
    """When a number is left alone on a channel, because nothing reaches it there."""

    failures: int = Field(default=3, ge=1, le=10, description="so many messages that reached nobody; of an hour one")
    within_days: float = Field(default=14, gt=0, le=MOST_DAYS, description="all of them")
    rest_days: float = Field(default=7, ge=0, le=MOST_DAYS, description="how long it is left alone then; 0: not at all")
    landline_days: float = Field(
        default=180, ge=0, le=MOST_LANDLINE_DAYS, description="how long a number that takes no texts is left alone"
    )


class LookupSettings(Section):
    """Whether Twilio's Lookup is asked what stands behind a number, before the first SMS or MMS to it."""

    daily: int = Field(
        default=0,
        ge=0,
        le=10_000_000,
        description="looks in a day of UTC at the most; each partition has its share; 0: none",
    )
    price: Amount = Field(
        default=Decimal("0.008"), description="of one look, in `spend.currency`; for the metric alone"
    )
    max_age_days: float = Field(
        default=180, ge=1, le=MOST_LANDLINE_DAYS, description="then a number is asked about again"
    )
    unknown_days: float = Field(
        default=7, gt=0, le=MOST_LANDLINE_DAYS, description="the same, where Twilio could not tell"
    )
    wait_s: float = Field(default=5, gt=0, le=60, description="a message goes without an answer after that")
    countries: list[Country] = Field(
        default_factory=list, description="ISO countries of recipients who are looked up; empty: all"
    )
