"""Twilio's price list, to the log and from there: what is written, what is not, and what a person is shown."""

from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
import yaml

from services.domain.spend.listing import stated
from services.operations import paging
from services.operations.calling import TwilioError
from services.operations.prices.reading import SYNCED
from services.operations.synced import Compared, Unread, Wanted, known
from services.operations.synced import sync as synced
from tests.operations.house import TOKEN, House
from tests.processes import SECRETS
from tests.switchboard import switchboard


async def sync(house: House) -> dict[str, str]:
    """The kinds of news by country, once they are written."""
    [found] = [one async for one in synced(house.settings, SYNCED, Wanted("acme"))]
    if isinstance(found, Unread):
        raise TwilioError(found.why)
    assert isinstance(found, Compared)
    return {change.fact.country: change.kind for change in found.changes}


async def test_a_sync_writes_what_changed_and_a_country_that_is_gone_ends(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    await sync(house)
    monkeypatch.setattr(paging, "PAGE_SIZE", 2)
    assert await sync(house) == {}
    await house.put("prices/DE", {"carriers": {"Telekom": "0.085", "Vodafone": "0.2"}, "currency": "EUR"})
    await house.put("prices/GB", {"carriers": {"EE": "0.01"}, "currency": "usd"})
    await house.put("prices/BR", {})
    assert await sync(house) == {"BR": "gone", "DE": "dearer", "GB": "changed"}
    found = (await known(house.settings.kafka, SYNCED))["acme"]
    assert "BR" not in found
    assert (found["DE"].currency, found["DE"].dearest, found["DE"].cheapest) == (
        "EUR",
        Decimal("0.2"),
        Decimal("0.085"),
    )
    # As it is written: no binary fraction stands for a price.
    assert str(found["US"].dearest) == "0.0079"


async def test_a_list_that_is_refused_or_odd_changes_nothing(house: House) -> None:
    await sync(house)
    await house.put("prices/XX", {"carriers": {"A": "NaN"}})
    with pytest.raises(TwilioError, match="the prices of XX"):
        await sync(house)
    await house.hold(standing={"forbidden": ["pricing"]})
    with pytest.raises(TwilioError, match="list the prices"):
        await sync(house)
    assert "XX" not in (await known(house.settings.kafka, SYNCED))["acme"]


@pytest.mark.parametrize(
    "odd",
    [
        {"price_unit": None},
        {"iso_country": "USA"},
        {"outbound_sms_prices": "none"},
        {"outbound_sms_prices": [{"carrier": "A", "prices": [{"current_price": "-1", "base_price": "1"}]}]},
        {"inbound_sms_prices": [{"current_price": None, "base_price": "1"}]},
    ],
)
def test_what_cannot_be_read_is_no_price(odd: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match="no "):
        stated("acme", {"iso_country": "US", "price_unit": "usd", **odd}, "2026-11-30T00:00:00.000Z")
    one = stated("acme", {"iso_country": "us", "price_unit": "usd"}, "2026-11-30T00:00:00.000Z")
    assert (one.country, one.currency, one.dearest) == ("US", "USD", None)


async def test_as_a_person_runs_it(house: House, tmp_path: Path) -> None:
    settings = tmp_path / "switchboard.yaml"
    settings.write_text(yaml.safe_dump(house.as_a_person_has_it()))
    said = {**SECRETS, "TEST_AUTH_TOKEN": TOKEN, "COLUMNS": "200"}
    await house.put("prices/FR", {"carriers": {"Orange": "0.0911"}})
    synced = await switchboard(settings, "prices", "sync", **said)
    assert "written to twilio.prices.v1" in synced.text
    listed = await switchboard(settings, "prices", "list", "--tenant", "acme", **said)
    assert all(word in listed.text for word in ("FR", "0.0911", "USD", "Germany"))
    shown = await switchboard(settings, "prices", "show", "fr", **said)
    assert all(word in shown.text for word in ("Orange", "0.0911", "to us", "unknown"))
    await switchboard(settings, "prices", "show", "XY", code=1, **said)
