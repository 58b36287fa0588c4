"""Twilio's lists, read by the poller by time: whole or not at all, whoever is killed, and the later one counts."""

import signal
import time
from collections import Counter
from collections.abc import AsyncIterator, Iterator
from contextlib import contextmanager
from typing import Any

import aiohttp
import pytest
import yaml

from services.contract.codec import decode
from services.contract.compliance import COMPLIANCE
from services.contract.prices import PRICES
from services.contract.templates import TEMPLATES
from services.contract.topic import Topic
from tests.kafka_records import committed
from tests.processes import ACCOUNT, PARTITIONS, SECRETS, Service
from tests.switchboard import switchboard
from tests.waiting import eventually

from .gateway import Gateway, gateway
from .house import House, Poller, Twilio, metric, settle

AUTH = {"Authorization": aiohttp.encode_basic_auth(ACCOUNT, SECRETS["TEST_AUTH_TOKEN"])}
BODY = {"twilio/text": {"body": "Hello {{1}}, your order is on its way to you."}}


@pytest.fixture
async def gate(house: House, twilio: Twilio) -> AsyncIterator[Gateway]:
    async with gateway(house.simulator) as made:
        yield made


@pytest.fixture(autouse=True)
async def nothing_before(house: House, twilio: Twilio) -> None:
    """The log holds nothing of acme's, of the tests before."""
    for name in ("templates", "compliance"):
        await switchboard(house.settings, name, "sync", "--allow-empty", **SECRETS)
    assert await held(house, TEMPLATES) == {}


def every(gate: Gateway, **seconds: float) -> dict[str, str]:
    """Settings: how often each list is read, through the gateway."""
    told = {f"SWITCHBOARD_POLLER__{name.upper()}_EVERY_S": str(value) for name, value in seconds.items()}
    hosts = {f"SWITCHBOARD_TWILIO__{name}": gate.url for name in ("CONTENT", "PRICING", "MESSAGING")}
    return told | hosts


async def make(house: House, name: str = "shipped", state: str | None = "approved") -> str:
    """A content template; its sid."""
    async with aiohttp.ClientSession(headers=AUTH) as session:

        async def ask(method: str, path: str, content: Any) -> Any:
            async with session.request(method, f"{house.simulator}{path}", json=content) as answer:
                assert answer.status in (200, 201), await answer.text()
                return await answer.json()

        given = {"language": "en", "types": BODY, "variables": {"1": "Ada"}, "friendly_name": name}
        sid = str((await ask("POST", "/v1/Content", given))["sid"])
        await ask("POST", f"/v1/Content/{sid}/ApprovalRequests/whatsapp", {"name": name, "category": "UTILITY"})
        if state is not None:
            await ask("PUT", f"/simulator/templates/{sid}", {"status": state})
        return sid


async def remove(house: House, sid: str) -> None:
    async with (
        aiohttp.ClientSession(headers=AUTH) as session,
        session.delete(f"{house.simulator}/v1/Content/{sid}") as answer,
    ):
        assert answer.status == 204


class Record:
    """As it stands on the log. `fact`: None: a tombstone."""

    def __init__(self, topic: Topic, record: Any) -> None:
        self.key = record.key.decode()
        self.fact: Any = decode(record.value, topic.event) if record.value is not None else None


async def records(house: House, topic: Topic) -> list[Record]:
    """All that is committed, by partition in order."""
    return [Record(topic, one) for one in await committed(house.bootstrap, topic.name, PARTITIONS)]


async def held(house: House, topic: Topic) -> dict[str, Any]:
    """What readers of the topic know, by the fact's own name."""
    known: dict[str, Any] = {}
    for one in await records(house, topic):
        name = one.key.partition("|")[2]
        known.pop(name, None)
        if one.fact is not None:
            known[name] = one.fact
    return known


async def states(house: House) -> dict[str, str]:
    return {sid: one.state for sid, one in (await held(house, TEMPLATES)).items()}


def said(service: Service, words: str) -> int:
    return service.log.read_text().count(words) if service.log.exists() else 0


async def synced(service: Service, name: str, since: float | None = None) -> None:
    """The poller has read a list since then; None: since now."""
    began = time.time() if since is None else since
    await eventually(service.ready, 60)

    async def done() -> bool:
        return await metric(service, "switchboard_sync_at_seconds", list=name) > began

    await eventually(done, 60, f"{name} are synced")


async def test_what_is_news_is_written_once_by_page_and_a_poller_that_starts_knows_what_the_log_knew(
    house: House, poller: Poller, gate: Gateway
) -> None:
    gate.page_size = 2
    sids = [await make(house, f"t{number}") for number in range(5)]
    before = len(await records(house, TEMPLATES))
    with poller("one", **every(gate, templates=1)) as service:
        await eventually(lambda: said(service, "news in its templates: 5 new"), 60, "they are on the log")
        assert sorted(await states(house)) == sorted(sids)
        assert sum("PageToken" in one for one in gate.called) >= 2
        await settle(3)
        # Nothing that has not changed is written again.
        assert len(await records(house, TEMPLATES)) == before + 5
        assert await metric(service, "switchboard_sync_news_total", list="templates", kind="new") == 5
    # While nobody reads: else one reading may see the one, and the next the other.
    again = await make(house, "t0")
    await remove(house, sids[0])
    with poller("two", **every(gate, templates=1)) as service:
        await eventually(lambda: said(service, "1 gone, 1 new"), 60, "the same name is another template")
        assert set(await states(house)) == {again, *sids[1:]}
    count = len(await records(house, TEMPLATES))
    gate.called.clear()
    # Another disk: it knows no more than the log does.
    with poller("three", **every(gate, templates=1)) as service:
        await eventually(service.ready, 60)
        await eventually(lambda: len(gate.called) >= 6, 60, "it reads the list again and again")
        assert len(await records(house, TEMPLATES)) == count
        assert said(service, "news in") == 0


@pytest.mark.parametrize("point", ["sync.read", "sync.sent:2", "sync.written", "sync.committed", "poller.synced"])
async def test_killed_anywhere_the_next_one_completes_it_and_nobody_sees_a_part(
    house: House, poller: Poller, gate: Gateway, point: str
) -> None:
    old = [await make(house, f"old{number}") for number in range(2)]
    await switchboard(house.settings, "templates", "sync", **SECRETS)
    new = [await make(house, f"new{number}") for number in range(3)]
    await remove(house, old[0])
    after = {*new, old[1]}
    with poller("one", **every(gate, templates=1), TEST_FAILPOINT=point) as first:
        await eventually(lambda: first.process.poll() is not None, 60, "it is killed")
        assert first.process.poll() == -signal.SIGKILL
    # All of it, or nothing.
    assert set(await states(house)) == (after if point in ("sync.committed", "poller.synced") else set(old))
    with poller("two", **every(gate, templates=1)) as second:
        await synced(second, "templates")
        assert set(await states(house)) == after
    facts = Counter(one.key for one in await records(house, TEMPLATES) if one.fact is not None)
    assert {facts[f"acme|{sid}"] for sid in after} == {1}


@pytest.mark.parametrize("point", ["sync.read", "sync.sent:2", "sync.written", "sync.committed"])
@pytest.mark.parametrize("name", ["templates", "compliance"])
async def test_a_command_that_is_killed_has_written_all_or_nothing_and_the_next_completes_it(
    house: House, twilio: Twilio, name: str, point: str
) -> None:
    if name == "compliance":
        if point == "sync.sent:2":
            pytest.skip("one record holds all that an account has")
        await twilio.steer(f"accounts/{ACCOUNT}/registrations", brands={"BN" + "1" * 32: {}})
        topic = COMPLIANCE
    else:
        for number in range(3):
            await make(house, f"t{number}")
        topic = TEMPLATES
    before = sorted(one.key for one in await records(house, topic))
    code = -signal.SIGKILL
    await switchboard(house.settings, name, "sync", code=code, TEST_FAILPOINT=point, **SECRETS)
    written = sorted(one.key for one in await records(house, topic))
    if point != "sync.committed":
        assert written == before
    await switchboard(house.settings, name, "sync", **SECRETS)
    assert len(await records(house, topic)) == len(before) + (1 if name == "compliance" else 3)


async def test_of_two_who_read_one_list_the_older_undoes_nothing(house: House, poller: Poller, gate: Gateway) -> None:
    """The poller has read that it is approved, and is held up; by hand it is read that WhatsApp has paused it."""
    sid = await make(house, state="paused")
    await switchboard(house.settings, "templates", "sync", **SECRETS)
    await put(house, sid, "approved")
    gate.hold()
    with poller("one", **every(gate, templates=1)) as service:
        await eventually(lambda: len(gate.called) >= 1, 60, "it was asked while it was approved")
        await put(house, sid, "paused")
        by_hand = await switchboard(house.settings, "templates", "sync", **SECRETS)
        assert "nothing to write" in by_hand.text
        other = await make(house, "another")
        gate.release()
        await settle(2)
        # What it had read is older than what the other one did, and is not written.
        assert await states(house) == {sid: "paused"}
        assert said(service, "news in") == 0
        await switchboard(house.settings, "templates", "sync", **SECRETS)
        assert await states(house) == {sid: "paused", other: "approved"}


async def put(house: House, sid: str, state: str) -> None:
    async with aiohttp.ClientSession() as session:
        content = {"status": state}
        async with session.put(f"{house.simulator}/simulator/templates/{sid}", json=content) as answer:
            assert answer.status == 200


async def test_two_workers_share_the_tenants_and_a_frozen_one_that_wakes_up_undoes_nothing(
    house: House, poller: Poller, gate: Gateway
) -> None:
    sid = await make(house, state="paused")
    await switchboard(house.settings, "templates", "sync", **SECRETS)
    await put(house, sid, "approved")
    gate.hold()
    with poller("one", **every(gate, templates=1)) as frozen:
        await eventually(lambda: len(gate.called) >= 1, 60, "it has asked, and waits")
        frozen.process.send_signal(signal.SIGSTOP)
        gate.release()
        await put(house, sid, "paused")
        with poller("two", **every(gate, templates=1)) as other:
            await synced(other, "templates")
            frozen.process.send_signal(signal.SIGCONT)
            await settle(5)
            assert await states(house) == {sid: "paused"}
            assert said(frozen, "news in") == 0


@pytest.mark.parametrize(
    ("statuses", "why"),
    [
        ([None, 429, 429, 429, 429], "Twilio asks to be left alone (429)"),
        ([None, 503, 503, 503], "Twilio answers 503"),
    ],
)
async def test_a_page_that_fails_leaves_all_as_it_was_is_told_once_and_is_read_again(
    house: House, poller: Poller, gate: Gateway, statuses: list[int | None], why: str
) -> None:
    sids = [await make(house, f"t{number}") for number in range(3)]
    await switchboard(house.settings, "templates", "sync", **SECRETS)
    await remove(house, sids[0])
    gate.page_size, gate.statuses, gate.headers = 1, statuses * 2, {"Retry-After": "0.01"}
    with poller("one", **every(gate, templates=1)) as service:
        await eventually(service.ready, 60)

        async def unread() -> bool:
            return await metric(service, "switchboard_sync_unread_total", list="templates", outcome="failed") >= 2

        await eventually(unread, 90, "it has failed twice")
        assert said(service, f"its templates are not read, and stay as they are: {why}") == 1
        assert set(await states(house)) == set(sids) or gate.statuses == []
        await eventually(lambda: said(service, "its templates are read again"), 60, "it is well again")
        assert set(await states(house)) == set(sids[1:])


async def test_one_page_that_fails_once_is_asked_for_again(house: House, poller: Poller, gate: Gateway) -> None:
    sids = [await make(house, f"t{number}") for number in range(3)]
    gate.page_size, gate.statuses = 1, [None, 503, None, 429]
    with poller("one", **every(gate, templates=60)) as service:
        await synced(service, "templates")
        assert set(await states(house)) == set(sids)
        assert said(service, "are not read") == 0


async def test_a_list_of_nothing_where_there_was_one_is_not_believed_without_a_word(
    house: House, twilio: Twilio, poller: Poller, gate: Gateway
) -> None:
    sid = await make(house)
    await twilio.steer(f"accounts/{ACCOUNT}/registrations", brands={"BN" + "1" * 32: {}})
    for name in ("templates", "compliance"):
        await switchboard(house.settings, name, "sync", **SECRETS)
    await remove(house, sid)
    await twilio.steer(f"accounts/{ACCOUNT}/registrations")
    with poller("one", **every(gate, templates=5, compliance=5)) as service:
        await eventually(service.ready, 60)

        async def disbelieved() -> bool:
            counts = [
                await metric(service, "switchboard_sync_unread_total", list=name, outcome="emptied")
                for name in ("templates", "compliance")
            ]
            return min(counts) >= 2

        await eventually(disbelieved, 60, "neither is believed, time and again")
        for name in ("templates", "compliance"):
            assert said(service, f"switchboard {name} sync --tenant acme --allow-empty") == 1
        assert await states(house) == {sid: "approved"}
        assert len((await held(house, COMPLIANCE))[ACCOUNT].brands) == 1

        async def by_hand() -> bool:
            # The poller may have begun later than the command: then that one says so, and is said again.
            done = await switchboard(house.settings, "templates", "sync", "--allow-empty", code=None, **SECRETS)
            return done.code == 0

        await eventually(by_hand, 60, "a person says that it is the truth")
        await synced(service, "templates")
        assert await states(house) == {}


async def test_who_may_not_read_a_list_is_told_once_and_asked_seldom_and_the_others_are_read(
    house: House, twilio: Twilio, poller: Poller, gate: Gateway
) -> None:
    await make(house)
    await twilio.steer(f"accounts/{ACCOUNT}/standing", forbidden=["pricing"])
    with poller("one", **every(gate, templates=1, prices=1)) as service:
        await synced(service, "templates")
        await eventually(lambda: said(service, "its prices are not read"), 30, "it is told")
        await settle(5)
        assert said(service, "its prices are not read") == 1
        assert sum("/v1/Messaging/Countries" in one for one in gate.called) == 1
        assert await metric(service, "switchboard_sync_unread_total", outcome="refused") == 1
        # Nothing was ever read, so nothing is old.
        assert await metric(service, "switchboard_sync_at_seconds", list="prices") == 0
        async with aiohttp.ClientSession() as session, session.get(f"{service.operations}/readyz") as answer:
            told = await answer.text()
        assert answer.status == 200
        assert "leave prices out of the tenant's `synced`" in told


async def test_prices_are_read_by_a_day_that_outlives_a_restart(house: House, poller: Poller, gate: Gateway) -> None:
    with poller("one", **every(gate, prices=86_400)) as service:
        await synced(service, "prices")
        assert "US" in await held(house, PRICES)
    count = len(await records(house, PRICES))
    gate.called.clear()
    # Another disk, as in a cloud.
    with poller("two", **every(gate, prices=86_400, templates=1)) as service:
        await synced(service, "templates")
        await synced(service, "prices", since=0)
        assert not [one for one in gate.called if "Countries" in one]
    assert len(await records(house, PRICES)) == count


@contextmanager
def other_settings(house: House, tenants: dict[str, Any]) -> Iterator[None]:
    """The settings file has these tenants meanwhile."""
    before = house.settings.read_text()
    content = yaml.safe_load(before)
    content["tenants"] = tenants
    house.settings.write_text(yaml.safe_dump(content))
    try:
        yield
    finally:
        house.settings.write_text(before)


async def test_what_a_tenant_does_not_want_or_one_that_is_closed_is_not_read(
    house: House, poller: Poller, gate: Gateway
) -> None:
    acme = yaml.safe_load(house.settings.read_text())["tenants"]["acme"]
    with (
        other_settings(house, {"acme": acme | {"synced": ["templates"]}}),
        poller("one", **every(gate, templates=1, prices=1)) as service,
    ):
        await synced(service, "templates")
        await settle(3)
        assert not [one for one in gate.called if "Countries" in one]
    # What the first one had asked for may still be on its way.
    await settle(1)
    gate.called.clear()
    with (
        other_settings(house, {"acme": acme | {"state": "closed"}}),
        poller("two", **every(gate, templates=1)) as service,
    ):
        await eventually(service.ready, 60)
        await settle(4)
        assert gate.called == []


async def test_a_tenant_that_is_removed_is_read_no_more_and_what_the_log_holds_of_it_stays(
    house: House, poller: Poller, gate: Gateway
) -> None:
    sid = await make(house)
    acme = yaml.safe_load(house.settings.read_text())["tenants"]["acme"]
    with poller("one", **every(gate, templates=1)) as service:
        await synced(service, "templates")
        new = await make(house, "new")
        gate.hold()
        asked = len(gate.called)
        await eventually(lambda: len(gate.called) > asked, 60, "it is asked once more")
        beta = acme | {"account_sid": "AC" + "b" * 32, "synced": []}
        # Who is to be removed is closed before.
        with other_settings(house, {"acme": acme | {"state": "closed"}, "beta": beta}):

            async def shows_nothing() -> bool:
                return await metric(service, "switchboard_sync_at_seconds", tenant="acme") == 0

            await eventually(shows_nothing, 60, "nothing is shown of it")
            gate.release()
            asked = len(gate.called)
            with other_settings(house, {"beta": beta}):
                await settle(3)
            assert len(gate.called) == asked
            assert set(await states(house)) == {sid}
        await eventually(lambda: len(gate.called) > asked, 60, "it is a tenant again")

        async def both() -> bool:
            return set(await states(house)) == {sid, new}

        await eventually(both, 60, "what was made meanwhile is there")
