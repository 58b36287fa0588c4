"""A rebuilt table is the live one, byte for byte; and what is not, is found and mended."""

import asyncio
import json
import stat
import time
from pathlib import Path

import aiohttp
import pytest

from services.contract.consent import SUPPRESSION
from services.contract.messages import DELIVERABILITY, MESSAGES, SESSIONS
from services.contract.outbound import ACCEPTED, RESULTS
from services.contract.partition import partition_of
from services.domain.clock import iso, later
from tests.domain.suppression_oracle import wrote
from tests.processes import SHOWN
from tests.waiting import eventually

from .history import history
from .house import PARTITIONS, House, Rows, canonical, saved

pytestmark = pytest.mark.timeout(400)
TABLES = ["delivery", "deliverability", "commands", "suppression", "sessions", "recent"]
EVERYDAY = "suppression"


@pytest.mark.slow
@pytest.mark.parametrize("table", TABLES)
async def test_the_rebuilt_table_is_the_live_one_byte_for_byte(house: House, tmp_path: Path, table: str) -> None:
    file = tmp_path / "saved"
    told = await house.told(table, "--save", str(file))
    live, rebuilt = canonical(await house.rows(table)), canonical(saved(file))
    if table == "sessions":
        live, rebuilt = open_windows(live), open_windows(rebuilt)
        assert any(json.loads(row)["windows"] for row in live.values())
    assert rebuilt == live
    assert len(live) > 10
    assert told["differences"] == []
    assert told["rows"]["equal"] == told["rows"]["compared"] >= len(live)
    assert stat.S_IMODE(file.stat().st_mode) == 0o600


def open_windows(rows: dict[str, str]) -> dict[str, str]:
    """Sessions as they are once every timer that is due has rung."""
    now = iso(time.time_ns() // 1_000_000)
    found = {}
    for key, text in rows.items():
        row = json.loads(text)
        windows = row["windows"]
        row["windows"] = {
            sender: {**window, "closing_told": later(window["until"], -3600) <= now}
            for sender, window in windows.items()
            if window["until"] > now
        }
        ended = {sender: window["until"] for sender, window in windows.items() if window["until"] <= now}
        row["over"] = {**row.get("over", {}), **ended}
        found[key] = json.dumps(row, sort_keys=True)
    return found


@pytest.mark.slow
async def test_it_compares_while_the_processor_goes_on(house: House) -> None:
    facts = history(3, 300)
    with house.processor() as processor:
        await eventually(processor.ready, 60, "the processor is ready")

        async def go_on() -> None:
            for start in range(0, len(facts), 20):
                await house.tell(facts[start : start + 20])

        going = asyncio.create_task(go_on())
        for table in ("delivery", "suppression", "deliverability"):
            told = await house.told(table)
            assert (told["differences"], told["log_cut"]) == ([], False), table
        await going
        await house.folded()


def _changed(table: str, row: bytes) -> bytes:
    """The row with something else in it."""
    value = json.loads(row)
    match table:
        case "delivery":
            value["steps"]["teleported"] = {"at": "2026-02-21T18:22:11.123Z", "error": None}
        case "deliverability":
            value["sent"] = 999
        case "commands":
            value["steps"].popitem()
        case "suppression":
            value["outs"] = {}
            value["ins"] = {}
        case "sessions":
            value["windows"] = {sender: {**one, "message_sid": "SMz"} for sender, one in value["windows"].items()}
        case _:
            value["lines"].popitem()
    return json.dumps(value).encode()


@pytest.mark.parametrize(
    "table", [pytest.param(table, marks=() if table == EVERYDAY else pytest.mark.slow) for table in TABLES]
)
async def test_a_corrupt_a_missing_and_a_foreign_row_are_found_and_mended(house: House, table: str) -> None:
    rows = before = await house.rows(table)
    keys = sorted(key for key, value in rows.items() if table != "suppression" or json.loads(value).get("outs"))
    corrupt, missing, unreadable = keys[0], keys[1], keys[2]
    foreign = b"x" + corrupt
    planted: list[tuple[bytes, bytes | None]] = [(corrupt, _changed(table, rows[corrupt])), (unreadable, b"{")]
    planted.append((foreign, rows[corrupt]))
    if table == "sessions":
        # Somebody whose windows are all over, which is to be told as well.
        missing = next(key for key in keys[4:] if not _open(rows[key]))
    planted.append((missing, None))
    await house.plant(table, planted)
    written = {topic: len(await house.records(topic)) for topic in (ACCEPTED.name, MESSAGES.name, RESULTS.name)}

    told = await house.told(table, code=1)
    found = {one["how"]: 0 for one in told["differences"]}
    for one in told["differences"]:
        found[one["how"]] += 1
    assert found == {"differs": 2, "only on the log": 1, "only live": 1}
    assert (await house.told(table, "--apply"))["published"] == len(told["differences"])

    after = await house.rows(table)
    assert canonical(after) == canonical(before)
    for topic, count in written.items():
        assert len(await house.records(topic)) == count, "nobody is written to"
    await _derived_topics_are_right(house, table, after, foreign)


async def _derived_topics_are_right(house: House, table: str, rows: Rows, foreign: bytes) -> None:
    topic = {"suppression": SUPPRESSION, "sessions": SESSIONS}.get(table)
    if topic is not None:
        told = await house.last(topic.name)
        assert foreign not in told
        for key, value in rows.items():
            if table == "sessions":
                assert json.loads(told[key])["windows"] == _open(value)
    if table == "deliverability":
        events = [json.loads(value or b"") for _, value in await house.records(DELIVERABILITY.name)]
        last = {_count_of(event): _messages(event) for event in events}
        live = {_count_of(row): _messages(row) for row in map(json.loads, canonical(rows).values())}
        assert {name: counts for name, counts in last.items() if name in live or any(counts[:4])} == live


def _open(row: bytes) -> dict[str, str]:
    """Our sender → until when, of the windows of a contact that are not over."""
    windows = json.loads(row).get("windows", {})
    return {name: one["until"] for name, one in windows.items() if not one.get("over")}


def _count_of(value: dict[str, object]) -> tuple[object, ...]:
    return tuple(value[name] for name in ("tenant", "minute", "country", "carrier", "channel", "sender", "part"))


def _messages(value: dict[str, object]) -> tuple[object, ...]:
    return (
        *(value[name] for name in ("sent", "delivered", "read", "failed")),
        json.dumps(value["errors"], sort_keys=True),
    )


@pytest.mark.slow
async def test_a_worker_finds_the_mended_row_when_it_starts(house: House) -> None:
    rows = await house.rows("recent")
    key = sorted(rows)[5]
    right = len(json.loads(rows[key])["lines"])
    await house.plant("recent", [(key, _changed("recent", rows[key]))])
    with house.processor() as processor:
        await eventually(processor.ready, 60, "the processor is ready")
        # Its store was right, and what is new on the changelog is not.
        assert await _lines(processor.url, key) == right - 1
        said = await house.rebuild("recent", "--apply", code=2)
        assert "stop every `switchboard processor`" in " ".join(said.split())
    assert (await house.told("recent", "--apply"))["published"] == 1
    with house.processor() as processor:
        await eventually(processor.ready, 60, "the processor is ready")
        assert await _lines(processor.url, key) == right


async def _lines(url: str, key: bytes) -> int:
    async with (
        aiohttp.ClientSession(headers=SHOWN) as session,
        session.get(f"{url}/v1/contacts/{key.decode()}") as answer,
    ):
        return len((await answer.json())["recent"])


@pytest.mark.slow
@pytest.mark.parametrize(
    ("failpoint", "done"), [("flush.acknowledged:1", 0), ("flush.committed:1", 1), ("flush.begun:2", 1)]
)
async def test_killed_anywhere_it_leaves_whole_transactions_and_a_second_run_ends_it(
    house: House, failpoint: str, done: int
) -> None:
    """One transaction for each of the two partitions, each with rows of its own."""
    before = await house.rows("suppression")
    wrong = {key: _changed("suppression", value) for key, value in before.items()}
    await house.plant("suppression", wrong.items())
    await house.rebuild("suppression", "--apply", code=-9, TEST_FAILPOINT=failpoint)

    right, left = canonical(before), canonical(await house.rows("suppression"))
    differing = {key for key, row in left.items() if row != right[key]}
    mended = {key for key in right if partition_of(key.encode(), PARTITIONS) < done}
    assert differing == {key for key, row in canonical(wrong).items() if row != right[key]} - mended
    assert len(differing) > 2
    assert (await house.told("suppression", "--apply"))["published"] == len(differing)
    assert canonical(await house.rows("suppression")) == right


@pytest.mark.slow
async def test_a_row_of_which_the_log_tells_more_is_decided_once_that_is_folded(house: House) -> None:
    rows = await house.rows("recent")
    one, other = sorted(rows)[:2]
    await house.plant("recent", [(one, _changed("recent", rows[one]))])
    await house.tell([wrote("hello", 0, "SMlater", contact=one.decode())])
    # That nothing else differs is no word on this one.
    assert "Not decided" in await house.rebuild("recent", code=2)
    await house.plant("recent", [(other, _changed("recent", rows[other]))])
    told = await house.told("recent", code=1)
    assert told["rows"]["not_decided"] == 1
    assert len(told["differences"]) == 1
    with house.processor():
        await house.folded()
    assert (await house.told("recent", "--apply"))["published"] == 2


@pytest.mark.slow
async def test_it_says_in_words_what_it_found_and_no_address(house: House) -> None:
    rows = await house.rows("deliverability")
    key = min(rows)
    await house.plant("deliverability", [(key, _changed("deliverability", rows[key]))])
    said = await house.rebuild("deliverability", code=1)
    assert "1 differs" in said
    assert "Run it with --apply" in said
    assert "4155550100" not in said
    assert "1 rows were published. Nobody was written to." in await house.rebuild("deliverability", "--apply")


@pytest.mark.slow
@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        (["outbox", "--service", "sender"], "the outbox cannot be rebuilt"),
        (["people"], "the processor has no table 'people'; it has commands,"),
        (["recent", "--snapshot", "/nowhere"], "the snapshot /nowhere cannot be read"),
        (["recent", "--scratch", "/nowhere"], "no scratch folder can be made in /nowhere"),
    ],
)
async def test_what_is_in_the_way_is_a_sentence(house: House, words: list[str], sentence: str) -> None:
    assert sentence in " ".join((await house.rebuild(*words, code=2)).split())
