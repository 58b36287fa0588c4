"""Everything replayed through the real processor and sender: no state changes, nothing is told, nothing is sent."""

import json
import uuid
from pathlib import Path
from typing import Any, NamedTuple

import aiohttp
import pytest
import yaml

from services.contract.consent import CONSENT, SUPPRESSION
from services.contract.messages import DELIVERABILITY, DELIVERY, INBOUND, MESSAGES, OUTCOMES, SENT, SESSIONS, STATUS
from services.contract.outbound import ACCEPTED, RESULTS
from services.contract.partition import partition_of
from services.contract.topics import CHANGELOGS, DEAD
from services.domain.clock import later
from services.runtime.clock import now
from tests.environment import SharedBroker
from tests.kafka_records import produce
from tests.operations.dead.rig import House, on_the_log
from tests.processes import PARTITIONS, SHOWN, running, settings_file, settings_of
from tests.switchboard import switchboard
from tests.waiting import eventually

from .rig import SENDER, contact_of, heard, one_in_each_partition, people, told, write

DERIVED = (ACCEPTED, RESULTS, SENT, DELIVERY, OUTCOMES, SESSIONS, CONSENT, SUPPRESSION, DELIVERABILITY, *DEAD)


class Seen(NamedTuple):
    """All that a run has made: what was told by topic and id, the tables' last rows, the messages at Twilio."""

    told: dict[tuple[str, str], int]
    rows: dict[tuple[str, bytes], bytes]
    sent: list[str]


def _complete(settings: Path) -> None:
    """Point the sender at the simulator, whose callbacks never come."""
    loaded = yaml.safe_load(settings.read_text())
    loaded["twilio"] = {"api": f"http://127.0.0.1:{loaded['simulator']['port']}"}
    loaded["public_url"] = "http://127.0.0.1:9"
    loaded["simulator"]["faults"] = {"callback_lost": 1.0}
    settings.write_text(yaml.safe_dump(loaded))


async def _get(url: str) -> tuple[int, Any]:
    async with aiohttp.ClientSession(headers=SHOWN) as session, session.get(url) as answer:
        return answer.status, await answer.json()


class Quiet:
    """Has everything been folded? A fact and a command of strangers, last in each partition, tell."""

    def __init__(self, house: House, processor: str) -> None:
        self._house = house
        self._processor = processor
        self.strangers: list[str] = []

    async def settle(self) -> None:
        addresses = one_in_each_partition(people())
        sids: dict[int, str] = {}
        while len(sids) < PARTITIONS:
            sid = f"SM{uuid.uuid4().hex}"
            sids.setdefault(partition_of(sid.encode(), PARTITIONS), sid)
        facts = [heard(address, "hello") for address in addresses]
        commands = {f"last-{uuid.uuid4().hex[:8]}": address for address in addresses}
        self.strangers += [*(fact.contact for fact in facts), *sids.values(), *commands]
        await write(self._house.bootstrap, *facts, *(told(sid, "queued", contact="acme|x") for sid in sids.values()))
        await produce(
            self._house.bootstrap,
            MESSAGES.name,
            [(None, json.dumps({"command_id": name, "tenant": "acme", "to": to, "from": SENDER, "body": "x"}).encode())
             for name, to in commands.items()],
        )  # fmt: skip
        # A command's gate has read all that was heard before it, and its end is told after that.
        paths = [f"messages/{sid}" for sid in sids.values()] + [f"contacts/{fact.contact}" for fact in facts]
        for path in paths:
            await eventually(lambda path=path: self._known(path), 60, f"{path} is folded")
        for name in commands:
            await eventually(lambda name=name: self._over(name), 60, f"{name} has ended")

    async def _known(self, path: str) -> bool:
        return (await _get(f"{self._processor}/v1/{path}"))[0] == 200

    async def _over(self, command_id: str) -> bool:
        status, found = await _get(f"{self._processor}/v1/commands/acme%7C{command_id}")
        return status == 200 and any(step["terminal"] for step in found["steps"])


async def _see(house: House, simulator: str, strangers: list[str]) -> Seen:
    """Without what is of strangers."""

    def strange(*texts: bytes | None) -> bool:
        return any(one.encode() in (text or b"") for one in strangers for text in texts)

    told_of: dict[tuple[str, str], int] = {}
    for topic in DERIVED:
        for record in await on_the_log(house, topic):
            if not strange(record.key, record.value):
                named = json.loads(record.value)["event_id"]
                told_of[topic.name, named] = told_of.get((topic.name, named), 0) + 1
    rows: dict[tuple[str, bytes], bytes] = {}
    for name in CHANGELOGS:
        for record in sorted(await on_the_log(house, name), key=lambda record: record.offset):
            if not strange(record.key, record.value):
                rows[name, record.key] = record.value
    messages = (await _get(f"{simulator}/simulator/messages"))[1]["messages"]
    return Seen(told_of, rows, sorted(one["params"]["Body"] for one in messages if one["params"]["Body"] != "x"))


@pytest.fixture
def house(shared: SharedBroker, tmp_path: Path) -> House:
    settings = settings_file(tmp_path, shared.bootstrap)
    _complete(settings)
    shared.laid_out(settings_of(settings))
    return House(settings, shared.bootstrap)


@pytest.mark.slow
@pytest.mark.timeout(400)
async def test_a_replay_of_everything_changes_tells_and_sends_nothing(house: House, tmp_path: Path) -> None:
    settings = house.settings
    loaded = settings_of(settings)
    stopped, returned, talker, gone = (next(people("whatsapp:")) for _ in range(4))
    sids = [f"SM{uuid.uuid4().hex}" for _ in range(6)]
    with (
        running("simulator", settings, tmp_path, loaded.simulator.port) as simulator,
        running("processor", settings, tmp_path, loaded.processor.port) as processor,
        running("sender", settings, tmp_path, loaded.sender.port) as sender,
    ):
        for service in (processor, sender):
            await eventually(service.ready, 90, "it is ready")
        quiet = Quiet(house, processor.url)
        # Both write, so that a confirmation may be sent to them; one takes it back, long after.
        long_ago = {"received_at": "2026-01-01T00:00:00.000Z"}
        three_days_ago, after_it = later(now(), -3 * 86_400), later(now(), -3 * 86_400 + 60)
        await write(
            house.bootstrap,
            heard(talker, "hello"),
            heard(talker, "and again"),
            heard(gone, "hello", received_at=three_days_ago),
            heard(gone, "and again", received_at=after_it),
            heard(stopped, "hello"),
            heard(stopped, "STOP"),
            heard(returned, "STOP", **long_ago),
            heard(returned, "START"),
            *(told(sid, status) for sid in sids for status in ("queued", "sent", "delivered")),
            told(sids[0], "undelivered", error_code=30003),
            told(sids[1], "failed", error_code=21610),
        )
        await quiet.settle()

        async def answered() -> bool:
            results = [json.loads(record.value) for record in await on_the_log(house, RESULTS)]
            ends = [one for one in results if one["terminal"] and one["command_id"].startswith("confirm-")]
            assert len(ends) == 3, [(one["command_id"], one["step"], one["reason"]) for one in results]
            return True

        await eventually(answered, 60, "what confirms STOP, the late STOP and START has ended")

        async def over() -> bool:
            changes = [json.loads(one.value)["change"] for one in await on_the_log(house, SESSIONS, contact_of(gone))]
            assert changes == ["opened", "extended", "closing", "expired"]
            return True

        await eventually(over, 60, "the window of whoever wrote three days ago is told to be over")
        await quiet.settle()
        before = await _see(house, simulator.url, quiet.strangers)
        facts = len(await on_the_log(house, INBOUND)) + len(await on_the_log(house, STATUS))

        said = await switchboard(settings, "replay", "--all", "--apply")
        assert f"{facts:,} facts were replayed." in said.text
        await quiet.settle()
        after = await _see(house, simulator.url, quiet.strangers)

    assert before.sent
    assert after.sent == before.sent
    assert {name for name, _ in before.told} >= {
        topic.name for topic in (CONSENT, SUPPRESSION, SESSIONS, DELIVERABILITY)
    }
    assert after.told == before.told
    # Nothing was paused here, no service was named, each tenant was there before its commands; no poller runs, nobody
    # is in a flow, nothing has a price, and no number is looked up.
    nowhere = ("-commands-", "-pauses-", "-suspensions-", "-sendersby", "-parked", "-poller-", "-media-")
    empty = (*nowhere, "-exposures-", "-inflows-", "-spent-", "-lookedup-")
    assert {name for name, _ in before.rows} >= {name for name in CHANGELOGS if not any(one in name for one in empty)}
    assert after.rows == before.rows
