"""What the simulated Twilio asks for messages: its price list for SMS, and what a message is billed with, and when.

Confirmed by Twilio's OpenAPI, its pages and reports (2026): the list has a country's outbound prices by network and
type of number and its inbound prices by type of number, as texts; it has none for MMS or other channels; a message's
price is of all its segments, negative, null at first, and mostly there soon after its end, at the latest after a day.

Not confirmed: that what carriers charge on top, which is in a message's price, is not in the list (here nothing is
charged on top); the numbers themselves, which are made up; that an account without a price agreement of its own sees
base and current prices that are equal; what a message that failed is billed with (nothing here, and its price stays
null); in which case the currency is written (the specification has USD, an older package usd: here usd, and USD at a
message).
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import timedelta
from decimal import Decimal
from typing import Any

import phonenumbers

from services.simulator.addresses import channel
from services.simulator.message import Message

# Of one message; no list of Twilio's API tells them.
_MMS, _CHANNELS = Decimal("0.0200"), Decimal("0.0050")
_CURRENCY = "USD"
_ELSEWHERE = Decimal("0.0500")
# By country: its name, by network what a segment costs, and what one costs that comes in.
_COUNTRIES: Mapping[str, tuple[str, Mapping[str, str], str]] = {
    "US": ("United States", {"Verizon": "0.0075", "AT&T": "0.0079"}, "0.0075"),
    "CA": ("Canada", {"Bell": "0.0075", "Rogers": "0.0083"}, "0.0075"),
    "DE": ("Germany", {"Telekom": "0.0850", "Vodafone": "0.1078"}, "0.0075"),
    "GB": ("United Kingdom", {"EE": "0.0420", "O2": "0.0463"}, "0.0075"),
    "FR": ("France", {"Orange": "0.0798"}, "0.0075"),
    "BR": ("Brazil", {"Vivo": "0.0390", "Claro": "0.0410"}, "0.0075"),
}


@dataclass(frozen=True)
class Country:
    """One of the list: the JSON of its resource, without its URL."""

    code: str
    name: str
    currency: str
    outbound: tuple[Mapping[str, Any], ...]
    inbound: tuple[Mapping[str, Any], ...]


class Prices:
    """The list, and after how many seconds a message that was sent has its price."""

    def __init__(self) -> None:
        self.clear()

    def clear(self) -> None:
        self.after_s = 0.0
        self.countries = {code: _country(code, *told) for code, told in _COUNTRIES.items()}

    def put(self, code: str, carriers: Mapping[str, str], currency: str) -> None:
        """From now on a segment to this country costs so much, by network."""
        name = self.countries[code].name if code in self.countries else code
        self.countries[code] = replace(_country(code, name, carriers, "0.0075"), currency=currency)

    def billed(self, message: Message) -> Message:
        """The message with what it will cost, and when that is told."""
        due = message.created_at + timedelta(seconds=self.after_s)
        return replace(message, price=self._price(message), price_unit=self._unit(message), priced_at=due)

    def _price(self, message: Message) -> Decimal:
        if channel(message.to) != "sms":
            return _CHANNELS
        if message.media:
            return _MMS
        country = self.countries.get(_region(message.to))
        prices = country.outbound[0]["prices"] if country and country.outbound else []
        unit = Decimal(prices[0]["current_price"]) if prices else _ELSEWHERE
        return unit * message.segments

    def _unit(self, message: Message) -> str:
        country = self.countries.get(_region(message.to)) if channel(message.to) == "sms" else None
        return country.currency.upper() if country else _CURRENCY


def _country(code: str, name: str, carriers: Mapping[str, str], inbound: str) -> Country:
    def prices(price: str, *types: str) -> list[dict[str, str]]:
        return [{"number_type": one, "base_price": price, "current_price": price} for one in types]

    outbound = tuple(
        {"carrier": carrier, "mcc": str(300 + place), "mnc": "01", "prices": prices(price, "local", "mobile")}
        for place, (carrier, price) in enumerate(carriers.items())
    )
    return Country(code, name, _CURRENCY.lower(), outbound, tuple(prices(inbound, "local")))


def _region(address: str) -> str:
    try:
        return phonenumbers.region_code_for_number(phonenumbers.parse(address)) or ""
    except phonenumbers.NumberParseException:
        return ""
