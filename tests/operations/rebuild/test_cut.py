"""Retention cuts the log, before it is rebuilt from and meanwhile: what consent's evidence and a snapshot tell then.

Each test finds what those before it have left of the log.
"""

import asyncio
import json
import threading
from collections.abc import Callable, Coroutine
from pathlib import Path
from typing import Any

import pytest

from services.cli.rebuild import live_folds
from services.contract import codec
from services.contract.consent import CONSENT
from services.contract.messages import DELIVERY, INBOUND, OUTCOMES
from services.contract.outbound import ACCEPTED
from services.domain.consent.standing import Standing, suppressed
from services.operations.log import LogError
from services.operations.progress import Progress
from services.operations.rebuild.plan import plan
from services.operations.rebuild.work import Wish, Work
from tests.domain.suppression_oracle import wrote
from tests.kafka_records import produce
from tests.processes import settings_of
from tests.waiting import eventually

from .history import PEOPLE, history
from .house import House, Rows, canonical

pytestmark = [pytest.mark.slow, pytest.mark.timeout(400)]


def _answers(rows: Rows) -> dict[bytes, object]:
    return {key: suppressed(codec.decode(row, Standing)) for key, row in rows.items()}


def _work(house: House, table: str, apply: bool) -> Work:
    settings = settings_of(house.settings)
    return Work(settings.kafka, plan(live_folds(settings, "processor"), table, "processor"), Wish(apply=apply))


def _at(moment: str, cut: Callable[[], Coroutine[Any, Any, None]]) -> tuple[threading.Thread, Progress]:
    """A thread that cuts the log, and what to hear of progress with, so that it does so at that moment, once."""
    thread = threading.Thread(target=lambda: asyncio.run(cut()))

    def told(what: str, _done: int, _total: int | None) -> None:
        if what == moment and not thread.ident:
            thread.start()
            thread.join()

    return thread, told


async def test_what_goes_before_it_is_read_is_told_and_nothing_is_published(house: House) -> None:
    """The evidence has been read, the raw facts have not."""
    before = await house.rows("suppression")
    key = next(iter(before))
    await house.plant("suppression", [(key, None)])
    planted = await house.rows("suppression")
    work = _work(house, "suppression", apply=True)
    cut, told = _at("partition 0, log", lambda: house.cut_one(INBOUND.name))
    with pytest.raises(LogError, match=f"retention removed records of {INBOUND.name} before they were read"):
        await work.run(told)
    assert cut.ident
    assert work.published == 0
    assert await house.rows("suppression") == planted
    await house.plant("suppression", [(key, before[key])])


@pytest.mark.parametrize("apply", [False, True])
async def test_a_cut_log_may_be_cut_on_while_the_live_rows_are_read(house: House, apply: bool) -> None:
    before = await house.rows("recent")
    work = _work(house, "recent", apply)
    cut, told = _at("partition 0, live", lambda: house.cut_one(INBOUND.name))
    await work.run(told)
    assert cut.ident
    assert (work.cut, work.published) == (True, 0)
    assert [one.differing for one in work.found] == [{}, {}]
    assert canonical(await house.rows("recent")) == canonical(before)


async def test_what_a_snapshot_holds_need_not_be_on_the_log(house: House, tmp_path: Path) -> None:
    file = tmp_path / "saved"
    assert (await house.told("deliverability", "--save", str(file)))["differences"] == []
    await house.cut(DELIVERY.name)
    with house.processor() as processor:
        await eventually(processor.ready, 60, "the processor is ready")
        await house.tell(history(4, 60))
        await house.folded()
    said = await house.rebuild("deliverability", code=2)
    assert "has been cut by retention" in said
    told = await house.told("deliverability", "--snapshot", str(file))
    assert told["differences"] == []
    assert told["rows"]["equal"] == len(canonical(await house.rows("deliverability"))) > 10

    await house.cut(DELIVERY.name)
    assert "the snapshot is too old" in await house.rebuild("deliverability", "--snapshot", str(file), code=2)
    half = tmp_path / "half"
    half.write_bytes(file.read_bytes()[:-20])
    assert "is no whole snapshot" in await house.rebuild("deliverability", "--snapshot", str(half), code=2)
    assert "is a snapshot of deliverability" in await house.rebuild("recent", "--snapshot", str(file), code=2)


async def test_every_stop_comes_back_from_the_evidence_alone(house: House) -> None:
    before = await house.rows("suppression")
    answers = _answers(before)
    sources = {one.source for answer in answers.values() for one in answer.values()}  # type: ignore[attr-defined]
    assert sources >= {"keyword", "twilio_21610", "command"}
    assert any(not answer for answer in answers.values())
    assert any(json.loads(row).get("links") for row in before.values())
    await house.cut(INBOUND.name, ACCEPTED.name, OUTCOMES.name)
    await house.plant("suppression", [(key, None) for key in before])

    told = await house.told("suppression", "--apply")
    assert (told["published"], told["log_cut"]) == (len(before), False)
    after = await house.rows("suppression")
    assert _answers(after) == answers
    assert canonical(after) == canonical(before)


async def test_rows_that_are_older_than_the_log_are_no_differences(house: House) -> None:
    """The test before has cut it."""
    with house.processor() as processor:
        await eventually(processor.ready, 60, "the processor is ready")
        await house.tell([wrote("hello", 0, "SMlate", contact=one) for one in PEOPLE[:3]])
        await house.folded()
    told = await house.told("recent")
    rows = await house.rows("recent")
    told_of = {key for topic in (INBOUND, ACCEPTED, OUTCOMES) for key, _ in await house.records(topic.name)}
    older = [key for key in rows if key not in told_of]
    assert 0 < len(older) < len(rows)
    assert (told["log_cut"], told["differences"]) == (True, [])
    assert told["rows"]["older_than_the_log"] == len(older)
    assert told["rows"]["equal"] == len(rows) - len(older)

    # What the log still holds, every row must hold.
    key = next(key for key, _ in await house.records(INBOUND.name) if key)
    await house.plant("recent", [(key, None)])
    assert [one["how"] for one in (await house.told("recent", code=1))["differences"]] == ["only on the log"]
    assert (await house.told("recent", "--apply"))["published"] == 1
    assert key in await house.rows("recent")


async def test_evidence_that_retention_takes_meanwhile_ends_no_suppression(house: House) -> None:
    """Of what is still to be compared then: the first partition's evidence has been read, the second's has not."""
    before = await house.rows("suppression")
    work = _work(house, "suppression", apply=True)
    cut, told = _at("partition 0, live", lambda: house.cut(CONSENT.name))
    await work.run(told)
    assert cut.ident
    assert (work.cut, work.published) == (True, 0)
    assert [one.differing for one in work.found] == [{}, {}]
    assert canonical(await house.rows("suppression")) == canonical(before)


async def test_evidence_that_was_cut_ends_no_suppression(house: House) -> None:
    """By the test before."""
    before = await house.rows("suppression")
    told = await house.told("suppression", "--apply")
    assert (told["published"], told["log_cut"]) == (0, True)
    assert canonical(await house.rows("suppression")) == canonical(before)


async def test_evidence_that_cannot_be_read_ends_no_suppression(house: House) -> None:
    """As another version may have written it."""
    before = await house.rows("suppression")
    key = next(iter(before))
    await produce(house.bootstrap, CONSENT.name, [(key, b'{"event_type":"consent_withdrawn"}')])
    said = await house.rebuild("suppression", "--apply", code=2)
    assert "1 records of ours cannot be read by this version, the first at twilio.consent.v1/" in said
    assert canonical(await house.rows("suppression")) == canonical(before)
