"""An ingress without Kafka knows its tenants by the copy beside its spool; and what was believed is compared before
anything goes to Kafka."""

import asyncio
from collections.abc import Mapping
from pathlib import Path
from typing import Any, cast

import pytest
from pydantic import SecretStr

from services.domain.tenants import TenantKnown
from services.ingress.producer import NotAcknowledgedError
from services.ingress.stamp import Stamp
from services.runtime.tenants.fingerprints import fingerprint
from services.runtime.tenants.known import PATIENCE_S, KnownTenants, NotKnown, refused
from services.runtime.tenants.live import Tenants
from services.runtime.tenants.settings import TenantSettings


def tenant(secret: str = "s", **other: Any) -> TenantSettings:
    return TenantSettings(
        account_sid="AC" + "1" * 32, auth_tokens=[SecretStr("t")], contact_secret=SecretStr(secret), **other
    )


def facts_wait() -> bool:
    return False


def nothing_waits() -> bool:
    return True


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
        one = TenantKnown(event_id="e", tenant=name, at="", account_sid="AC" + "1" * 32, secret_fingerprint=made)
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
    with pytest.raises(NotAcknowledgedError, match="no broker answers"):
        await fresh.vouch(tenants, facts_wait)
    log.knows("acme", "s")
    log.knows("zeta", "s")
    await fresh.vouch(tenants, nothing_waits)
    assert list(tenants) == ["acme"]
    assert tenants.awaited("zeta")
    # It is looked at as one that never counted, so its file put right is enough.
    assert not tenants.met("zeta")


async def test_what_was_taken_under_other_keys_goes_nowhere_also_after_a_restart(tmp_path: Path) -> None:
    log, tenants = Log(), Tenants({"acme": tenant("other")})
    log.holds = None
    believing = stamp(log, tmp_path)
    await believing.compare(tenants)
    log.knows("acme", "s")
    for _ in range(2):
        with pytest.raises(NotAcknowledgedError, match=r"facts of acme wait in the spool.*move .*spool away"):
            await believing.vouch(tenants, facts_wait)
    again = stamp(log, tmp_path)
    assert await again.compare({"acme": tenant()}) == {}
    with pytest.raises(NotAcknowledgedError, match="facts of acme"):
        await again.vouch(Tenants({"acme": tenant()}), facts_wait)
    (tmp_path / "spool").rename(tmp_path / "away")
    moved = stamp(log, tmp_path)
    assert await moved.compare({"acme": tenant()}) == {}
    await moved.vouch(Tenants({"acme": tenant()}), nothing_waits)


async def test_who_was_believed_is_remembered_over_a_restart_with_the_former_secret(tmp_path: Path) -> None:
    log = Log()
    log.holds = None
    await stamp(log, tmp_path).compare({"acme": tenant("other"), "zeta": tenant()})
    # It was put back while Kafka was still away; a running ingress does not take another secret.
    again = stamp(log, tmp_path)
    assert await again.compare({"acme": tenant(), "zeta": tenant()}) == {}
    log.knows("acme", "s")
    log.knows("zeta", "s")
    tenants = Tenants({"acme": tenant(), "zeta": tenant()})
    with pytest.raises(NotAcknowledgedError, match="facts of acme wait in the spool"):
        await again.vouch(tenants, facts_wait)
    # It may be used; what lies there may not.
    assert set(tenants) == {"acme", "zeta"}
    restarted = stamp(log, tmp_path)
    assert await restarted.compare(tenants) == {}
    with pytest.raises(NotAcknowledgedError, match="facts of acme wait in the spool"):
        await restarted.vouch(tenants, facts_wait)
    await restarted.vouch(tenants, nothing_waits)
    await stamp(log, tmp_path).vouch(tenants, facts_wait)


async def test_facts_by_the_former_secret_go_on_once_it_is_put_back(tmp_path: Path) -> None:
    log = Log()
    log.holds = None
    await stamp(log, tmp_path).compare({"acme": tenant()})
    # Started with another one: nobody can say yet which of the two is right.
    wrong, tenants = stamp(log, tmp_path), Tenants({"acme": tenant("other")})
    log.knows("acme", "s")
    await wrong.compare(tenants)
    with pytest.raises(NotAcknowledgedError, match="Put the former secret back"):
        await wrong.vouch(tenants, facts_wait)
    assert "acme" not in tenants
    right = Tenants({"acme": tenant()})
    assert await wrong.compare(right) == {}
    await wrong.vouch(right, facts_wait)


async def test_what_came_while_it_was_compared_is_held_back_too(tmp_path: Path) -> None:
    log, tenants = Log(), Tenants({"acme": tenant("other")})
    log.holds = None
    believing = stamp(log, tmp_path)
    await believing.compare(tenants)
    log.knows("acme", "s")
    log.open.clear()
    spooled: list[str] = []
    vouching = asyncio.create_task(believing.vouch(tenants, lambda: not spooled))
    await asyncio.sleep(0)
    spooled.append("STOP")
    log.open.set()
    with pytest.raises(NotAcknowledgedError, match="facts of acme"):
        await vouching


async def test_who_cannot_be_compared_waits_while_facts_go_to_kafka(tmp_path: Path) -> None:
    log = Log()
    running = stamp(log, tmp_path)
    await running.vouch(Tenants(), nothing_waits)
    log.holds = None
    with pytest.raises(NotKnown, match="no broker answers"):
        await running.compare({"acme": tenant()})
    # The same where facts begin to go there while it is asked.
    starting = stamp(log, tmp_path)
    log.open.clear()
    asking = asyncio.create_task(starting.compare({"acme": tenant()}))
    await asyncio.sleep(0)
    await starting.vouch(Tenants(), nothing_waits)
    log.open.set()
    with pytest.raises(NotKnown):
        await asking


async def test_one_that_comes_while_others_are_compared_is_compared_before_facts_go_to_kafka(tmp_path: Path) -> None:
    log, tenants = Log(), Tenants({"acme": tenant()})
    log.holds = None
    running = stamp(log, tmp_path)
    await running.compare(tenants)
    log.open.clear()
    vouching = asyncio.create_task(running.vouch(tenants, nothing_waits))
    coming = asyncio.create_task(running.compare({"zeta": tenant("other")}))
    await asyncio.sleep(0)
    log.open.set()
    with pytest.raises(NotAcknowledgedError):
        await vouching
    assert await coming == {}
    for name in ("acme", "zeta"):
        log.knows(name, "s")
    both = Tenants({"acme": tenant(), "zeta": tenant("other")})
    with pytest.raises(NotAcknowledgedError, match="facts of zeta"):
        await running.vouch(both, facts_wait)


async def test_a_copy_that_cannot_be_read_stops_nobody_where_kafka_answers(tmp_path: Path) -> None:
    copy = tmp_path / "spool" / "tenants.json"
    copy.parent.mkdir()
    copy.write_text("")
    log = Log()
    log.holds = None
    # Who could be refused by it waits.
    with pytest.raises(NotKnown, match=r"tenants.json cannot be read.*remove it.*move .*spool away"):
        await stamp(log, tmp_path).compare({"acme": tenant()})
    log.knows("acme", "s")
    for _ in range(2):
        answering, tenants = stamp(log, tmp_path), Tenants({"acme": tenant()})
        assert await answering.compare(tenants) == {}
        # Who was believed stood there, so what waits may be keyed by anything.
        with pytest.raises(NotAcknowledgedError, match=r"tenants.json cannot be read"):
            await answering.vouch(tenants, facts_wait)
    await answering.vouch(tenants, nothing_waits)
    log.holds = None
    assert set(await stamp(log, tmp_path).compare({"acme": tenant("other")})) == {"acme"}


async def test_who_cannot_be_noted_is_not_believed(tmp_path: Path) -> None:
    (tmp_path / "spool").write_text("no folder")
    log = Log()
    log.holds = None
    with pytest.raises(NotKnown, match=r"tenants\.json cannot be"):
        await stamp(log, tmp_path).compare({"acme": tenant()})


async def test_before_it_listens_ingress_waits_a_few_seconds_for_kafka_at_most(tmp_path: Path) -> None:
    log = Log()
    starting = stamp(log, tmp_path)
    for _ in range(2):
        await starting.compare({"acme": tenant()})
    assert 3 * log.patience[0] < 15
    assert log.patience[1] == PATIENCE_S
