"""Queries over HTTP: right on every worker, also while partitions move; 503 rather than a wrong answer."""

import asyncio
import signal
from collections.abc import Iterator
from pathlib import Path

import aiohttp
import pytest

from services.cli.kafka.broker import EmbeddedKafka
from services.cli.kafka.ports import pick
from services.contract import codec
from services.contract.topics import CHANGELOGS, DEAD, EVENTS, RESULTS, STATUS
from services.domain.identity import raw_event_id
from services.domain.messages.commands import CommandResult
from services.domain.messages.events import StatusReceived
from tests.kafka_records import create_topics, produce
from tests.processes import Service, running, settings_file
from tests.waiting import eventually

SIDS = [f"SM{number:032x}" for number in range(60)]
ARRIVED = "2026-02-21T18:22:11.123Z"


@pytest.fixture
def log() -> Iterator[EmbeddedKafka]:
    with EmbeddedKafka.start() as own:
        yield own


@pytest.fixture
async def facts(log: EmbeddedKafka) -> str:
    """A log with a delivered message and a sent command for each of SIDS."""
    names = [topic.name for topic in (*EVENTS, *DEAD)]
    await create_topics(log.bootstrap, names, partitions=4)
    await create_topics(log.bootstrap, CHANGELOGS, partitions=4, config={"cleanup.policy": "compact"})
    await produce(
        log.bootstrap, STATUS.name, [(sid.encode(), _status(sid, to)) for sid in SIDS for to in ("sent", "delivered")]
    )
    await produce(log.bootstrap, RESULTS.name, [(f"c-{sid}".encode(), _result(sid)) for sid in SIDS])
    return log.bootstrap


def _status(sid: str, status: str) -> bytes:
    return codec.encode(
        StatusReceived(
            event_id=raw_event_id("status", "acme", (sid.encode(), status.encode())),
            tenant="acme",
            received_at=ARRIVED,
            contact="acme|1",
            command_id=f"c-{sid}",
            account_sid="AC",
            message_sid=sid,
            message_status=status,
            from_="+14155550100",
            to="+14155550123",
            raw={},
        )
    )


def _result(sid: str) -> bytes:
    return codec.encode(
        CommandResult(
            event_id=raw_event_id("result", "acme", (sid.encode(),)),
            tenant="acme",
            command_id=f"c-{sid}",
            contact="acme|1",
            at=ARRIVED,
            step="sent",
            terminal=True,
            message_sid=sid,
        )
    )


async def _get(url: str) -> tuple[int, dict[str, object], str | None]:
    async with aiohttp.ClientSession() as session, session.get(url) as answer:
        return answer.status, await answer.json(), answer.headers.get("Retry-After")


async def _all_right(service: Service) -> bool:
    """Every message and command, asked of one worker."""
    for sid in SIDS:
        status, body, _ = await _get(f"{service.url}/v1/messages/{sid}")
        assert (status, body.get("status"), body.get("final")) == (200, "delivered", True), (sid, status, body)
        status, body, _ = await _get(f"{service.url}/v1/commands/c-{sid}")
        assert status == 200
        assert [step["step"] for step in body["steps"]] == ["sent"]  # type: ignore[attr-defined]
    return True


async def test_any_worker_answers_for_any_key_and_a_rebalance_answers_503(facts: str, tmp_path: Path) -> None:
    ports = [pick(), pick()]
    files = []
    for port in ports:
        folder = tmp_path / str(port)
        folder.mkdir()
        worker = {"port": port, "data_dir": str(folder / "data"), "session_timeout_s": 6}
        files.append(settings_file(folder, facts, processor=worker))
    seen: list[tuple[int, object, str | None]] = []

    async def ask_all_the_time(first: Service) -> None:
        while True:
            for sid in SIDS:
                try:
                    status, body, retry = await _get(f"{first.url}/v1/messages/{sid}")
                except aiohttp.ClientError:
                    return
                seen.append((status, body.get("status"), retry))

    with running("processor", files[0], tmp_path, ports[0]) as first:
        await eventually(first.ready, 60, "the first worker is ready")
        await eventually(lambda: _all_right(first), 30, "the first worker answers for every key")
        for path in ("/v1/messages/SMnone", "/v1/commands/none", "/v1/commands/with/a/slash"):
            assert (await _get(first.url + path))[0] == 404
        asking = asyncio.create_task(ask_all_the_time(first))
        with running("processor", files[1], tmp_path, ports[1]) as second:
            await eventually(second.ready, 60, "the second worker is ready")
            await eventually(lambda: _all_right(second), 30, "the second worker answers for every key")
            await eventually(lambda: _all_right(first), 30, "the first worker answers for every key")
            assert "services.runtime.folding" in second.log.read_text()
            second.kill()
        await eventually(lambda: _all_right(first), 60, "the first worker took everything back")
        asking.cancel()
    assert {status for status, _, _ in seen} <= {200, 503}
    assert all(found == "delivered" for status, found, _ in seen if status == 200)
    assert all(retry == "1" for status, _, retry in seen if status == 503)
    assert any(status == 503 for status, _, _ in seen), "the kill of an owner must be seen as 503, not as an answer"


async def test_a_worker_that_was_frozen_does_not_answer_from_what_it_knew(facts: str, tmp_path: Path) -> None:
    ports = [pick(), pick()]
    files = []
    for port in ports:
        (tmp_path / str(port)).mkdir()
        worker = {"port": port, "data_dir": str(tmp_path / str(port) / "data"), "session_timeout_s": 6}
        files.append(settings_file(tmp_path / str(port), facts, processor=worker))
    with (
        running("processor", files[0], tmp_path, ports[0]) as frozen,
        running("processor", files[1], tmp_path, ports[1]) as other,
    ):
        await eventually(frozen.ready, 60, "the first worker is ready")
        await eventually(other.ready, 60, "the second worker is ready")
        await eventually(lambda: _all_right(other), 60, "both answer for every key")
        frozen.process.send_signal(signal.SIGSTOP)
        await produce(facts, STATUS.name, [(sid.encode(), _status(sid, "read")) for sid in SIDS])

        async def moved() -> bool:
            answers = [await _get(f"{other.url}/v1/messages/{sid}") for sid in SIDS]
            return all(status == 200 and body["status"] == "read" for status, body, _ in answers)

        await eventually(moved, 60, "the second worker took everything over and folded the news")
        frozen.process.send_signal(signal.SIGCONT)
        seen: list[tuple[int, object]] = []

        async def settled() -> bool:
            if frozen.process.poll() is not None:
                return True
            for sid in SIDS:
                try:
                    status, body, _ = await _get(f"{frozen.url}/v1/messages/{sid}")
                except aiohttp.ClientError:
                    return False
                seen.append((status, body.get("status")))
            return all(status == 200 for status, _ in seen[-len(SIDS) :])

        await eventually(settled, 60, "the woken worker joins again, or ends because it was fenced")
        assert frozen.process.returncode in (None, 1), frozen.log.read_text()[-2000:]
        assert {found for status, found in seen if status == 200} <= {"read"}
        assert {status for status, _ in seen} <= {200, 503}


async def test_a_worker_that_is_cut_off_from_the_broker_does_not_answer(
    facts: str, log: EmbeddedKafka, tmp_path: Path
) -> None:
    port = pick()
    worker = {"port": port, "data_dir": str(tmp_path / "data"), "session_timeout_s": 6}
    with running("processor", settings_file(tmp_path, facts, processor=worker), tmp_path, port) as service:
        await eventually(service.ready, 60, "the worker is ready")
        await eventually(lambda: _all_right(service), 30, "the worker answers")
        await asyncio.to_thread(log.freeze)

        async def silent() -> bool:
            return (await _get(f"{service.url}/v1/messages/{SIDS[0]}"))[0] == 503

        await eventually(silent, 30, "the worker doubts what it knows")
        await asyncio.to_thread(log.thaw)
        await eventually(lambda: _all_right(service), 60, "the worker answers again")
