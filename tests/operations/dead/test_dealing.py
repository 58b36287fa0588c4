"""`switchboard dead retry` and `drop`: once, whole, and known to everybody who looks."""

import asyncio
import gc
from collections import Counter
from typing import Any

import pytest

from services.contract.messages import INBOUND, MESSAGES
from services.operations.dead.desk import Dealing, Desk
from services.operations.dead.errors import DeadError
from services.operations.dead.letters import read_letter
from tests.processes import settings_of
from tests.switchboard import switchboard

from .rig import HEADERS, VALUE, House, bury, fresh_key, lost, marks, on_the_log


async def test_a_retry_writes_the_same_record_to_its_topic_once(house: House) -> None:
    key = fresh_key()
    one = lost(key)
    await bury(house, one)
    dry = await switchboard(house.settings, "dead", "retry", one.position)
    assert "1 would be retried. Nothing was written" in dry.text
    assert await on_the_log(house, INBOUND, key) == []

    assert "1 retried." in (await switchboard(house.settings, "dead", "retry", one.position, "--apply")).text
    [record] = await on_the_log(house, INBOUND, key)
    assert (record.key, record.value, record.partition) == (key.encode(), VALUE, one.record.partition)
    assert list(record.headers) == [*HEADERS, ("retried-from", one.position.encode())]
    assert record.timestamp > one.record.timestamp, "it is written now"
    [mark] = await marks(house, [one])
    assert (mark.how, str(mark.position)) == ("retried", one.position)

    # From another shell, by name and by filter.
    refused = await switchboard(house.settings, "dead", "retry", one.position, "--apply", code=2)
    assert "retried before; --again does it again" in refused.err
    left = await switchboard(house.settings, "dead", "retry", "--key", key, "--apply")
    assert "1 left alone" in left.text
    assert "0 retried." in left.text
    assert len(await on_the_log(house, INBOUND, key)) == 1
    listed = (await switchboard(house.settings, "dead", "list", "--key", key)).text
    assert one.position not in listed
    assert one.position in (await switchboard(house.settings, "dead", "list", "--key", key, "--handled")).text

    await switchboard(house.settings, "dead", "retry", one.position, "--apply", "--again")
    assert len(await on_the_log(house, INBOUND, key)) == 2


async def test_a_command_that_is_retried_is_no_younger_than_it_was(house: House) -> None:
    """Else one that names no end of its validity would be sent a day after anybody wanted it."""
    key = fresh_key()
    one = lost(key, topic=MESSAGES)
    await bury(house, one, topic=MESSAGES)
    await switchboard(house.settings, "dead", "retry", "--key", key, "--apply")
    [record] = await on_the_log(house, MESSAGES, key)
    assert record.timestamp > one.record.timestamp, "the broker dates it"
    assert dict(record.headers)["produced-ms"] == b"%d" % one.record.timestamp


async def test_what_dies_again_and_is_retried_again_names_the_last_letter_alone(house: House) -> None:
    key = fresh_key()
    one = lost(key)
    await bury(house, one)
    await switchboard(house.settings, "dead", "retry", "--key", key, "--apply")
    [record] = await on_the_log(house, INBOUND, key)
    again = lost(key)
    again = again._replace(record=again.record._replace(offset=record.offset, headers=record.headers))
    await bury(house, again)
    assert "1 retried." in (await switchboard(house.settings, "dead", "retry", "--key", key, "--apply")).text
    last = max(await on_the_log(house, INBOUND, key), key=lambda record: record.offset)
    assert list(last.headers) == [*HEADERS, ("retried-from", again.position.encode())]


@pytest.mark.slow
async def test_what_was_cut_cannot_be_retried_but_dropped(house: House) -> None:
    key = fresh_key()
    cut, whole = lost(key, b"x" * 1_000_000), lost(key)
    await bury(house, cut, whole, reason="too_large")
    refused = await switchboard(house.settings, "dead", "retry", cut.position, "--apply", code=2)
    assert "too large to be kept whole (from-bytes 1000000)" in refused.err
    some = await switchboard(house.settings, "dead", "retry", "--key", key, "--reason", "too_large", "--apply")
    assert "1 retried." in some.text
    assert "1 left alone" in some.text
    assert [record.value for record in await on_the_log(house, INBOUND, key)] == [VALUE]

    note = ["--note", "asked +14155550123 for it again"]
    assert "1 would be dropped" in (await switchboard(house.settings, "dead", "drop", cut.position, *note)).text
    assert await marks(house, [cut]) == []
    assert "1 dropped" in (await switchboard(house.settings, "dead", "drop", cut.position, *note, "--apply")).text
    [mark] = await marks(house, [cut])
    assert (mark.how, mark.note) == ("dropped", note[1])
    shown = (await switchboard(house.settings, "dead", "show", cut.position)).text
    assert "dropped at" in shown
    assert "asked +1415•••••23 for it again" in shown
    await switchboard(house.settings, "dead", "drop", cut.position, "--apply", code=2)


async def test_killed_after_both_writes_both_stand(house: House) -> None:
    key = fresh_key()
    one = lost(key)
    await bury(house, one)
    await switchboard(
        house.settings, "dead", "retry", "--key", key, "--apply", code=-9, TEST_FAILPOINT="retry.committed"
    )
    assert "0 retried." in (await switchboard(house.settings, "dead", "retry", "--key", key, "--apply")).text
    assert len(await on_the_log(house, INBOUND, key)) == len(await marks(house, [one])) == 1


async def test_a_second_shell_ends_the_first_and_knows_all_that_it_did(
    house: House, caplog: pytest.LogCaptureFixture
) -> None:
    key = fresh_key()
    letters = [lost(key) for _ in range(2)]
    await bury(house, *letters)
    first, second = [Dealing(read_letter(one), "retried") for one in await on_the_log(house, INBOUND.dead, key)]
    kafka = settings_of(house.settings).kafka
    async with Desk(kafka) as one:
        await one.deal([first])
        async with Desk(kafka):
            with pytest.raises(DeadError, match="another shell began to retry or drop"):
                await one.deal([second])
    del one
    gc.collect()
    assert "never retrieved" not in caplog.text
    assert "1 retried." in (await switchboard(house.settings, "dead", "retry", "--key", key, "--apply")).text
    assert len(await on_the_log(house, INBOUND, key)) == 2
    assert len(await marks(house, letters)) == 2


@pytest.mark.slow
async def test_two_shells_at_once_retry_nothing_twice(house: House) -> None:
    key = fresh_key()
    letters = [lost(key) for _ in range(1200)]
    await bury(house, *letters)
    words = ("dead", "retry", "--key", key, "--apply")
    both = await asyncio.gather(*(switchboard(house.settings, *words, code=None) for _ in range(2)))
    assert {one.code for one in both} <= {0, 2}
    await switchboard(house.settings, *words)
    assert _times(await on_the_log(house, INBOUND, key)) == dict.fromkeys((one.position for one in letters), 1)
    assert len(await marks(house, letters)) == len(letters)


def _times(records: list[Any]) -> dict[str, int]:
    """How often each letter was retried."""
    return Counter(dict(record.headers)["retried-from"].decode() for record in records)
