"""What Twilio's price list says of one country, and what is news in it."""

from collections.abc import Iterable, Mapping
from decimal import Decimal
from typing import Any, Literal, NamedTuple

from services.domain.news import listed_at, news
from services.domain.spend.prices import CarrierPrices, Price, PricesStated, amount_of

_LONGEST = 200


class Change(NamedTuple):
    """`dearer`: what a segment costs at most has risen since the list before."""

    kind: Literal["new", "changed", "dearer", "gone"]
    fact: PricesStated


def stated(tenant: str, resource: Mapping[str, Any], at: str) -> PricesStated:
    """A country of `/v1/Messaging/Countries`. Raises ValueError for one that names no country or currency, or whose
    prices are no numbers: what it costs at most would be unknown."""
    one = PricesStated(
        event_id="",
        tenant=tenant,
        country=_code(resource.get("iso_country"), "iso_country", 2),
        at="",
        name=_text(resource.get("country")),
        currency=_code(resource.get("price_unit"), "price_unit", 3),
        outbound=[
            CarrierPrices(
                carrier=_text(carrier.get("carrier")),
                mcc=_text(carrier.get("mcc")),
                mnc=_text(carrier.get("mnc")),
                prices=_prices(carrier.get("prices")),
            )
            for carrier in _objects(resource.get("outbound_sms_prices"))
        ],
        inbound=_prices(resource.get("inbound_sms_prices")),
    )
    return listed_at(one, "prices_stated", tenant, at)


def changes(before: Mapping[str, PricesStated], listed: Iterable[PricesStated]) -> list[Change]:
    """What is news, by country. `before`: by country, what the log holds of the same tenant."""
    now = {one.country: one for one in listed}
    found = news(before, now, lambda one: Change("gone", one), lambda was, one: Change(_kind(was, one), one))
    return sorted(found, key=lambda change: change.fact.country)


def _kind(was: PricesStated | None, one: PricesStated) -> Literal["new", "changed", "dearer"]:
    if was is None:
        return "new"
    dearer = was.dearest is not None and one.dearest is not None and one.dearest > was.dearest
    return "dearer" if dearer or was.currency != one.currency else "changed"


def _prices(given: Any) -> list[Price]:
    return [
        Price(
            number_type=_text(one.get("number_type")),
            base=_amount(one.get("base_price")),
            current=_amount(one.get("current_price")),
        )
        for one in _objects(given)
    ]


def _objects(given: Any) -> list[Mapping[str, Any]]:
    if not isinstance(given, list | None) or not all(isinstance(one, Mapping) for one in given or ()):
        raise ValueError("its prices are no list of objects")
    return given or []


def _amount(given: Any) -> Decimal:
    """A price as Twilio writes it, a text; its specification calls it a number."""
    amount = amount_of(str(given))
    if amount is None or amount < 0:
        raise ValueError("a price is no number")
    return amount


def _code(given: Any, name: str, length: int) -> str:
    code = str(given or "").upper()
    if len(code) != length or not (code.isascii() and code.isalpha()):
        raise ValueError(f"{name} is no code of {length} letters")
    return code


def _text(value: Any) -> str:
    # As it can be written to the log, and not without end.
    return str(value)[:_LONGEST].encode("utf-8", "replace").decode() if value is not None else ""
