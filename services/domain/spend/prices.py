"""What the log holds of Twilio's price list (`twilio.prices.v1`)."""

from decimal import Decimal, InvalidOperation
from typing import Literal

import msgspec

# No price of a segment or a message is that large, none is that fine, and what is longer is none.
MOST, _PLACES, _LONGEST = Decimal(1_000_000), 12, 32


def amount_of(text: str) -> Decimal | None:
    """A price as Twilio writes it; None: no number that could be one."""
    try:
        amount = Decimal(text) if len(text) <= _LONGEST else None
    except InvalidOperation:
        return None
    if amount is None or not amount.is_finite() or abs(amount) >= MOST:
        return None
    exponent = amount.as_tuple().exponent
    return amount if isinstance(exponent, int) and exponent >= -_PLACES else None


class Price(msgspec.Struct, frozen=True, kw_only=True):
    """Of one SMS segment, by the type of our number in Twilio's words. `current`: with what the account was granted."""

    number_type: str
    base: Decimal
    current: Decimal


class CarrierPrices(msgspec.Struct, frozen=True, kw_only=True):
    """What a segment costs to a network: its mobile country and network codes, as Twilio writes them."""

    carrier: str
    mcc: str
    mnc: str
    prices: list[Price]


class PricesStated(msgspec.Struct, frozen=True, kw_only=True):
    """What SMS cost in one country, for a tenant's account (keyed by tenant and country, compacted; a tombstone: gone).

    `country`: ISO code. `currency`: ISO 4217, upper case. `at`: when a list said so first.
    """

    event_type: Literal["prices_stated"] = "prices_stated"
    event_id: str
    tenant: str
    country: str
    at: str
    name: str
    currency: str
    outbound: list[CarrierPrices]
    inbound: list[Price]

    @property
    def dearest(self) -> Decimal | None:
        """What a segment costs at most, whichever network carries it and whichever number of ours sends it."""
        return max((price.current for carrier in self.outbound for price in carrier.prices), default=None)

    @property
    def cheapest(self) -> Decimal | None:
        return min((price.current for carrier in self.outbound for price in carrier.prices), default=None)


def key_of(event: PricesStated) -> str:
    """`acme|US`."""
    return f"{event.tenant}|{event.country}"
