"""Numbers looked up before the first text to them, on a real log and against a simulated Twilio."""

import asyncio
import signal
import time
import uuid
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from services.contract.partition import partition_of
from services.domain.messages.lines import share
from tests.sender.conftest import House
from tests.sender.rig import PARTITIONS, Desk, Service, contact_of, said, started
from tests.waiting import eventually

Begin = Callable[..., Service]


def looks_up(house: House, file: Path, **lookup: Any) -> Path:
    """Settings of a tenant that has numbers looked up."""
    content = yaml.safe_load(house.settings.read_text())
    content["tenants"]["acme"]["lookup"] = {"daily": 1000, **lookup}
    file.write_text(yaml.safe_dump(content))
    return file


@pytest.fixture
def begin(house: House, tmp_path: Path) -> Iterator[Begin]:
    """Start senders of a tenant that has numbers looked up; by `disk` they share tables."""
    with started(house.bootstrap) as senders:

        def start(disk: str = "disk", lookup: dict[str, Any] | None = None, **environment: str) -> Service:
            settings = looks_up(house, tmp_path / f"lookups-{uuid.uuid4().hex[:6]}.yaml", **(lookup or {}))
            return senders(settings, tmp_path / disk, environment)

        yield start


@pytest.fixture(scope="module")
def one_sender(house: House, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Service]:
    """One for several tests: it looks up numbers of two countries, and waits for that for two seconds."""
    folder = tmp_path_factory.mktemp("one")
    settings = looks_up(house, folder / "lookups.yaml", countries=["US", "CA"], wait_s=2)
    service = Service("sender", settings, folder, {})
    asyncio.run(service.ready())
    yield service
    service.stop()


async def asked(desk: Desk, *commands: dict[str, Any]) -> list[int]:
    told = (await desk.twilio.get("lines"))["asked"]
    return [told.get(command["to"], 0) for command in commands]


def to(number: int) -> str:
    return f"+1415557{number:04}"


async def ended(desk: Desk, command: str) -> Any:
    return next(one for one in await desk.results(command) if one.terminal)


async def test_a_day_has_so_many_looks_whoever_is_killed(desk: Desk, begin: Begin) -> None:
    """The first of this file: what the others ask is of the same day."""
    daily = 6
    await desk.twilio.put("lines", {})
    first = begin(lookup={"daily": daily}, TEST_FAILPOINT="lookup.counted:3")
    commands = [desk.command(number, to=to(number)) for number in range(100, 140)]
    ids = await desk.produce(*commands)
    await eventually(lambda: first.exit_code is not None, 60, "killed between the count and the call")
    assert first.exit_code == -signal.SIGKILL, first.tail()
    begin("another disk", {"daily": daily})
    await desk.until(ids, "sent", "ambiguous", deadline_s=60)
    assert all(len(sids) <= 1 for sids in (await desk.creates(ids)).values())
    told = (await desk.twilio.get("lines"))["asked"]
    by_partition = [0] * PARTITIONS
    for command in commands:
        by_partition[partition_of(contact_of(command).encode(), PARTITIONS)] += told.get(command["to"], 0)
    # What one flush had counted, and the kill kept from being made, is not made again: how many these are is chance.
    assert sum(by_partition) <= daily
    assert all(made <= share(daily, number, PARTITIONS) for number, made in enumerate(by_partition))


async def test_killed_before_an_answer_is_on_the_log_it_is_asked_again_and_counted(desk: Desk, begin: Begin) -> None:
    """It was paid for: what nobody has noted is no answer."""
    number = to(900)
    await desk.twilio.put("lines", {"lines": {number: {"type": "landline", "carrier_name": "Bell"}}})
    command = desk.command(900, to=number)
    first = begin(TEST_FAILPOINT="lookup.read")
    [command_id] = await desk.produce(command)
    await eventually(lambda: first.exit_code is not None, 60, "killed between the answer and its row")
    assert first.exit_code == -signal.SIGKILL, first.tail()
    second = begin()
    await desk.until([command_id], "blocked")
    assert (await ended(desk, command_id)).category == "unreachable"
    assert await asked(desk, command) == [2]
    assert await desk.creates([command_id]) == {command_id: []}
    # Its row outlives the next.
    second.kill()
    begin("another disk")
    [again] = await desk.produce(desk.command(901, to=number))
    await desk.until([again], "blocked")
    assert await asked(desk, command) == [2]


@pytest.mark.usefixtures("one_sender")
async def test_a_landline_is_stopped_before_the_send_and_asked_about_once(desk: Desk) -> None:
    number = to(1)
    await desk.twilio.put("lines", {"lines": {number: {"type": "landline", "carrier_name": "Bell"}}})
    text, picture = desk.command(1, to=number), desk.command(2, to=number, media_urls=["https://example.com/a.png"])
    mobile, strange = desk.command(3, to=to(3)), desk.command(4, to="+15065550104")
    ids = await desk.produce(text, picture, mobile, strange)
    await desk.until(ids[:2], "blocked")
    end = await ended(desk, ids[0])
    assert (end.category, "it is a landline" in end.reason, "says Lookup" in end.reason) == ("unreachable", True, True)
    # A mobile goes, and so does what Twilio cannot tell anything of (60601).
    await desk.until(ids[2:], "sent")
    assert await asked(desk, text, mobile, strange) == [1, 1, 1]
    again = await desk.produce(
        desk.command(5, to=number),
        desk.command(6, to=to(3)),
        desk.command(7, to="+15065550104"),
        desk.command(8, to=number, although_unreachable=True),
    )
    await desk.until(again[:1], "blocked")
    await desk.until(again[1:], "sent")
    assert await asked(desk, text, mobile, strange) == [1, 1, 1]


@pytest.mark.usefixtures("one_sender")
async def test_nothing_is_asked_of_what_would_not_be_sent_or_is_no_text(desk: Desk) -> None:
    await desk.twilio.put("lines", {})
    stopped = desk.command(20, to=to(20))
    whatsapp = desk.command(21, to=f"whatsapp:{to(21)}", **{"from": "whatsapp:+14155550101"})
    elsewhere = desk.command(22, to="+4915112345678")
    await desk.heard(said(stopped, "STOP"))
    ids = await desk.produce(stopped, whatsapp, elsewhere)
    await desk.until(ids[:2], "blocked")
    await desk.until(ids[2:], "sent")
    assert await asked(desk, stopped, whatsapp, elsewhere) == [0, 0, 0]


@pytest.mark.usefixtures("one_sender")
async def test_a_slow_lookup_holds_its_own_command_and_no_longer_than_it_may(desk: Desk) -> None:
    await desk.twilio.put("lines", {"latency_s": 30})
    slow = [desk.command(number, to=to(number)) for number in range(30, 50)]
    ids = await desk.produce(*slow)
    await desk.until(ids, "deferred")
    # Four calls may be under way at once (`sender.concurrency`), and twenty wait: others pass all the same.
    began = time.monotonic()
    [other] = await desk.produce(desk.command(51, to=f"whatsapp:{to(51)}", content_sid="HX" + "a" * 32,
                                              **{"from": "whatsapp:+14155550101"}))  # fmt: skip
    await desk.until([other], "sent", "failed")
    assert time.monotonic() - began < 2
    await desk.until(ids, "sent", deadline_s=30)
    await desk.sent_once(ids)


async def test_where_lookup_refuses_messages_go_without_it_and_it_is_told(
    desk: Desk, begin: Begin, one_sender: Service
) -> None:
    """It is not asked again for a while: nobody else's sender."""
    await asyncio.to_thread(one_sender.stop)
    service = begin()
    await desk.twilio.put(f"accounts/AC{'a' * 32}/standing", {"forbidden": ["lookups"]})
    try:
        ids = await desk.produce(desk.command(200, to=to(200)))
        await desk.until(ids, "sent")
        assert "Lookup refuses to be asked (401)" in str(await service.detail())
    finally:
        await desk.twilio.put(f"accounts/AC{'a' * 32}/standing", {})


def test_shares_are_the_day() -> None:
    for daily in range(20):
        assert sum(share(daily, number, 8) for number in range(8)) == daily
