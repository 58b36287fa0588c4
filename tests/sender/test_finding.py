"""Calls whose answers were lost, found in the simulated Twilio's list of messages; nobody calls us back."""

import asyncio
from collections.abc import AsyncIterator, Iterator
from typing import Any

import aiohttp
import pytest

from tests.sender.conftest import House
from tests.sender.registry import Registry
from tests.sender.rig import SERVICE, Desk, Service

PHOTO = "https://cdn.example.com/photo.jpg"


@pytest.fixture(scope="module")
def looking(house: House, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Service]:
    """A sender that looks soon, and then a few times more."""
    environment = {"TEST_LOOKS_S": "0.5,1,2,4,8"}
    service = Service("sender", house.settings, tmp_path_factory.mktemp("looking"), environment)
    asyncio.run(service.ready())
    yield service
    service.stop()


@pytest.fixture
async def registry(house: House, desk: Desk, looking: Service) -> AsyncIterator[Registry]:
    async with aiohttp.ClientSession() as session:
        yield Registry(house, looking, session)


pytestmark = pytest.mark.usefixtures("looking")


async def lost(desk: Desk, *commands: dict[str, Any], **fault: float) -> list[str]:
    """Commands whose calls were answered by a 500."""
    await desk.twilio.faults(**fault or {"error_after": 1.0})
    ids = await desk.produce(*({name: one for name, one in each.items() if one is not None} for each in commands))
    await desk.until(ids, "ambiguous")
    await desk.twilio.faults()
    return ids


async def found(desk: Desk, ids: list[str]) -> None:
    """Each was sent once, and is told by its message."""
    await desk.until(ids, "sent")
    for command_id, sids in (await desk.creates(ids)).items():
        assert [one.message_sid for one in await desk.results(command_id) if one.terminal] == sids
        assert len(sids) == 1


async def test_what_has_media_a_template_or_a_service_is_found_as_a_text_is(desk: Desk, registry: Registry) -> None:
    [shipped] = (await registry.make("shipped", "en")).values()
    by_service = {"from": None, "messaging_service_sid": SERVICE}
    template = {"template": {"name": "shipped"}, "content_variables": {"1": "Bo"}, "body": None}
    by_sid = {"content_sid": shipped, "content_variables": {"1": "Bo"}, "body": None}
    ids = await lost(
        desk,
        desk.command(1),
        desk.command(2, media_urls=[PHOTO, PHOTO]),
        desk.command(3, media_urls=[PHOTO], body=None),
        desk.command(4, **template),
        desk.command(5, **by_sid),
        desk.command(6, **by_service, media_urls=[PHOTO]),
        desk.command(7, **by_service, **template),
    )
    await found(desk, ids)
    results = [one for command_id in ids for one in await desk.results(command_id) if one.terminal]
    assert {one.reason for one in results} == {"settled by Twilio's list of messages"}


async def test_what_was_never_made_stays_as_it_is(desk: Desk) -> None:
    photo, template = {"media_urls": [PHOTO], "body": None}, {"content_sid": "HX" + "c" * 32, "body": None}
    never = await lost(desk, desk.command(11, **photo), desk.command(12, **template), error_before=1.0)
    # Looked for after them.
    await found(desk, await lost(desk, desk.command(13, **photo)))
    for command_id in never:
        assert await desk.steps(command_id) == ["accepted", "attempted", "ambiguous"]


async def test_a_second_command_with_the_same_photo_has_the_message_that_is_not_the_firsts(desk: Desk) -> None:
    [first] = await desk.produce(desk.command(21, contact=700, media_urls=[PHOTO], body=None))
    await desk.until([first], "sent")
    await found(desk, await lost(desk, desk.command(22, contact=700, media_urls=[PHOTO], body=None)))
