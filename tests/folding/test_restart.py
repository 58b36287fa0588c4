"""What a worker finds when it comes back: its store, or nothing but the changelog."""

import shutil
import time
from pathlib import Path

from aiokafka import AIOKafkaProducer
from rocksdict import Options, Rdict

from services.contract.plan import TOMBSTONES_KEPT
from services.runtime.folding.stamp import Stamp
from services.runtime.folding.store import PartitionedStore
from tests.folding.rig import Rig


async def test_facts_are_folded_and_restored_rows_go_on(rig: Rig) -> None:
    await rig.tell(rig.facts(300))
    worker = rig.start()
    await worker.ready(rig.partitions)
    await rig.folded()
    await rig.same_rows([await worker.stop()])


async def test_a_kept_store_reads_only_the_tail(rig: Rig) -> None:
    await rig.tell(rig.facts(300))
    worker = rig.start()
    await rig.folded()
    await worker.stop()
    rows_written = len(await rig.read(rig.changelog))

    again = rig.start()
    await again.ready(rig.partitions)
    # The record at the remembered offset is read again; it changes nothing.
    assert sum(again.said("restored")) <= rig.partitions < rows_written
    await rig.tell(rig.facts(100))
    await rig.folded()
    await rig.same_rows([await again.stop()])


async def test_a_wiped_store_is_restored_and_says_how_far_it_is(rig: Rig) -> None:
    await rig.tell(rig.facts(300))
    worker = rig.start()
    await rig.folded()
    await worker.stop()
    rig.wipe()

    # Slowed down, so that there is something to tell.
    again = rig.start(max_batch=5, restore_s=0.05, progress_s=0.05)
    await again.ready(rig.partitions)
    assert sum(again.said("restored")) == len(await rig.read(rig.changelog))
    remaining = again.said("remaining")
    assert remaining == sorted(remaining, reverse=True)
    assert remaining[0] > remaining[-1]
    assert "changelog records to go; " in again.log
    assert "a second, about" in again.log
    reasons = [reason for (reason,) in again.said("unready")]
    assert len(set(reasons)) > 2
    assert "% done, " in reasons[-1]
    await rig.tell(rig.facts(100))
    await rig.folded()
    await rig.same_rows([await again.stop()])


async def test_a_backup_is_brought_up_to_date_by_the_tail(rig: Rig) -> None:
    await rig.tell(rig.facts(100))
    worker = rig.start()
    await rig.folded()
    await worker.stop()
    before = len(await rig.read(rig.changelog))
    shutil.copytree(rig.home / "one" / "data", rig.home / "two" / "data")
    await rig.tell(rig.facts(200))
    again = rig.start()
    await rig.folded()
    await again.stop()

    from_backup = rig.start("two")
    await from_backup.ready(rig.partitions)
    after = len(await rig.read(rig.changelog))
    assert after - before <= sum(from_backup.said("restored")) <= after - before + rig.partitions
    await rig.same_rows([await from_backup.stop()])


async def test_a_backup_older_than_removals_are_kept_is_read_anew(rig: Rig) -> None:
    await rig.tell(rig.facts(100))
    worker = rig.start()
    await rig.folded()
    await worker.stop()
    # What a compacted changelog no longer says: that this row is gone.
    _restamp(rig.home / "one", rows={b"key-that-is-gone": b'{"key":"key-that-is-gone","number":1,"chain":"x"}'})
    shutil.copytree(rig.home / "one" / "data", rig.home / "two" / "data")
    _restamp(rig.home / "two", age_s=TOMBSTONES_KEPT.total_seconds() + 60)
    await rig.tell(rig.facts(100))
    again = rig.start()
    await rig.folded()
    assert "key-that-is-gone" in await again.stop()

    from_backup = rig.start("two")
    await from_backup.ready(rig.partitions)
    assert sum(from_backup.said("restored")) == len(await rig.read(rig.changelog))
    assert "read anew: it is older than removals are kept" in from_backup.log
    await rig.same_rows([await from_backup.stop()])


async def test_a_store_of_another_changelog_is_read_anew(rig: Rig) -> None:
    await rig.tell(rig.facts(100))
    worker = rig.start()
    await rig.folded()
    await worker.stop()
    _restamp(
        rig.home / "one", beyond=1_000_000, rows={b"key-of-another": b'{"key":"key-of-another","number":1,"chain":"x"}'}
    )

    again = rig.start()
    await again.ready(rig.partitions)
    assert sum(again.said("restored")) == len(await rig.read(rig.changelog))
    assert "read anew: it is at 1000" in again.log
    await rig.tell(rig.facts(100))
    await rig.folded()
    await rig.same_rows([await again.stop()])


async def test_a_store_of_other_aliases_stops_its_worker_with_a_sentence(rig: Rig) -> None:
    """Its rows are of people whose keys are others now: folding on would forget what they said."""
    await rig.tell(rig.facts(20))
    worker = rig.start()
    await rig.folded()
    await worker.stop()
    _restamp(rig.home / "one", aliases="")
    again = rig.start()
    assert await again.exit_code()
    assert "keyed by alias version none; this release makes keys by version 2" in again.log
    _restamp(rig.home / "one")
    await (mended := rig.start()).ready(rig.partitions)
    await rig.same_rows([await mended.stop()])


def _restamp(
    home: Path, age_s: float = 0.0, beyond: int = 0, rows: dict[bytes, bytes] | None = None, aliases: str | None = None
) -> None:
    """Change what a worker's stores say of their age and place, and give them rows."""
    stores = list((home / "data").rglob("*.db"))
    assert stores
    for path in stores:
        store = Rdict(str(path), options=Options(raw_mode=True))
        if (found := store.get(PartitionedStore.offset_key)) is not None:
            told = bytes(Stamp(int(found.split()[0]) + beyond, time.time() - age_s, b"0"))
            if aliases is not None:
                told = b" ".join([*told.split()[:2], aliases.encode()]).strip()
            store.put(PartitionedStore.offset_key, told)
            for key, value in (rows or {}).items():
                store.put(key, value)
        store.close()


async def test_a_restore_ends_although_the_changelog_ends_in_an_aborted_transaction(rig: Rig) -> None:
    await rig.tell(rig.facts(100))
    worker = rig.start()
    await rig.folded()
    await worker.stop()
    rig.wipe()
    async with AIOKafkaProducer(bootstrap_servers=rig.bootstrap, transactional_id=f"{rig.app}-aborts") as writer:
        await writer.begin_transaction()
        for partition in range(rig.partitions):
            for _ in range(20):
                await writer.send(rig.changelog, b"never", key=b"key-0", partition=partition)
        await writer.flush()
        await writer.abort_transaction()

    again = rig.start()
    await again.ready(rig.partitions)
    await rig.tell(rig.facts(100))
    await rig.folded()
    await rig.same_rows([await again.stop()])
