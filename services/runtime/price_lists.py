"""All that the log holds of Twilio's price list, kept in memory."""

from services.contract.prices import PRICES
from services.domain.spend.prices import PricesStated
from services.runtime.by_tenant import ByTenant
from services.runtime.sections.kafka import KafkaSettings


class PriceLists(ByTenant[PricesStated]):
    """By tenant, and by country, what an SMS segment costs."""

    def __init__(self, kafka: KafkaSettings) -> None:
        super().__init__(kafka, PRICES, PricesStated)
