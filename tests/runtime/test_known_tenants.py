"""Only whom the log knows counts: one that is new here is compared first, and one that is another stops nobody else."""

import asyncio
from collections.abc import Mapping
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from services.domain.tenants import TenantKnown
from services.runtime.tenants import watching
from services.runtime.tenants.fingerprints import fingerprint, fits
from services.runtime.tenants.known import NotKnown, refused
from services.runtime.tenants.settings import TenantSettings
from services.runtime.tenants.watching import Watch
from tests.runtime.test_tenants import Folder
from tests.waiting import eventually


@given(st.text(min_size=1), st.text(min_size=1))
@settings(max_examples=20)
def test_a_fingerprint_fits_its_secret_alone_and_shows_nothing(secret: str, other: str) -> None:
    made = fingerprint(secret)
    assert fits(secret, made)
    assert fits(other, made) == (other == secret)
    # A salt of its own each time: two tenants with one secret do not show it.
    assert made != fingerprint(secret)


def test_what_is_no_fingerprint_of_ours_is_told() -> None:
    with pytest.raises(ValueError, match="md5 is no way of ours"):
        fits("secret", "md5$1$1$1$00$00")


class Log:
    """Knows some tenants; `away` while nobody answers."""

    def __init__(self, **known: TenantKnown) -> None:
        self.known = known
        self.away = False
        self.asked: list[set[str]] = []

    async def compare(self, tenants: Mapping[str, TenantSettings]) -> Mapping[str, str]:
        self.asked.append(set(tenants))
        if self.away:
            raise NotKnown("no broker answers")
        return await refused(self.known, tenants)


def known(account: str = "1", secret: str = "c") -> TenantKnown:
    return TenantKnown(
        event_id="e", tenant="t", at="", account_sid="AC" + account * 32, secret_fingerprint=fingerprint(secret)
    )


async def look(folder: Folder, log: Log) -> list[str]:
    """Open a watch, and so look once; which tenants count then."""
    async with Watch(folder.tenants, folder.files, 3600, log.compare).running():
        return sorted(folder.tenants)


async def test_one_with_another_secret_or_account_is_awaited_and_stops_nobody_else(tmp_path: Path) -> None:
    folder, log = Folder(tmp_path), Log(acme=known(), other=known(secret="former"), moved=known("9"))
    folder.mount(acme=folder.tenant(), other=folder.tenant(), moved=folder.tenant(), new=folder.tenant())
    assert await look(folder, log) == ["acme", "new"]
    assert [folder.tenants.awaited(name) for name in ("other", "moved", "acme")] == [True, True, False]
    account, secret = sorted(folder.tenants.troubles())
    assert account.startswith("moved: account_sid is not AC99999")
    assert secret.startswith("other: contact_secret is not the one that this log knows")
    assert all("nothing of" in one for one in (account, secret))


async def test_who_was_compared_is_not_compared_again_until_its_file_is_another(tmp_path: Path) -> None:
    folder, log = Folder(tmp_path), Log(acme=known(secret="former"), zeta=known())
    folder.mount(acme=folder.tenant(), zeta=folder.tenant())
    watch = Watch(folder.tenants, folder.files, 3600, log.compare)
    for _ in range(3):
        watch.take(await watch._compared(folder.files.look()))
    assert (list(folder.tenants), log.asked) == (["zeta"], [{"acme", "zeta"}])
    folder.mount(acme=folder.tenant(contact_secret=folder.secret("put-back", "former")), zeta=folder.tenant())
    watch.take(await watch._compared(folder.files.look()))
    assert (sorted(folder.tenants), log.asked[1:]) == (["acme", "zeta"], [{"acme"}])
    assert not folder.tenants.troubles()


async def test_a_new_one_waits_while_nobody_can_say_who_it_is(tmp_path: Path) -> None:
    folder, log = Folder(tmp_path), Log()
    folder.mount(acme=folder.tenant())
    assert await look(folder, log) == ["acme"]
    log.away = True
    folder.mount(acme=folder.tenant(dry_run=True), zeta=folder.tenant())
    assert await look(folder, log) == ["acme"]
    # Who counts already is changed all the same.
    assert folder.tenants["acme"].dry_run
    assert folder.tenants.troubles() == ["zeta waits: no broker answers; it is tried again"]
    log.away = False
    assert await look(folder, log) == ["acme", "zeta"]


async def test_who_waited_long_for_an_answer_is_compared_again_soon(tmp_path: Path) -> None:
    folder, log = Folder(tmp_path), Log(acme=known(secret="former"))
    folder.mount()

    async def slow(tenants: Mapping[str, TenantSettings]) -> Mapping[str, str]:
        if not log.asked:
            # A Kafka that does not answer. A look whose own work took so long would come after half a minute.
            await asyncio.sleep(1)
            log.asked.append(set(tenants))
            raise NotKnown("no answer in time")
        return await log.compare(tenants)

    async with Watch(folder.tenants, folder.files, 0.05, slow).running():
        folder.mount(zeta=folder.tenant())
        await eventually(lambda: "zeta" in folder.tenants, 15, "the tenant is compared again")


async def test_one_that_is_refused_while_others_are_compared_does_not_come_back(tmp_path: Path) -> None:
    folder, log = Folder(tmp_path), Log(acme=known(secret="former"))
    folder.mount(acme=folder.tenant())

    async def compare(tenants: Mapping[str, TenantSettings]) -> Mapping[str, str]:
        if "acme" in folder.tenants:
            folder.tenants.refuse("acme")
        return await log.compare(tenants)

    # As ingress believed it while Kafka was away.
    folder.tenants.take(folder.files.look())
    folder.mount(acme=folder.tenant(), zeta=folder.tenant())
    watch = Watch(folder.tenants, folder.files, 3600, compare)
    watch.take(await watch._compared(folder.files.look()))
    assert list(folder.tenants) == ["zeta"]


async def test_those_that_were_compared_count_while_the_others_are_awaited(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(watching, "_TOGETHER", 2)
    names = ["a", "b", "c", "d", "e"]
    folder, log = Folder(tmp_path), Log(d=known(secret="former"))
    folder.mount(**{name: folder.tenant() for name in names})
    going = asyncio.Event()

    async def compare(tenants: Mapping[str, TenantSettings]) -> Mapping[str, str]:
        if log.asked:
            await going.wait()
        return await log.compare(tenants)

    watch = Watch(folder.tenants, folder.files, 3600, compare)
    async with watch.running(within_s=0.0):
        await eventually(lambda: len(folder.tenants) == 2, 15, "the first count")
        waiting = [name for name in names if name not in folder.tenants]
        assert all(map(folder.tenants.awaited, waiting))
        assert not folder.tenants.settled.is_set()
        assert not folder.tenants.troubles()
        going.set()
        await asyncio.wait_for(folder.tenants.settled.wait(), 15)
        assert sorted(folder.tenants) == ["a", "b", "c", "e"]
        assert [one.partition(":")[0] for one in folder.tenants.troubles()] == ["d"]
    assert [len(some) for some in log.asked] == [2, 2, 1]


async def test_who_was_refused_in_one_of_several_groups_is_not_compared_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(watching, "_TOGETHER", 2)
    folder, log = Folder(tmp_path), Log(a=known(secret="former"), d=known(secret="former"))
    folder.mount(**{name: folder.tenant() for name in "abcde"})
    watch = Watch(folder.tenants, folder.files, 3600, log.compare)
    await watch._meet(folder.files.look())
    watch.take(await watch._compared(folder.files.look()))
    assert log.asked == [{"a", "b"}, {"c", "d"}, {"e"}]
    assert [one.partition(":")[0] for one in sorted(folder.tenants.troubles())] == ["a", "d"]
    # With another file it is.
    folder.mount(
        a=folder.tenant(contact_secret=folder.secret("put-back", "former")),
        **{name: folder.tenant() for name in "bcde"},
    )
    watch.take(await watch._compared(folder.files.look()))
    assert (sorted(folder.tenants), log.asked[3:]) == (["a", "b", "c", "e"], [{"a"}])
