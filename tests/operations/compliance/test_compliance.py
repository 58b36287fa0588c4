"""Registrations with US carriers, to the log and from there: what is written, what is not, and what people see."""

from pathlib import Path
from typing import Any

import pytest
import yaml

from services.domain.compliance.registry import Registry
from services.operations import paging
from services.operations.calling import TwilioError
from services.operations.compliance import reading
from services.operations.compliance.reading import SYNCED
from services.operations.synced import Compared, Unread, Wanted, known
from services.operations.synced import sync as synced
from tests.operations.house import ACME, CODE, ONE, SERVICE, TOKEN, TWO, House
from tests.processes import SECRETS
from tests.switchboard import switchboard

OTHER = "MG" + "e" * 32
FREE, PERSON = "+18885550100", "+12125550123"
BRAND, CAMPAIGN, SECOND = "BN" + "1" * 32, "QE" + "1" * 32, "QE" + "2" * 32


async def sync(house: House) -> list[str]:
    """What is news of acme, in words, once it is written."""
    [found] = [one async for one in synced(house.settings, SYNCED, Wanted("acme"))]
    if isinstance(found, Unread):
        raise TwilioError(found.why)
    assert isinstance(found, Compared)
    return [told for change in found.changes for told in (change.kind, *change.told)]


async def registry(house: House) -> Registry:
    return Registry((await known(house.settings.kafka, SYNCED))["acme"].values())


def campaign(service: str, status: str = "VERIFIED", **more: Any) -> dict[str, Any]:
    return {"messaging_service_sid": service, "campaign_status": status, "brand_registration_sid": BRAND, **more}


async def register(house: House, campaigns: dict[str, Any], **more: Any) -> None:
    await house.put(
        f"accounts/{ACME}/registrations", {"brands": {BRAND: {"brand_score": 80}}, "campaigns": campaigns, **more}
    )


async def test_what_is_registered_is_written_once_and_a_number_that_moved_goes_by_where_it_is(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    await house.service(numbers=[ONE, TWO, CODE])
    await house.service(OTHER, numbers=[])
    await house.hold(senders={FREE: {}})
    await register(house, {CAMPAIGN: campaign(SERVICE), SECOND: campaign(OTHER, "IN_PROGRESS")})
    await sync(house)
    monkeypatch.setattr(paging, "PAGE_SIZE", 1)
    assert await sync(house) == []
    found = await registry(house)
    assert found.unfit(ONE, None, PERSON) is None
    assert [one.sender for one in found.unfits([ONE, TWO, FREE])] == [FREE]
    await house.service(numbers=[ONE, CODE])
    await house.service(OTHER, numbers=[TWO])
    assert await sync(house) == ["changed"]
    [unfit] = (await registry(house)).unfits([ONE, TWO])
    assert (unfit.sender, unfit.state, unfit.sid) == (TWO, "pending", SECOND)
    await register(house, {CAMPAIGN: campaign(SERVICE, "SUSPENDED"), SECOND: campaign(OTHER)})
    assert await sync(house) == [
        "stopped",
        f"campaign {CAMPAIGN} of {SERVICE}: VERIFIED → SUSPENDED",
        f"campaign {SECOND} of {OTHER}: IN_PROGRESS → VERIFIED",
    ]


def breaking(monkeypatch: pytest.MonkeyPatch, path: str, broken: Any) -> None:
    """What answers for this list, from its second page on, is `broken`."""
    follow = paging.Calling.follow

    async def followed(self: paging.Calling, place: paging.Place, link: str) -> Any:
        return broken if path in link else await follow(self, place, link)

    monkeypatch.setattr(paging, "PAGE_SIZE", 1)
    monkeypatch.setattr(paging.Calling, "follow", followed)


async def test_half_a_list_is_no_list(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    await house.service(numbers=[ONE, TWO])
    await register(house, {CAMPAIGN: campaign(SERVICE)})
    await sync(house)
    for broken in (
        {},
        {"phone_numbers": None, "meta": {"key": "phone_numbers"}},
        {"phone_numbers": ["half a page"], "meta": {"key": "phone_numbers"}},
        None,
    ):
        with monkeypatch.context() as patch:
            breaking(patch, "PhoneNumbers", broken)
            with pytest.raises(TwilioError, match="no list of Twilio's"):
                await sync(house)
    assert (await registry(house)).unfit(ONE, None, PERSON) is None
    await house.hold(standing={"forbidden": ["compliance"]})
    with pytest.raises(TwilioError, match="list the registrations"):
        await sync(house)
    assert (await registry(house)).unfit(ONE, None, PERSON) is None


async def test_numbers_that_move_while_they_are_read_are_read_again(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Of services read one after the other, neither has the number: nobody may conclude that it is in none."""
    await house.service(numbers=[ONE])
    await register(house, {CAMPAIGN: campaign(SERVICE)})
    calls, get = iter(range(1000)), paging.Calling.get

    async def moving(self: paging.Calling, place: paging.Place, path: str, query: Any) -> Any:
        if path.endswith("/PhoneNumbers") and next(calls) == 0:
            return {"phone_numbers": [], "meta": {}}
        return await get(self, place, path, query)

    monkeypatch.setattr(paging.Calling, "get", moving)
    with pytest.raises(TwilioError, match="moved between services"):
        await sync(house)


async def test_more_than_a_record_holds_is_said(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    await house.service(numbers=[ONE, TWO])
    for name in ("MOST_NUMBERS", "MOST_REGISTRATIONS"):
        with monkeypatch.context() as patch:
            patch.setattr(reading, name, 0)
            with pytest.raises(TwilioError, match="more than one record holds"):
                await sync(house)


async def test_as_a_person_runs_it(house: House, tmp_path: Path) -> None:
    settings = tmp_path / "switchboard.yaml"
    settings.write_text(yaml.safe_dump(house.as_a_person_has_it()))
    said = {**SECRETS, "TEST_AUTH_TOKEN": TOKEN, "COLUMNS": "250"}
    await house.service(numbers=[ONE, TWO])
    refused = [{"error_code": 30886, "description": "No opt-in"}]
    await register(house, {CAMPAIGN: campaign(SERVICE, "FAILED", us_app_to_person_usecase="MIXED", errors=refused)})
    synced = await switchboard(settings, "compliance", "sync", **said)
    assert "written to twilio.compliance.v1" in synced.text
    assert "30886 No opt-in" in synced.text
    shown = await switchboard(settings, "compliance", "show", "--tenant", "acme", **said)
    assert all(
        word in shown.text
        for word in ("FAILED", "225/s", "score 80", "MIXED", f"To the US: the long code {ONE} may not")
    )
    await switchboard(settings, "compliance", "show", "--tenant", "nobody", code=1, **said)
