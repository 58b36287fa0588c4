"""How many letters are open: counted once each, whatever comes first, and no more than can be kept."""

import asyncio
from pathlib import Path

from aiokafka import AIOKafkaProducer
from prometheus_client import CollectorRegistry

from services.contract.letters import SOURCE_OFFSET, SOURCE_PARTITION, SOURCE_TOPIC, Position
from services.contract.messages import INBOUND, STATUS
from services.processor.open_letters import Letters, OpenLetters
from services.runtime.config import Settings
from tests.environment import SharedBroker
from tests.processes import settings_file, settings_of
from tests.switchboard import switchboard
from tests.waiting import eventually

DAY_MS = 86_400_000


def at(offset: int) -> Position:
    return Position(INBOUND.name, 0, offset)


def test_a_letter_is_open_until_it_is_dealt_with() -> None:
    found = Letters(lambda: DAY_MS)
    for offset in (1, 2, 2, 3):
        found.put(INBOUND.dead, at(offset), 1)
    assert (found.counts()[INBOUND.dead], found.counts()[STATUS.dead]) == (3, 0)
    found.handled(at(2))
    found.handled(at(2))
    # Another service's letter of that record, which it wrote later.
    found.put(INBOUND.dead, at(2), 1)
    assert found.counts()[INBOUND.dead] == 2


def test_what_retention_has_removed_is_open_no_more() -> None:
    now = [DAY_MS]
    found = Letters(lambda: now[0])
    found.put(INBOUND.dead, at(1), DAY_MS)
    now[0] = 40 * DAY_MS
    assert found.counts()[INBOUND.dead] == 0


def test_a_flood_is_a_number_and_ends_as_it_came() -> None:
    found = Letters(lambda: DAY_MS, most=3)
    for offset in range(10):
        found.put(INBOUND.dead, at(offset), 1)
    assert found.counts()[INBOUND.dead] == 10
    for offset in range(10):
        found.handled(at(offset))
    assert found.counts()[INBOUND.dead] == 0


async def letters(settings: Settings, *records: tuple[int, int]) -> None:
    """Two services' letters look alike but for their place on the log."""
    async with AIOKafkaProducer(bootstrap_servers=settings.kafka.bootstrap) as producer:
        for partition, offset in records:
            headers = [
                (SOURCE_TOPIC, INBOUND.name.encode()),
                (SOURCE_PARTITION, b"%d" % partition),
                (SOURCE_OFFSET, b"%d" % offset),
            ]
            await producer.send_and_wait(INBOUND.dead, b"{", key=b"acme|x", headers=headers)


async def test_what_the_log_has_is_told_and_followed(shared: SharedBroker, tmp_path: Path) -> None:
    file = settings_file(tmp_path, shared.bootstrap)
    settings = settings_of(file)
    await asyncio.to_thread(shared.laid_out, settings)
    registry = CollectorRegistry()

    def told() -> float | None:
        return registry.get_sample_value("switchboard_dead_letters_open", {"topic": INBOUND.dead})

    found = OpenLetters(registry)
    assert told() is None, "nothing is said before the log is read"
    await letters(settings, (0, 901), (1, 902), (1, 902))
    await switchboard(file, "dead", "drop", f"{INBOUND.name}/0@901", "--note", "tried", "--apply")
    await found.start(settings.kafka)
    try:
        await eventually(lambda: told() is not None, 30, "the log is read")
        before = told()
        assert before is not None
        await letters(settings, (2, 903))
        await eventually(lambda: told() == before + 1, 30, "one more")
        await switchboard(file, "dead", "drop", f"{INBOUND.name}/1@902", "--note", "tried", "--apply")
        await eventually(lambda: told() == before, 30, "one less")
    finally:
        await found.stop()
