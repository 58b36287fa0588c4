"""Budgets on a real log: however many at once, killed where it hurts, and taken up again, no share is exceeded."""

import signal
import uuid
from collections import Counter
from collections.abc import Callable, Iterator
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
import yaml

from services.contract.partition import partition_of
from tests.sender.conftest import House
from tests.sender.rig import PARTITIONS, Desk, Service, contact_of, started
from tests.waiting import eventually

Begin = Callable[..., Service]
# Of a partition's share: so many messages at the assumed price.
EACH, PRICE = 3, Decimal("0.01")


@pytest.fixture
def label() -> str:
    return f"news-{uuid.uuid4().hex[:8]}"


@pytest.fixture
def begin(house: House, tmp_path: Path, label: str) -> Iterator[Begin]:
    """Start senders of a tenant that has budgets; by `disk` they share tables."""
    content = yaml.safe_load(house.settings.read_text())
    content["tenants"]["acme"]["spend"] = {
        "zone": "Pacific/Kiritimati",
        "assumed": {"sms": str(PRICE)},
        "budgets": [{"amount": str(PRICE * EACH * PARTITIONS), "label": label}],
    }
    settings = tmp_path / "budgets.yaml"
    settings.write_text(yaml.safe_dump(content))
    with started(house.bootstrap) as senders:

        def start(disk: str = "disk", **environment: str) -> Service:
            return senders(settings, tmp_path / disk, environment)

        yield start


def many(desk: Desk, numbers: range, label: str | None) -> list[dict[str, Any]]:
    return [desk.command(number, label=label) if label else desk.command(number) for number in numbers]


async def counts(desk: Desk, commands: list[dict[str, Any]]) -> tuple[Counter[int], Counter[int]]:
    """By partition: how many there were, and how many were sent or may have been."""
    asked, gone = Counter[int](), Counter[int]()
    for command in commands:
        number = partition_of(contact_of(command).encode(), PARTITIONS)
        asked[number] += 1
        gone[number] += bool({"sent", "ambiguous"} & {*await desk.steps(command["command_id"])})
    return asked, gone


async def test_no_share_is_exceeded_however_many_go_at_once_and_whoever_is_killed(
    desk: Desk, begin: Begin, label: str
) -> None:
    # Slow answers: many are judged while others are about to begin.
    await desk.twilio.faults(latency_s=0.05)
    first = begin(TEST_FAILPOINT="attempt.committed:5")
    commands = many(desk, range(40), label)
    ids = await desk.produce(*commands)
    await eventually(lambda: first.exit_code is not None, 60, "killed between the attempt and the call")
    assert first.exit_code == -signal.SIGKILL, first.tail()
    # What was committed counts, wherever the tables are read from.
    second = begin("another disk")
    others = await desk.produce(*many(desk, range(100, 104), None))
    await desk.until(ids, "sent", "ambiguous", "blocked", deadline_s=90)
    asked, gone = await counts(desk, commands)
    assert gone == Counter({number: min(count, EACH) for number, count in asked.items()})
    blocked = [one for command in ids for one in await desk.results(command) if one.step == "blocked"]
    assert {one.category for one in blocked} == {"budget"}
    assert all(
        word in (blocked[0].reason or "")
        for word in (f"label {label}", f"{PRICE * EACH * PARTITIONS} USD", "0.03", "Kiritimati")
    )
    # Nobody else's: what has no such label goes.
    await desk.until(others, "sent")
    # Once more, after a restart in good order: the day is not over.
    second.stop()
    begin("another disk")
    again = many(desk, range(200, 220), label)
    full = {number for number, count in gone.items() if count == EACH}
    ids = await desk.produce(*again)
    await desk.until(ids, "sent", "blocked", deadline_s=90)
    asked, more = await counts(desk, again)
    assert not any(more[number] for number in full)


async def test_what_nobody_can_price_is_not_sent_where_there_is_a_budget(desk: Desk, begin: Begin, label: str) -> None:
    begin()
    await desk.twilio.faults()
    [mms] = await desk.produce(desk.command(1, label=label, media_urls=["https://cdn.example.com/a.png"]))
    await desk.until([mms], "blocked")
    [end] = [one for one in await desk.results(mms) if one.terminal]
    assert (end.category, "not known" in (end.reason or "")) == ("budget", True)
    assert "spend.assumed" in (end.remedy or "")
    # It has another label, so no budget asks.
    [free] = await desk.produce(desk.command(2, media_urls=["https://cdn.example.com/a.png"]))
    await desk.until([free], "sent")
