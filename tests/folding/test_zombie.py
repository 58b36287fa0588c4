"""A worker that was frozen past its session and wakes up: it may not write any more."""

import asyncio
import signal
from typing import Any

import pytest
from aiokafka.errors import ProducerFenced

from services.runtime.folding.fold import Emission
from services.runtime.folding.ledger import Ledger
from tests.folding.rig import Rig
from tests.folding.tally import Fact
from tests.waiting import eventually


async def test_a_worker_frozen_in_a_flush_is_shut_out_when_it_wakes(rig: Rig) -> None:
    await rig.tell(rig.facts(100))
    one = rig.start("one", freezes=True)
    await rig.folded()
    # It stops itself between folding this fact and writing what came of it.
    await rig.tell([Fact("the-one-that-freezes", "key-0", "freeze")])
    await one.froze()
    two = rig.start("two")
    await two.ready(rig.partitions, deadline_s=60)
    await rig.tell(rig.facts(100))
    await rig.folded()
    before = [len(await rig.read(topic, "read_uncommitted")) for topic in (rig.derived, rig.changelog)]

    one.signal(signal.SIGCONT)
    assert await one.exit_code(deadline_s=60) not in (0, -signal.SIGKILL)
    after = [len(await rig.read(topic, "read_uncommitted")) for topic in (rig.derived, rig.changelog)]
    assert after == before
    await rig.tell(rig.facts(50))
    await rig.folded(but=one)
    await rig.same_rows([await two.stop()])


async def test_a_worker_frozen_while_idle_folds_on_from_what_others_left_or_ends(rig: Rig) -> None:
    await rig.tell(rig.facts(100))
    one = rig.start("one")
    await rig.folded()
    one.signal(signal.SIGSTOP)
    two = rig.start("two")
    await two.ready(rig.partitions, deadline_s=60)
    await rig.tell(rig.facts(100))
    await rig.folded()
    one.signal(signal.SIGCONT)

    # It may fetch what others have folded before it hears that it is out, and is shut out when it writes.
    def is_back() -> bool:
        return one.process.poll() is not None or len(one.owns() or ()) == rig.partitions // 2

    await eventually(is_back, 60, "the one that was frozen is back or has ended")
    assert one.process.poll() != 0
    again = one if one.process.poll() is None else rig.start("one")
    await again.ready(rig.partitions // 2, deadline_s=60)
    await two.ready(rig.partitions // 2, deadline_s=60)
    await rig.tell(rig.facts(100))
    await rig.folded(but=one)
    await rig.same_rows(await rig.stop(again, two))


async def test_whose_fence_is_taken_between_two_batches_hears_that(rig: Rig, monkeypatch: pytest.MonkeyPatch) -> None:
    """Its second batch finds no transaction any more; why not, the first one's end says."""
    former = await rig.take_fence(0)
    sends = Ledger._send
    batches: list[str] = []

    async def slowly(*what: Any) -> list[tuple[asyncio.Future[Any], int]]:
        batches.append(what[1])
        sent = await sends(*what)
        await asyncio.wait([acknowledged for acknowledged, _ in sent], timeout=20)
        return sent

    monkeypatch.setattr(Ledger, "_send", staticmethod(slowly))
    rows = [Emission(rig.changelog, b"k", b"{}", [])]
    derived = [Emission(rig.derived, b"k", b"{}", [])]
    try:
        await former.write(derived, 0, {rig.changelog: rows})
        batches.clear()
        await (await rig.take_fence(0)).close()
        with pytest.raises(ProducerFenced):
            await former.write(derived, 0, {rig.changelog: rows})
        assert batches == [rig.derived, rig.changelog]
    finally:
        await former.close()
