"""Twilio's lists, read by the poller by time: whole or not at all, whoever is killed, and the later one counts."""

import signal
import time
from collections import Counter
from collections.abc import AsyncIterator, Iterator
from contextlib import contextmanager
from typing import Any
from urllib.parse import urlsplit

import aiohttp
import pytest
import yaml

from services.contract.codec import decode
from services.contract.compliance import COMPLIANCE
from services.contract.fold import POLLER_APP
from services.contract.prices import PRICES
from services.contract.templates import TEMPLATES
from services.contract.topic import Topic
from services.operations import synced as lists
from services.operations.compliance.reading import SYNCED as REGISTRATIONS
from services.operations.synced import Compared, Unread, Wanted
from services.operations.templates.reading import SYNCED as OF_TEMPLATES
from tests.kafka_records import committed, produce
from tests.members import admin_of, made_to_leave
from tests.processes import ACCOUNT, PARTITIONS, SECRETS, Service, settings_of
from tests.switchboard import switchboard
from tests.waiting import eventually

from .gateway import Gateway, gateway
from .house import House, Poller, Twilio, metric, settle

AUTH = {"Authorization": aiohttp.encode_basic_auth(ACCOUNT, SECRETS["TEST_AUTH_TOKEN"])}
TEMPLATES_AT, PRICES_AT = "/v1/ContentAndApprovals", "/v1/Messaging/Countries"
BODY = {"twilio/text": {"body": "Hello {{1}}, your order is on its way to you."}}


@pytest.fixture
async def gate(house: House, twilio: Twilio) -> AsyncIterator[Gateway]:
    async with gateway(house.simulator) as made:
        yield made


@pytest.fixture(autouse=True)
async def nothing_before(house: House, twilio: Twilio) -> None:
    """The log holds nothing of acme's, of the tests before."""
    for topic in (TEMPLATES, COMPLIANCE):
        if known := await held(house, topic):
            await produce(house.bootstrap, topic.name, [(f"acme|{name}".encode(), None) for name in known])


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


async def records(house: House, topic: Topic, waits: bool = True) -> list[Record]:
    """All that is committed, by partition in order. `waits`: for what is under way."""
    return [Record(topic, one) for one in await committed(house.bootstrap, topic.name, PARTITIONS, waits=waits)]


async def held(house: House, topic: Topic, waits: bool = True) -> dict[str, Any]:
    """What readers of the topic know, by the fact's own name."""
    known: dict[str, Any] = {}
    for one in await records(house, topic, waits):
        name = one.key.partition("|")[2]
        known.pop(name, None)
        if one.fact is not None:
            known[name] = one.fact
    return known


async def states(house: House, waits: bool = True) -> dict[str, str]:
    return {sid: one.state for sid, one in (await held(house, TEMPLATES, waits)).items()}


async def history(house: House, sid: str) -> list[str]:
    """The states in which a template ever stood on the log."""
    return [one.fact.state for one in await records(house, TEMPLATES) if one.key == f"acme|{sid}" and one.fact]


async def by_hand(house: House, of: lists.Synced[Any] = OF_TEMPLATES) -> Compared | Unread:
    """What a person's `sync` does, in this process."""
    settings = settings_of(house.settings).model_copy(update={"clock_skew_file": None})
    [found] = [one async for one in lists.sync(settings, of, Wanted("acme"))]
    assert not isinstance(found, lists.Left)
    return found


def said(service: Service, words: str) -> int:
    return service.log.read_text().count(words) if service.log.exists() else 0


async def synced(service: Service, name: str, since: float | None = None) -> None:
    """The poller has read a list since then; None: since now."""
    began = time.time() if since is None else since
    await eventually(service.ready, 60)

    async def done() -> bool:
        return await metric(service, "switchboard_sync_at_seconds", list=name) > began

    await eventually(done, 60, f"{name} are synced")


async def read_again(gate: Gateway, times: int = 1) -> None:
    """Templates were read so often from now on, from their beginning to their end."""
    # One that is under way may have begun before; the last has to end.
    enough = gate.begun(TEMPLATES_AT) + times + 1
    await eventually(lambda: gate.begun(TEMPLATES_AT) >= enough, 60, "it reads the list again and again")


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
        await read_again(gate)
        # Nothing that has not changed is written again.
        assert len(await records(house, TEMPLATES)) == before + 5
        assert await metric(service, "switchboard_sync_news_total", list="templates", kind="new") == 5
        # While one page of all that was there is on its way: else one reading may see the one, and the next the other.
        gate.page_size = None
        await read_again(gate)
        gate.hold()
        await eventually(lambda: gate.waiting, 60, "a page is on its way")
        again = await make(house, "t0")
        await remove(house, sids[0])
        gate.release()
        await eventually(lambda: said(service, "1 gone, 1 new"), 60, "the same name is another template")
        assert set(await states(house)) == {again, *sids[1:]}
    count = len(await records(house, TEMPLATES))
    # Another disk: it knows no more than the log does.
    with poller("two", **every(gate, templates=1)) as service:
        await read_again(gate)
        assert len(await records(house, TEMPLATES)) == count
        assert said(service, "news in") == 0


@pytest.mark.parametrize("point", ["sync.written", "poller.synced"])
async def test_killed_anywhere_the_next_one_completes_it_and_nobody_sees_a_part(
    house: House, poller: Poller, gate: Gateway, point: str
) -> None:
    """Before the commit, and behind it. All places between are the command's too: see below."""
    old = [await make(house, f"old{number}") for number in range(2)]
    await by_hand(house)
    new = [await make(house, f"new{number}") for number in range(3)]
    await remove(house, old[0])
    after = {*new, old[1]}
    with poller("one", **every(gate, templates=1), TEST_FAILPOINT=point) as first:
        await eventually(lambda: first.process.poll() is not None, 60, "it is killed")
        assert first.process.poll() == -signal.SIGKILL
    # All of it, or nothing.
    committed = point == "poller.synced"
    assert set(await states(house, waits=committed)) == (after if committed else set(old))
    with poller("two", **every(gate, templates=1)) as second:
        await synced(second, "templates")
        assert set(await states(house)) == after
    facts = Counter(one.key for one in await records(house, TEMPLATES) if one.fact is not None)
    assert {facts[f"acme|{sid}"] for sid in after} == {1}


@pytest.mark.parametrize("point", ["sync.read", "sync.sent:2", "sync.written", "sync.committed"])
async def test_a_command_that_is_killed_has_written_all_or_nothing_and_the_next_completes_it(
    house: House, twilio: Twilio, point: str
) -> None:
    sids = [await make(house, f"t{number}") for number in range(3)]
    before = len(await records(house, TEMPLATES))
    code = -signal.SIGKILL
    await switchboard(house.settings, "templates", "sync", code=code, TEST_FAILPOINT=point, **SECRETS)
    committed = point == "sync.committed"
    assert len(await records(house, TEMPLATES, waits=committed)) == before + (3 if committed else 0)
    assert isinstance(await by_hand(house), Compared)
    assert len(await records(house, TEMPLATES)) == before + 3
    assert set(await states(house)) == set(sids)


async def test_of_two_who_read_one_list_the_older_undoes_nothing(house: House, poller: Poller, gate: Gateway) -> None:
    """The poller has read that it is approved, and is held up; by hand it is read that WhatsApp has paused it."""
    sid = await make(house, state="paused")
    await by_hand(house)
    await put(house, sid, "approved")
    gate.hold()
    with poller("one", **every(gate, templates=1)) as service:
        await eventually(lambda: gate.waiting, 60, "it was asked while it was approved")
        await put(house, sid, "paused")
        found = await by_hand(house)
        assert (isinstance(found, Compared), found[2]) == (True, [])
        other = await make(house, "another")
        gate.release()
        await eventually(lambda: answered(service), 60, "it has what was asked for")
        # The poller, which is overtaken, reads no more for a while: what is news now is this one's.
        await by_hand(house)
        # What it had read is older than what the other one did, and was not written.
        assert await states(house) == {sid: "paused", other: "approved"}
        await settle(1)
        assert await history(house, sid) == ["paused"]
        assert said(service, "news in") == 0


async def answered(service: Service) -> bool:
    return await metric(service, "switchboard_poller_calls_total", host="content", outcome="answered") >= 1


async def put(house: House, sid: str, state: str) -> None:
    async with aiohttp.ClientSession() as session:
        content = {"status": state}
        async with session.put(f"{house.simulator}/simulator/templates/{sid}", json=content) as answer:
            assert answer.status == 200


async def test_two_workers_share_the_tenants_and_a_frozen_one_that_wakes_up_undoes_nothing(
    house: House, poller: Poller, gate: Gateway
) -> None:
    sid = await make(house, state="paused")
    await by_hand(house)
    await put(house, sid, "approved")
    gate.hold()
    with poller("one", **every(gate, templates=1)) as frozen:
        await eventually(lambda: gate.waiting, 60, "it has asked, and waits")
        frozen.process.send_signal(signal.SIGSTOP)
        await eventually(lambda: frozen.process.frozen, 10, "it stands still")
        async with admin_of(house.bootstrap) as admin:
            # As it is when its session is over.
            await made_to_leave(admin, POLLER_APP)
        gate.release()
        await put(house, sid, "paused")
        with poller("two", **every(gate, templates=1)) as other:
            await synced(other, "templates")
            frozen.process.send_signal(signal.SIGCONT)
            await eventually(lambda: answered(frozen), 60, "it has what it asked for")
            await settle(1)
            assert await history(house, sid) == ["paused"]
            assert said(frozen, "news in") == 0


async def test_a_page_that_fails_leaves_all_as_it_was_is_told_once_and_is_read_again(
    house: House, poller: Poller, gate: Gateway
) -> None:
    sids = [await make(house, f"t{number}") for number in range(3)]
    await by_hand(house)
    await remove(house, sids[0])
    # Three readings: an account that is left alone fails its reading twice, a page that is not given once.
    statuses = [None, 429, 429, 429, 429] * 2 + [None, 503, 503, 503]
    gate.page_size, gate.statuses, gate.headers = 1, statuses, {"Retry-After": "0.01"}
    with poller("one", **every(gate, templates=1)) as service:

        async def unread() -> bool:
            return await metric(service, "switchboard_sync_unread_total", list="templates", outcome="failed") == 3

        await eventually(service.ready, 60)
        await eventually(lambda: not gate.statuses[8:], 60, "the second has begun to fail")
        assert set(await states(house)) == set(sids) or gate.statuses == []
        await eventually(unread, 60, "it has failed three times")
        for why in ("Twilio asks to be left alone (429)", "Twilio answers 503"):
            assert said(service, f"its templates are not read, and stay as they are: {why}") == 1
        await eventually(lambda: said(service, "its templates are read again"), 60, "it is well again")
        assert set(await states(house)) == set(sids[1:])


async def test_one_page_that_fails_once_is_asked_for_again(house: House, poller: Poller, gate: Gateway) -> None:
    sids = [await make(house, f"t{number}") for number in range(3)]
    gate.page_size, gate.statuses = 1, [None, 503, None, 429]
    with poller("one", **every(gate, templates=1)) as service:
        await synced(service, "templates")
        assert set(await states(house)) == set(sids)
        # Of one reading, which never began again: the first page, and each other twice.
        first, second, again, third, once_more = gate.called[:5]
        assert "PageToken" not in first
        assert (second, third) == (again, once_more)
        assert len({first, second, third}) == 3
        assert said(service, "are not read") == 0


async def test_a_list_of_nothing_where_there_was_one_is_not_believed_without_a_word(
    house: House, twilio: Twilio, poller: Poller, gate: Gateway
) -> None:
    sid = await make(house)
    await twilio.steer(f"accounts/{ACCOUNT}/registrations", brands={"BN" + "1" * 32: {}})
    for of in (OF_TEMPLATES, REGISTRATIONS):
        await by_hand(house, of)
    await remove(house, sid)
    await twilio.steer(f"accounts/{ACCOUNT}/registrations")
    with poller("one", **every(gate, templates=1, compliance=1)) as service:
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
        # The poller began before the command, which else it might overtake.
        await read_again(gate)
        gate.hold()
        await eventually(lambda: gate.waiting == 2, 60, "both lists are being read")
        await switchboard(house.settings, "templates", "sync", "--allow-empty", **SECRETS)
        gate.release()
        await synced(service, "templates")
        assert await states(house) == {}


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


async def test_who_may_not_read_a_list_is_told_once_and_asked_seldom_and_the_others_that_are_wanted_are_read(
    house: House, twilio: Twilio, poller: Poller, gate: Gateway
) -> None:
    await make(house)
    await twilio.steer(f"accounts/{ACCOUNT}/standing", forbidden=["pricing"])
    acme = yaml.safe_load(house.settings.read_text())["tenants"]["acme"]
    with (
        other_settings(house, {"acme": acme | {"synced": ["templates", "prices"]}}),
        poller("one", **every(gate, templates=1, prices=1, compliance=1)) as service,
    ):
        await synced(service, "templates")
        await eventually(lambda: said(service, "its prices are not read"), 30, "it is told")
        await read_again(gate, 3)
        assert said(service, "its prices are not read") == 1
        assert gate.begun(PRICES_AT) == 1
        assert {urlsplit(one).path for one in gate.called} == {TEMPLATES_AT, PRICES_AT}
        assert await metric(service, "switchboard_sync_unread_total", outcome="refused") == 1
        # Nothing was ever read, so nothing is old.
        assert await metric(service, "switchboard_sync_at_seconds", list="prices") == 0
        async with aiohttp.ClientSession() as session, session.get(f"{service.operations}/readyz") as answer:
            told = await answer.text()
        assert answer.status == 200
        assert "leave prices out of the tenant's `synced`" in told


async def test_prices_are_read_by_a_day_that_outlives_a_restart(house: House, poller: Poller, gate: Gateway) -> None:
    # The first reads them more often, so that it begins at once.
    with poller("one", **every(gate, prices=1)) as service:
        await synced(service, "prices")
        assert "US" in await held(house, PRICES)
    count, asked = len(await records(house, PRICES)), gate.begun(PRICES_AT)
    # Another disk, as in a cloud.
    with poller("two", **every(gate, prices=86_400)) as service:
        await synced(service, "prices", since=0)
        await settle(0.5)
        assert gate.begun(PRICES_AT) == asked
    assert len(await records(house, PRICES)) == count


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
            # Nor is it read while it is closed.
            await settle(2.5)
            assert len(gate.called) == asked
            with other_settings(house, {"beta": beta}):

                async def known() -> bool:
                    return await metric(service, "switchboard_tenants", state="closed") == 0

                await eventually(known, 60, "it is a tenant no more")
                await settle(1.5)
            assert len(gate.called) == asked
            assert set(await states(house)) == {sid}
        await eventually(lambda: len(gate.called) > asked, 60, "it is a tenant again")

        async def both() -> bool:
            return set(await states(house)) == {sid, new}

        await eventually(both, 60, "what was made meanwhile is there")
