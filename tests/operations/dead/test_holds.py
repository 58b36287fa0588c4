"""Retrying or dropping a letter releases whoever is held for it, in the same transaction; what is gone, by hand."""

import uuid
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import pytest
from aiohttp import web

from services.contract.codec import decode
from services.contract.messages import INBOUND, MESSAGES, OUTCOMES, STATUS
from services.contract.outbound import ACCEPTED
from services.contract.topic import Topic
from services.domain.consent.holds import HoldReleased
from services.embedded.ports import pick
from tests.switchboard import switchboard

from .rig import House, Lost, bury, fresh_key, lost, marks, on_the_log

_OF_PEOPLE = (INBOUND, OUTCOMES, ACCEPTED)


def fresh_contact() -> str:
    return f"acme|{uuid.uuid4().hex}"


async def releases(house: House, contact: str) -> list[HoldReleased]:
    found = [decode(one.value, ACCEPTED.event) for one in await on_the_log(house, ACCEPTED, contact) if one.value]
    return [one for one in found if isinstance(one, HoldReleased)]


async def buried(house: House, contact: str, topic: Topic = INBOUND, *, holds: bool = True) -> Lost:
    one = lost(contact, topic=topic)
    await bury(house, one, topic=topic, holds=holds)
    return one


@pytest.mark.parametrize("topic", _OF_PEOPLE, ids=lambda topic: topic.name)
async def test_a_drop_releases_whoever_is_held_for_it(house: House, topic: Topic) -> None:
    contact = fresh_contact()
    one = await buried(house, contact, topic)
    await switchboard(house.settings, "dead", "drop", one.position, "--apply")
    records = await on_the_log(house, ACCEPTED, contact)
    [release] = [decode(record.value, HoldReleased) for record in records]
    assert (release.hold, release.contact, release.tenant) == (one.position, contact, "acme")
    assert (release.how, release.earlier) == ("dropped", False)
    assert {record.partition for record in records} == {one.record.partition}


async def test_a_retry_releases_once_and_again_where_it_is_done_again(house: House) -> None:
    contact = fresh_contact()
    one, other = await buried(house, contact), await buried(house, contact)
    await switchboard(house.settings, "dead", "retry", "--contact", contact, "--apply")
    await switchboard(house.settings, "dead", "retry", "--contact", contact, "--apply")
    assert sorted(found.hold for found in await releases(house, contact)) == sorted([one.position, other.position])
    await switchboard(house.settings, "dead", "retry", one.position, "--apply", "--again")
    third = (await releases(house, contact))[-1]
    assert (third.hold, third.how) == (one.position, "retried")
    assert len({found.event_id for found in await releases(house, contact)}) == 3


async def test_letters_that_hold_nobody_release_nobody(house: House) -> None:
    key, contact = fresh_key(), fresh_contact()
    for topic, name in ((INBOUND, key), (STATUS, contact), (MESSAGES, contact)):
        one = await buried(house, name, topic)
        await switchboard(house.settings, "dead", "drop", one.position, "--apply")
    assert await releases(house, key) == await releases(house, contact) == []


@pytest.mark.parametrize("place", ["retry.enqueued", "retry.marked", "retry.released"])
async def test_killed_in_between_nothing_stands_and_the_next_retry_is_the_first(house: House, place: str) -> None:
    contact = fresh_contact()
    letters = [await buried(house, contact) for _ in range(3)]
    words = ("dead", "retry", "--contact", contact, "--apply")
    await switchboard(house.settings, *words, code=-9, TEST_FAILPOINT=place)
    assert "3 retried." in (await switchboard(house.settings, *words)).text
    assert len(await on_the_log(house, INBOUND, contact)) == 3
    assert sorted(one.hold for one in await releases(house, contact)) == sorted(one.position for one in letters)
    assert len(await marks(house, letters)) == 3


async def test_list_and_show_tell_whom_a_letter_holds(house: House) -> None:
    contact = fresh_contact()
    one = await buried(house, contact)
    assert "yes" in (await switchboard(house.settings, "dead", "list", "--contact", contact)).text
    shown = (await switchboard(house.settings, "dead", "show", one.position)).text
    assert f"{contact}: nothing is sent to them until it is retried or dropped" in shown
    await switchboard(house.settings, "dead", "drop", one.position, "--apply")
    assert f"{contact} no more" in (await switchboard(house.settings, "dead", "show", one.position)).text


@asynccontextmanager
async def processor(contact: str, *held: dict[str, Any]) -> AsyncIterator[str]:
    """Whoever tells what a contact is held for."""

    async def tell(request: web.Request) -> web.Response:
        if request.match_info["key"] != contact:
            return web.json_response({"error": "nothing"}, status=404)
        return web.json_response({"holds": held})

    app = web.Application()
    app.router.add_get("/v1/contacts/{key}", tell)
    runner = web.AppRunner(app)
    await runner.setup()
    port = pick()
    await web.TCPSite(runner, "127.0.0.1", port).start()
    try:
        yield f"http://127.0.0.1:{port}"
    finally:
        await runner.cleanup()


def hold(position: str, earlier: bool = False) -> dict[str, Any]:
    return {"hold": position, "at": "2026-02-21T18:22:11.123Z", "earlier": earlier}


async def test_a_hold_whose_letter_is_gone_is_released_by_hand_and_no_other(house: House) -> None:
    contact = fresh_contact()
    one = await buried(house, contact)
    gone = f"{INBOUND.name}/{one.record.partition}@5"
    async with processor(contact, hold(gone), hold(one.position)) as url:
        words = ("dead", "release", contact, "--url", url)
        dry = (await switchboard(house.settings, *words)).text
        assert f"{one.position} stays: retry or drop its letter first" in dry
        assert "1 would be released. Nothing was written" in dry
        assert await releases(house, contact) == []
        await switchboard(house.settings, *words, "--apply")
    [release] = await releases(house, contact)
    assert (release.hold, release.how, release.earlier) == (gone, "released", False)


async def test_those_that_found_no_room_are_released_once_their_letters_are_dealt_with(house: House) -> None:
    contact = fresh_contact()
    one = await buried(house, contact)
    earlier = f"{INBOUND.name}/{one.record.partition}@{one.record.offset + 7}"
    async with processor(contact, hold(earlier, earlier=True)) as url:
        words = ("dead", "release", contact, "--url", url, "--apply")
        assert f"{earlier} stays" in (await switchboard(house.settings, *words)).text
        await switchboard(house.settings, "dead", "drop", one.position, "--apply")
        await switchboard(house.settings, *words)
        release = (await releases(house, contact))[-1]
        assert (release.hold, release.earlier) == (earlier, True)
        nobody = ("dead", "release", fresh_contact(), "--url", url, "--apply")
        assert "0 released" in (await switchboard(house.settings, *nobody)).text
