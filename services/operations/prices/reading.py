"""What a tenant's account pays, as Twilio lists it: a country after the other, all of them or none."""

from services.contract.prices import PRICES
from services.domain.spend.listing import changes, stated
from services.domain.spend.prices import PricesStated
from services.operations.calling import PAGE_SIZE, Account, TwilioError, accounts, asking
from services.operations.synced import Synced
from services.runtime.sections.twilio import TwilioSettings
from services.runtime.tenants.settings import TenantSettings


def listed(name: str, tenant: TenantSettings, twilio: TwilioSettings, at: str) -> list[PricesStated]:
    """Those of the account that the tenant sends from: prices are agreed on by account.

    Raises TwilioError where the list cannot be read whole.
    """
    account = next(one for one in accounts(name, tenant, twilio) if one.main)
    with asking(account, "list the prices"):
        found = account.client.pricing.v1.messaging.countries
        codes = [one.iso_country or "" for one in found.stream(page_size=PAGE_SIZE)]
    return [_country(account, code, at) for code in codes]


def _country(account: Account, code: str, at: str) -> PricesStated:
    with asking(account, "tell the prices"):
        one = account.client.pricing.v1.messaging.countries(code).fetch()
    told = {
        "iso_country": one.iso_country,
        "country": one.country,
        "price_unit": one.price_unit,
        "outbound_sms_prices": one.outbound_sms_prices,
        "inbound_sms_prices": one.inbound_sms_prices,
    }
    try:
        return stated(account.tenant, told, at)
    except ValueError as error:
        raise TwilioError(f"the prices of {code[:2]} that Twilio lists cannot be read: {error}") from error


SYNCED = Synced(PRICES, PricesStated, listed, changes, "price")
