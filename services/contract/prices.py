"""Twilio's price list on the log."""

from services.contract.fold import Product
from services.contract.topic import Topic
from services.domain.spend import prices
from services.domain.spend.prices import PricesStated

PRICES = Topic("twilio.prices.v1", PricesStated, prices.key_of, "tenant and country", None, compacted=True)

PRODUCT = Product((PRICES,))
