"""Registrations with US carriers, to the log and from there: what is written, what is not, and what people see."""

from collections.abc import Iterable
from pathlib import Path
from typing import Any

import pytest
import yaml

from services.domain.compliance.registry import Registry
from services.operations.calling import TwilioError
from services.operations.compliance import reading
from services.operations.compliance.reading import SYNCED
from services.operations.senders import members_of, numbers_of
from services.operations.synced import Compared, Unread, compare, known, write
from tests.operations.house import ACME, CODE, ONE, SERVICE, TOKEN, TWO, House
from tests.processes import SECRETS
from tests.switchboard import switchboard

OTHER = "MG" + "e" * 32
FREE, PERSON = "+18885550100", "+12125550123"
BRAND, CAMPAIGN, SECOND = "BN" + "1" * 32, "QE" + "1" * 32, "QE" + "2" * 32


async def sync(house: House) -> list[str]:
    """What is news of acme, in words, once it is written."""
    [found] = [one async for one in compare(house.settings, SYNCED, "acme", allow_empty=False)]
    if isinstance(found, Unread):
        raise TwilioError(found.why)
    assert isinstance(found, Compared)
    await write(house.settings.kafka, SYNCED, found)
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
    monkeypatch.setattr(reading, "PAGE_SIZE", 1)
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


class Breaking:
    """A list of which a page fails, after some were read."""

    def __init__(self, found: Iterable[Any]) -> None:
        self._found = found

    def __iter__(self) -> Any:
        yield from list(self._found)[:1]
        raise ValueError("half a page")


async def test_half_a_list_is_no_list(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    await house.service(numbers=[ONE, TWO])
    await register(house, {CAMPAIGN: campaign(SERVICE)})
    await sync(house)
    monkeypatch.setattr(reading, "numbers_of", lambda client: Breaking(numbers_of(client)))
    with pytest.raises(TwilioError, match="no Twilio answers"):
        await sync(house)
    assert (await registry(house)).unfit(ONE, None, PERSON) is None
    monkeypatch.setattr(reading, "numbers_of", numbers_of)
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
    calls = iter(range(1000))
    monkeypatch.setattr(reading, "members_of", lambda service: [] if next(calls) == 0 else members_of(service))
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
    assert all(word in shown.text for word in ("FAILED", "225/s", "score 80", "MIXED", ONE))
    await switchboard(settings, "compliance", "show", "--tenant", "nobody", code=1, **said)
