"""An ingress without Kafka knows its tenants by the copy beside its spool; and what was believed is compared before
anything goes to Kafka."""

import asyncio
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any, cast

import pytest
from msgspec.structs import replace
from pydantic import SecretStr

from services.contract import codec
from services.contract.messages import INBOUND, STATUS
from services.domain.tenants import TenantKnown
from services.ingress import aside, disk
from services.ingress.messages import translate
from services.ingress.messages.translate import Arrival
from services.ingress.producer import NotAcknowledgedError
from services.ingress.segments import Fact
from services.ingress.spool import Spool, Waiting
from services.ingress.stamp import Stamp
from services.runtime.sections.ingress import SpoolSettings
from services.runtime.tenants.fingerprints import fingerprint
from services.runtime.tenants.known import PATIENCE_S, KnownTenants, NotKnown, refused
from services.runtime.tenants.live import Tenants
from services.runtime.tenants.settings import TenantSettings

ACCOUNT, PERSON = "AC" + "1" * 32, "+14155550123"


def tenant(secret: str = "s", **other: Any) -> TenantSettings:
    return TenantSettings(account_sid=ACCOUNT, auth_tokens=[SecretStr("t")], contact_secret=SecretStr(secret), **other)


def heard(name: str, secret: str, body: str = "STOP") -> Fact:
    """A message to a tenant, keyed by this secret."""
    arrival = Arrival(name, secret.encode(), "2026-01-01T00:00:00.000Z", None)
    pairs = [("AccountSid", ACCOUNT), ("From", PERSON), ("To", "+14155550100"), ("Body", body)]
    return _fact(INBOUND.name, translate.inbound(arrival, pairs))


def told(name: str, secret: str, command_id: str | None = None) -> Fact:
    """A status, of this command where its callback's URL was believed."""
    arrival = Arrival(name, secret.encode(), "2026-01-01T00:00:00.000Z", None)
    pairs = [("AccountSid", ACCOUNT), ("To", PERSON), ("MessageSid", "SM1"), ("MessageStatus", "sent")]
    return _fact(STATUS.name, replace(translate.status(arrival, pairs, []), command_id=command_id))


def _fact(topic: str, event: Any) -> Fact:
    return Fact(topic, b"key", codec.encode(event), [])


@asynccontextmanager
async def spooled(folder: Path, *facts: Fact) -> AsyncIterator[Spool]:
    """A process's spool, with these facts behind those that it had."""
    spool = Spool(SpoolSettings(directory=folder / "spool"))
    loop = asyncio.get_running_loop()
    waiting = [Waiting(fact, loop.create_future()) for fact in facts]
    for one in waiting:
        spool.append(one)
    await asyncio.gather(*(one.done for one in waiting))
    try:
        yield spool
    finally:
        await spool.close()


async def waits(spool: Spool) -> list[Fact]:
    """All that would go to Kafka, in order."""
    async with spool._disk:
        spool._seal()
    return [fact for file in spool._sealed for fact in disk.read(file.path)]


class Log:
    """What the log knows; None while Kafka is away."""

    def __init__(self) -> None:
        self.holds: dict[str, TenantKnown] | None = {}
        self.known: dict[str, TenantKnown] = {}
        self.patience: list[float] = []
        # Passed before it answers.
        self.open = asyncio.Event()
        self.open.set()

    def knows(self, name: str, secret: str) -> None:
        made = fingerprint(secret)
        one = TenantKnown(event_id="e", tenant=name, at="", account_sid=ACCOUNT, secret_fingerprint=made)
        self.holds = {**(self.holds or {}), name: one}

    async def refusals(self, tenants: Mapping[str, TenantSettings], patience_s: float = PATIENCE_S) -> dict[str, str]:
        self.patience.append(patience_s)
        await self.open.wait()
        if self.holds is None:
            raise NotKnown("no broker answers")
        self.known = self.holds
        return await refused(self.known, tenants)


def stamp(log: Log, folder: Path) -> Stamp:
    """That of a new process."""
    return Stamp(cast(KnownTenants, log), folder / "spool")


async def test_without_kafka_the_copy_says_who_a_tenant_is(tmp_path: Path) -> None:
    log = Log()
    log.knows("acme", "s")
    assert await stamp(log, tmp_path).compare({"acme": tenant()}) == {}
    log.holds = None
    assert await stamp(log, tmp_path).compare({"acme": tenant()}) == {}
    assert set(await stamp(log, tmp_path).compare({"acme": tenant("other")})) == {"acme"}


async def test_one_that_is_in_no_copy_is_believed_and_compared_once_kafka_is_back(tmp_path: Path) -> None:
    log, tenants = Log(), Tenants({"acme": tenant(), "zeta": tenant("other")})
    log.holds = None
    fresh = stamp(log, tmp_path)
    assert await fresh.compare(tenants) == {}
    async with spooled(tmp_path) as spool:
        with pytest.raises(NotAcknowledgedError, match="no broker answers"):
            await fresh.vouch(tenants, spool)
        log.knows("acme", "s")
        log.knows("zeta", "s")
        await fresh.vouch(tenants, spool)
    assert list(tenants) == ["acme"]
    assert tenants.awaited("zeta")
    # It is looked at as one that never counted, so its file put right is enough.
    assert not tenants.met("zeta")


async def test_what_was_taken_under_other_keys_is_set_aside_and_holds_nobody_elses(tmp_path: Path) -> None:
    log, tenants = Log(), Tenants({"acme": tenant("other"), "zeta": tenant()})
    log.holds = None
    believing = stamp(log, tmp_path)
    await believing.compare(tenants)
    async with spooled(tmp_path, heard("zeta", "s"), heard("acme", "other"), told("acme", "other")) as spool:
        log.knows("acme", "s")
        log.knows("zeta", "s")
        await believing.vouch(tenants, spool)
        assert await waits(spool) == [heard("zeta", "s")]
        assert set(spool.held()) == {"acme"}
    # The former secret is put back: what was taken by another stays where it is, and what comes now goes on.
    again, right = stamp(log, tmp_path), Tenants({"acme": tenant(), "zeta": tenant()})
    assert await again.compare(right) == {}
    async with spooled(tmp_path, heard("acme", "s")) as spool:
        await again.vouch(right, spool)
        assert await waits(spool) == [heard("zeta", "s"), heard("acme", "s")]
        assert set(spool.held()) == {"acme"}


async def test_who_was_believed_is_remembered_over_a_restart_with_the_former_secret(tmp_path: Path) -> None:
    log = Log()
    log.holds = None
    await stamp(log, tmp_path).compare({"acme": tenant("other"), "zeta": tenant()})
    async with spooled(tmp_path, heard("acme", "other")):
        pass
    # It was put back while Kafka was still away; a running ingress does not take another secret.
    again = stamp(log, tmp_path)
    assert await again.compare({"acme": tenant(), "zeta": tenant()}) == {}
    log.knows("acme", "s")
    log.knows("zeta", "s")
    tenants = Tenants({"acme": tenant(), "zeta": tenant()})
    async with spooled(tmp_path, heard("acme", "s"), told("acme", "s"), told("acme", "other", "order-1")) as spool:
        await again.vouch(tenants, spool)
        # It may be used. A status that named its command was keyed by whoever sent that.
        assert set(tenants) == {"acme", "zeta"}
        assert await waits(spool) == [heard("acme", "s"), told("acme", "s"), told("acme", "other", "order-1")]
        assert set(spool.held()) == {"acme"}


async def test_facts_by_the_former_secret_go_on_once_it_is_put_back(tmp_path: Path) -> None:
    log = Log()
    log.holds = None
    await stamp(log, tmp_path).compare({"acme": tenant()})
    # Started with another one: nobody can say yet which of the two is right.
    wrong, tenants = stamp(log, tmp_path), Tenants({"acme": tenant("other")})
    log.knows("acme", "s")
    await wrong.compare(tenants)
    async with spooled(tmp_path, heard("acme", "s")) as spool:
        await wrong.vouch(tenants, spool)
        assert "acme" not in tenants
        assert (spool.empty, set(spool.held())) == (True, {"acme"})
        right = Tenants({"acme": tenant()})
        assert await wrong.compare(right) == {}
        await wrong.vouch(right, spool)
        assert (await waits(spool), spool.held()) == ([heard("acme", "s")], {})


async def test_what_came_while_it_was_compared_is_set_aside_too(tmp_path: Path) -> None:
    log, tenants = Log(), Tenants({"acme": tenant("other")})
    log.holds = None
    believing = stamp(log, tmp_path)
    await believing.compare(tenants)
    log.knows("acme", "s")
    log.open.clear()
    async with spooled(tmp_path) as spool:
        vouching = asyncio.create_task(believing.vouch(tenants, spool))
        await asyncio.sleep(0)
        for place in range(3):
            spool.append(Waiting(heard("acme", "other", f"STOP {place}"), asyncio.get_running_loop().create_future()))
        log.open.set()
        await vouching
        assert (await waits(spool), set(spool.held())) == ([], {"acme"})


async def test_a_kill_while_facts_are_set_aside_loses_none(tmp_path: Path) -> None:
    facts = [heard("acme", "other", f"{place}") for place in range(3)]
    async with spooled(tmp_path, *facts) as spool:
        segment = next((tmp_path / "spool").glob("*.facts"))
        before = segment.read_bytes()
        await spool.divide(lambda fact: "acme" if fact == facts[0] else "")
        # Once set aside in part, then killed before the segment was written anew.
        segment.write_bytes(before)
        await spool.divide(lambda _: "acme")
        assert await waits(spool) == []
        await spool.recover("acme", lambda _: True)
        assert sorted(await waits(spool)) == sorted(facts)
        assert spool.held() == {}


async def test_who_cannot_be_compared_waits_while_facts_go_to_kafka(tmp_path: Path) -> None:
    log = Log()
    running = stamp(log, tmp_path)
    async with spooled(tmp_path) as spool:
        await running.vouch(Tenants(), spool)
        log.holds = None
        with pytest.raises(NotKnown, match="no broker answers"):
            await running.compare({"acme": tenant()})
        # The same where facts begin to go there while it is asked.
        starting = stamp(log, tmp_path)
        log.open.clear()
        asking = asyncio.create_task(starting.compare({"acme": tenant()}))
        await asyncio.sleep(0)
        await starting.vouch(Tenants(), spool)
        log.open.set()
        with pytest.raises(NotKnown):
            await asking


async def test_one_that_comes_while_others_are_compared_is_compared_before_facts_go_to_kafka(tmp_path: Path) -> None:
    log, tenants = Log(), Tenants({"acme": tenant()})
    log.holds = None
    running = stamp(log, tmp_path)
    await running.compare(tenants)
    log.open.clear()
    async with spooled(tmp_path) as spool:
        vouching = asyncio.create_task(running.vouch(tenants, spool))
        coming = asyncio.create_task(running.compare({"zeta": tenant("other")}))
        await asyncio.sleep(0)
        log.open.set()
        with pytest.raises(NotAcknowledgedError):
            await vouching
        assert await coming == {}
        for name in ("acme", "zeta"):
            log.knows(name, "s")
        both = Tenants({"acme": tenant(), "zeta": tenant("other")})
        await running.vouch(both, spool)
    assert list(both) == ["acme"]


async def test_a_copy_that_cannot_be_read_stops_nobody_where_kafka_answers(tmp_path: Path) -> None:
    copy = tmp_path / "spool" / "tenants.json"
    copy.parent.mkdir()
    copy.write_text("")
    log = Log()
    log.holds = None
    # Who could be refused by it waits.
    with pytest.raises(NotKnown, match=r"tenants.json cannot be read.*written anew once Kafka answers"):
        await stamp(log, tmp_path).compare({"acme": tenant()})
    log.knows("acme", "s")
    answering, tenants = stamp(log, tmp_path), Tenants({"acme": tenant()})
    assert await answering.compare(tenants) == {}
    # Who was believed stood there, so what waits may be keyed by anything.
    async with spooled(tmp_path, heard("acme", "s"), heard("acme", "other"), heard("zeta", "s")) as spool:
        await answering.vouch(tenants, spool)
        assert await waits(spool) == [heard("acme", "s")]
        assert set(spool.held()) == {"acme", "zeta"}
    log.holds = None
    assert set(await stamp(log, tmp_path).compare({"acme": tenant("other")})) == {"acme"}


async def test_a_copy_that_cannot_be_read_stays_until_kafka_answers_and_nothing_is_set_aside(tmp_path: Path) -> None:
    log = Log()
    log.holds = None
    starting, facts = stamp(log, tmp_path), [heard("acme", "s"), heard("zeta", "s")]
    async with spooled(tmp_path, *facts) as spool:
        copy = tmp_path / "spool" / "tenants.json"
        copy.write_text("torn")
        # All wait, so nobody counts.
        with pytest.raises(NotAcknowledgedError, match="no broker answers"):
            await starting.vouch(Tenants(), spool)
        assert (await waits(spool), spool.held(), copy.read_text()) == (facts, {}, "torn")
        log.knows("acme", "s")
        await starting.vouch(Tenants({"acme": tenant()}), spool)
        assert (await waits(spool), set(spool.held())) == (facts[:1], {"zeta"})
    log.holds = None
    assert set(await stamp(log, tmp_path).compare({"acme": tenant("other")})) == {"acme"}


async def test_what_goes_while_it_is_measured_is_passed_over(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    async with spooled(tmp_path, heard("acme", "s"), heard("zeta", "s")) as spool:
        await spool.divide(aside.owner)
        measure = Path.stat

        def gone(path: Path, **options: Any) -> Any:
            if ".acme." in path.name:
                path.unlink()
            return measure(path, **options)

        monkeypatch.setattr(Path, "stat", gone)
        assert set(spool.held()) == {"zeta"}


async def test_who_cannot_be_noted_is_not_believed(tmp_path: Path) -> None:
    (tmp_path / "spool").write_text("no folder")
    log = Log()
    log.holds = None
    with pytest.raises(NotKnown, match=r"tenants\.json cannot be"):
        await stamp(log, tmp_path).compare({"acme": tenant()})


async def test_before_it_listens_ingress_waits_a_few_seconds_for_kafka_at_most(tmp_path: Path) -> None:
    log = Log()
    starting = stamp(log, tmp_path)
    await starting.compare({"acme": tenant()})
    async with spooled(tmp_path) as spool:
        await starting.vouch(Tenants({"acme": tenant()}), spool)
    await starting.compare({"zeta": tenant()})
    assert 3 * log.patience[0] < 15
    assert log.patience[1] == PATIENCE_S
