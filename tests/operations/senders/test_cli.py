"""`switchboard senders plan|apply` as a person runs it, against a simulated Twilio and a real log."""

import asyncio
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import Any, NamedTuple

import aiohttp
import pytest
import yaml

from services.contract import codec
from services.contract.senders import SENDERS
from services.domain.senders.directory import Directory
from services.domain.senders.events import SendersStated
from services.runtime.directories import Directories
from tests.environment import SharedBroker
from tests.kafka_records import produce, read_until
from tests.processes import ACCOUNT, running, settings_file, settings_of
from tests.switchboard import switchboard
from tests.waiting import eventually

SERVICE, OTHER = "MG" + "d" * 32, "MG" + "e" * 32
ONE, TWO, WHATSAPP = "+14155550100", "+14155550101", "whatsapp:+14155550100"


class House(NamedTuple):
    settings: Path
    bootstrap: str
    url: str


@pytest.fixture(scope="module")
def house(shared: SharedBroker, tmp_path_factory: pytest.TempPathFactory) -> Iterator[House]:
    folder = tmp_path_factory.mktemp("senders")
    settings = settings_file(folder, shared.bootstrap)
    loaded = yaml.safe_load(settings.read_text())
    port = loaded["simulator"]["port"]
    loaded["twilio"] = {"api": f"http://127.0.0.1:{port}"}
    settings.write_text(yaml.safe_dump(loaded))
    shared.laid_out(settings_of(settings))
    with running("simulator", settings, folder, port) as simulator:
        yield House(settings, shared.bootstrap, simulator.url)


@pytest.fixture
async def session(house: House) -> AsyncIterator[aiohttp.ClientSession]:
    async with aiohttp.ClientSession() as session:

        async def is_up() -> bool:
            try:
                async with session.get(f"{house.url}/simulator/quiet") as answer:
                    return answer.status == 200
            except aiohttp.ClientError:
                return False

        await eventually(is_up, what="the simulator answers")
        yield session


async def put(session: aiohttp.ClientSession, house: House, path: str, **content: Any) -> None:
    async with session.put(f"{house.url}/simulator/{path}", json=content) as answer:
        assert answer.status == 200, await answer.text()


async def stated(house: House, count: int) -> list[SendersStated]:
    """What stands on the topic of Twilio's lists, once there are so many."""
    records = await read_until(house.bootstrap, SENDERS.name, lambda found: len(found) >= count)
    return [codec.decode(one.value, SendersStated) for one in records]


async def test_a_plan_shows_what_apply_writes_and_errors_change_nothing(
    house: House, session: aiohttp.ClientSession
) -> None:
    await put(session, house, f"services/{SERVICE}", numbers=[ONE, TWO, WHATSAPP], account_sid=ACCOUNT)
    planned = await switchboard(house.settings, "senders", "plan", code=1)
    assert all(name in planned.text for name in (ONE, TWO, WHATSAPP, SERVICE, "joined"))
    await switchboard(house.settings, "senders", "apply", "--tenant", "acme")
    await switchboard(house.settings, "senders", "plan", code=0)
    [first] = await stated(house, 1)
    assert (first.tenant, first.part, first.services) == ("acme", "list", [SERVICE])
    assert {name: list(one.services) for name, one in first.senders.items()} == {
        name: [SERVICE] for name in (ONE, TWO, WHATSAPP)
    }

    # A list that fails in the middle, and one that holds nothing all of a sudden, are no knowledge.
    await put(session, house, "faults", error_before=1.0)
    failed = await switchboard(house.settings, "senders", "apply", code=2)
    assert "Nothing was changed" in failed.text
    await put(session, house, "faults", error_before=0.0)
    refused = await switchboard(house.settings, "senders", "apply", code=2, TEST_AUTH_TOKEN="wrong")
    assert "401" in refused.text
    async with session.post(f"{house.url}/simulator/reset") as answer:
        assert answer.status == 200
    emptied = await switchboard(house.settings, "senders", "apply", code=2)
    assert "--allow-empty" in emptied.text
    await switchboard(house.settings, "senders", "apply", "--tenant", "globex", code=2)

    # One has moved to another service; the other has left.
    await put(session, house, f"services/{SERVICE}", numbers=[WHATSAPP], account_sid=ACCOUNT)
    await put(session, house, f"services/{OTHER}", numbers=[ONE], account_sid=ACCOUNT)
    moved = await switchboard(house.settings, "senders", "apply")
    assert "left" in moved.text
    *_, last = await stated(house, 2)
    known = Directory([last])
    assert known.services(ONE) == {SERVICE, OTHER}
    assert (known.is_in(ONE, SERVICE), known.is_in(ONE, OTHER), known.is_in(TWO, SERVICE)) == (False, True, False)
    assert last.senders[ONE].services[SERVICE].ended == last.at


async def test_whoever_follows_knows_all_of_it_at_the_start_and_what_comes(house: House) -> None:
    def part(tenant: str, name: str) -> tuple[bytes, bytes]:
        value = SendersStated(event_id=name, tenant=tenant, part=name, at="2026-02-21T18:00:00.000Z", senders={})
        return SENDERS.key(value).encode(), codec.encode(value)

    await produce(
        house.bootstrap, SENDERS.name, [part("globex", "status-0"), part("globex", "inbound-3"), (b"x|y", b"{")]
    )
    directories = Directories(settings_of(house.settings).kafka)
    await directories.start()
    try:
        async with asyncio.timeout(30):
            await directories.read()
        before = directories.of("globex").version
        assert before
        assert directories.of("nobody").version == ""
        await produce(house.bootstrap, SENDERS.name, [part("globex", "status-1")])
        await eventually(lambda: directories.of("globex").version != before, what="what is new is known")
    finally:
        await directories.stop()
