"""What a worker finds when it comes back: its store, or nothing but the changelog."""

from aiokafka import AIOKafkaProducer

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
    assert "changelog records to go" in again.log
    await rig.tell(rig.facts(100))
    await rig.folded()
    await rig.same_rows([await again.stop()])


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
