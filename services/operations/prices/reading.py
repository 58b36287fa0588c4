"""What a tenant's account pays, as Twilio lists it: a country after the other, all of them or none."""

from collections.abc import Mapping
from typing import Any
from urllib.parse import quote

from services.contract.prices import PRICES
from services.domain.spend.listing import changes, stated
from services.domain.spend.prices import PricesStated
from services.operations.calling import TwilioError
from services.operations.paging import Answers, Place, whole
from services.operations.synced import Synced, emptied
from services.runtime.tenants.settings import TenantSettings

_COUNTRIES = "/v1/Messaging/Countries"


async def listed(name: str, tenant: TenantSettings, answers: Answers, at: str) -> list[PricesStated]:
    """Those of the account that the tenant sends from: prices are agreed on by account.

    Raises TwilioError where the list cannot be read whole.
    """
    place = Place(name, tenant.account_sid, "pricing")
    codes = [str(one.get("iso_country") or "") async for one in whole(answers, place, _COUNTRIES, "countries")]
    return [_stated(name, code, await answers.get(place, f"{_COUNTRIES}/{quote(code)}", {}), at) for code in codes]


def _stated(name: str, code: str, told: Mapping[str, Any] | None, at: str) -> PricesStated:
    try:
        if told is None:
            raise ValueError("there are none")
        return stated(name, told, at)
    except ValueError as error:
        raise TwilioError(f"the prices of {code[:2]} that Twilio lists cannot be read: {error}") from error


SYNCED = Synced("prices", PRICES, PricesStated, listed, changes, emptied, "price", "list the prices")
