"""What a message will cost at most, before it is sent, as far as anybody knows."""

from collections.abc import Callable, Mapping
from decimal import Decimal
from typing import Literal, NamedTuple

import msgspec

from services.domain.addresses import countries
from services.domain.spend.prices import MOST, PricesStated


class Estimate(msgspec.Struct, frozen=True, kw_only=True):
    """What a message costs at most; where its segments are not counted, what is assumed of it.

    `by`: Twilio's price list, or what the settings say of its channel.
    """

    amount: Decimal
    currency: str
    by: Literal["list", "settings"]


class Rates(NamedTuple):
    """What a tenant knows of prices. `list`: Twilio's, by country, as it is now.

    `assumed`: by channel, of a segment, or of a message whose segments are not known; in `currency`. `surcharges`: by
    country, what networks charge for a segment on top of the list.
    """

    list: Callable[[], Mapping[str, PricesStated]] = dict
    currency: str = "USD"
    assumed: Mapping[str, Decimal] = {}
    surcharges: Mapping[str, Decimal] = {}


class Priced(NamedTuple):
    """What a price depends on. `country`: None where only the calling code is known."""

    channel: str
    to: str
    country: str | None
    segments: int | None


def estimate(rates: Rates, message: Priced) -> Estimate | None:
    """By the list, the dearest that applies: which network carries it is not known. None: nobody knows."""
    if message.channel == "sms" and message.segments is not None:
        unit = _listed(rates, {message.country} if message.country else countries(message.to))
        if unit is not None:
            return Estimate(amount=unit.amount * message.segments, currency=unit.currency, by="list")
    assumed = rates.assumed.get(message.channel)
    if assumed is None:
        return None
    return Estimate(amount=assumed * (message.segments or 1), currency=rates.currency, by="settings")


class _Unit(NamedTuple):
    amount: Decimal
    currency: str


def _listed(rates: Rates, possible: "set[str] | frozenset[str]") -> _Unit | None:
    """The dearest segment to any of these countries; None where one is not listed, or they have several currencies."""
    found: list[_Unit] = []
    prices = rates.list()
    for country in possible:
        stated = prices.get(country)
        # Nor by a price that is none, whoever wrote it: a product of it is no number.
        dearest = stated.dearest if stated is not None else None
        if stated is None or dearest is None or not dearest < MOST:
            return None
        found.append(_Unit(dearest + rates.surcharges.get(country, Decimal(0)), stated.currency))
    if len({unit.currency for unit in found}) != 1:
        return None
    return max(found, key=lambda unit: unit.amount)
