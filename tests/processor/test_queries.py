"""Queries over HTTP: right on every worker, also while partitions move; 503 rather than a wrong answer."""

import asyncio
import itertools
import signal
from pathlib import Path

import aiohttp
import pytest
from aiokafka import TopicPartition

from services.contract import codec
from services.contract.audit import AUDIT
from services.contract.consent import CONSENT, SUPPRESSION
from services.contract.fold import PROCESSOR_APPS
from services.contract.messages import SESSIONS, STATUS
from services.contract.outbound import RESULTS
from services.contract.topics import topic_of
from services.domain.audit import Audited
from services.domain.clock import later
from services.domain.consent.commands import ConsentAccepted
from services.domain.consent.events import ConsentRecorded, SuppressionChanged
from services.domain.consent.hearing import Message, hear
from services.domain.contact import contact_key
from services.domain.identity import raw_event_id
from services.domain.messages.events import InboundReceived, StatusReceived
from services.domain.messages.sessions import SessionChanged
from services.domain.results import CommandResult
from services.embedded.ports import pick
from services.operations.asking import NotFolded
from services.operations.topic_admin import connect
from services.operations.tracing import look_up
from services.runtime.clock import now
from services.runtime.config import Settings
from services.runtime.sections.kafka import KafkaSettings
from services.runtime.tokens import digest
from tests.environment import SharedBroker
from tests.kafka_records import produce, read
from tests.processes import PARTITIONS, SHOWN, TOKEN, Service, running, settings_file
from tests.waiting import eventually

SIDS = [f"SM{number:032x}" for number in range(60)]
ARRIVED = "2026-02-21T18:22:11.123Z"


@pytest.fixture
def topics(shared: SharedBroker) -> str:
    """A log with all topics and no record."""
    kafka = KafkaSettings(bootstrap=shared.bootstrap, partitions=PARTITIONS, replication=1, min_insync_replicas=1)
    shared.laid_out(Settings(kafka=kafka))
    return shared.bootstrap


@pytest.fixture
async def facts(topics: str) -> str:
    """A log with a delivered message and a sent command for each of SIDS."""
    statuses = [(sid.encode(), _status(sid, to)) for sid in SIDS for to in ("sent", "delivered")]
    await produce(topics, STATUS.name, statuses)
    await produce(topics, RESULTS.name, [(f"acme|c-{sid}".encode(), _result(sid)) for sid in SIDS])
    return topics


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


Answer = tuple[int, dict[str, object], str | None]


async def _get(url: str) -> Answer:
    async with aiohttp.ClientSession(headers=SHOWN) as session:
        return await _asked(session, url)


async def _asked(session: aiohttp.ClientSession, url: str) -> Answer:
    async with session.get(url) as answer:
        return answer.status, await answer.json(), answer.headers.get("Retry-After")


async def _all_right(service: Service) -> bool:
    """Every message and command, asked of one worker."""
    async with aiohttp.ClientSession(headers=SHOWN) as session:
        for sid in SIDS:
            status, body, _ = await _asked(session, f"{service.url}/v1/messages/{sid}")
            assert (status, body.get("status"), body.get("final")) == (200, "delivered", True), (sid, status, body)
            status, body, _ = await _asked(session, f"{service.url}/v1/commands/acme%7Cc-{sid}")
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
        async with aiohttp.ClientSession(headers=SHOWN) as session:
            for sid in itertools.cycle(SIDS):
                try:
                    status, body, retry = await _asked(session, f"{first.url}/v1/messages/{sid}")
                except aiohttp.ClientError:
                    return
                seen.append((status, body.get("status"), retry))
                # Often enough for the seconds in which nobody has what a killed worker had.
                await asyncio.sleep(0.01)

    with running("processor", files[0], tmp_path, ports[0]) as first:
        await eventually(first.ready, 60, "the first worker is ready")
        await eventually(lambda: _all_right(first), 30, "the first worker answers for every key")
        for path in ("/v1/messages/SMnone", "/v1/commands/acme%7Cnone", "/v1/commands/acme%7Cwith/a/slash"):
            assert (await _get(first.url + path))[0] == 404
        asking = asyncio.create_task(ask_all_the_time(first))
        with running("processor", files[1], tmp_path, ports[1]) as second:
            await eventually(second.ready, 60, "the second worker is ready")
            await eventually(lambda: _all_right(second), 30, "the second worker answers for every key")
            await eventually(lambda: _all_right(first), 30, "the first worker answers for every key")
            assert '"logger":"services.' in second.log.read_text()
            second.kill()
        await eventually(lambda: _all_right(first), 60, "the first worker took everything back")
        asking.cancel()
    assert {status for status, _, _ in seen} <= {200, 503}
    assert all(found == "delivered" for status, found, _ in seen if status == 200)
    assert all(retry == "1" for status, _, retry in seen if status == 503)
    assert any(status == 503 for status, _, _ in seen), "the kill of an owner must be seen as 503, not as an answer"


async def test_a_worker_of_one_group_folds_that_alone_and_says_so(
    facts: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    port = pick()
    worker = {"port": port, "data_dir": str(tmp_path / "data"), "session_timeout_s": 6, "groups": ["commands"]}
    with running("processor", settings_file(tmp_path, facts, processor=worker), tmp_path, port) as service:
        await eventually(service.ready, 60, "the worker is ready")

        async def told() -> bool:
            status, _, _ = await _get(f"{service.url}/v1/commands/acme%7Cc-{SIDS[0]}")
            assert status in {200, 404}
            return status == 200

        await eventually(told, 30, "the command is folded")
        status, body, _ = await _get(f"{service.url}/v1/messages/{SIDS[0]}")
        assert status == 421
        assert body == {"error": "this worker does not fold messages; ask one that has it in processor.groups"}
        monkeypatch.setenv("SWITCHBOARD_TOKEN", TOKEN)
        found = await asyncio.to_thread(look_up, service.url, f"c-{SIDS[0]}", "acme")
        assert found.command is not None
        assert found.message is None
        assert found.untold == (
            f"The message {SIDS[0]} is not shown: the processor at {service.url} cannot answer: this worker does not "
            "fold messages; ask one that has it in processor.groups, by --url."
        )
        with pytest.raises(NotFolded, match="does not fold messages"):
            await asyncio.to_thread(look_up, service.url, SIDS[0], "acme")
    async with connect(KafkaSettings(bootstrap=facts)) as admin:
        of_messages = [TopicPartition(STATUS.name, number) for number in range(PARTITIONS)]
        assert not any((await admin.committed(PROCESSOR_APPS["messages"], of_messages)).values())
        of_commands = [TopicPartition(RESULTS.name, number) for number in range(PARTITIONS)]
        assert any((await admin.committed(PROCESSOR_APPS["commands"], of_commands)).values())
    assert sorted(path.name for path in (tmp_path / "data").iterdir()) == ["commands"]


@pytest.mark.slow
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
    facts: str, shared: SharedBroker, tmp_path: Path
) -> None:
    port = pick()
    worker = {"port": port, "data_dir": str(tmp_path / "data"), "session_timeout_s": 6}
    with running("processor", settings_file(tmp_path, facts, processor=worker), tmp_path, port) as service:
        await eventually(service.ready, 60, "the worker is ready")
        await eventually(lambda: _all_right(service), 30, "the worker answers")

        async def silent() -> bool:
            return (await _get(f"{service.url}/v1/messages/{SIDS[0]}"))[0] == 503

        await asyncio.to_thread(shared.broker.freeze)
        try:
            await eventually(silent, 30, "the worker doubts what it knows")
        finally:
            await asyncio.to_thread(shared.broker.thaw)
        await eventually(lambda: _all_right(service), 60, "the worker answers again")


PERSON, SMS, WHATSAPP = "+14155550123", "+14155550100", "whatsapp:+14155550100"
CONTACT = contact_key("acme", PERSON, b"a secret of the tests")


def _wrote(body: str, at: str, person: str, to: str) -> InboundReceived:
    return InboundReceived(
        event_id=raw_event_id("inbound", "acme", (body.encode(),)),
        tenant="acme",
        received_at=at,
        contact=CONTACT,
        account_sid="AC",
        message_sid=f"SM of {body}",
        from_=person,
        to=to,
        body=body,
        num_media=0,
        heard=hear(Message(to=to, body=body)),
        raw={},
    )


def _agreed(at: str) -> ConsentAccepted:
    return ConsentAccepted(
        event_id=raw_event_id("consent", "acme", (at.encode(),)),
        tenant="acme",
        command_id="form-1",
        contact=CONTACT,
        accepted_at=at,
        given_at=at,
        action="opt_in",
        scope=f"sender:{WHATSAPP}",
        address=PERSON,
        proof="https://example.com/form-1",
    )


async def test_a_contact_is_told_with_its_evidence_its_windows_and_what_was_said(topics: str, tmp_path: Path) -> None:
    """A STOP by SMS, consent to WhatsApp by a form, and a message by WhatsApp: all of one person."""
    moment = now()
    stop = _wrote("Stop!", later(moment, -7200), PERSON, SMS)
    agreed = _agreed(later(moment, -3600))
    hello = _wrote("hello", later(moment, -60), f"whatsapp:{PERSON}", WHATSAPP)
    port = pick()
    tokens = {"tests": {"sha256": digest(TOKEN)}, "eyes": {"sha256": digest("eyes"), "scope": "unmasked"}}
    worker = {"port": port, "data_dir": str(tmp_path / "data"), "session_timeout_s": 6, "tokens": tokens}
    with running("processor", settings_file(tmp_path, topics, processor=worker), tmp_path, port) as service:
        await eventually(service.ready, 60, "the worker is ready")
        assert (await _get(f"{service.url}/v1/contacts/{CONTACT}"))[0] == 404
        for event in (stop, agreed, hello):
            await produce(topics, topic_of(event).name, [(CONTACT.encode(), codec.encode(event))])

        async def known() -> dict[str, object]:
            status, body, _ = await _get(f"{service.url}/v1/contacts/{CONTACT}")
            assert status == 200
            assert len(body["recent"]) == 2  # type: ignore[arg-type]
            assert body["opt_ins"]
            return body

        body = await eventually(known, what="all three facts are folded")
        for _ in range(2):
            headers = {"Authorization": "Bearer eyes", "X-Reason": "ticket 7"}
            asked = f"{service.url}/v1/contacts/{CONTACT}"
            async with aiohttp.ClientSession(headers=headers) as session, session.get(asked) as answer:
                assert await answer.json() == body
    looks = await read(topics, AUDIT.name, 2)
    assert [one.key for one in looks] == [b"acme", b"acme"]
    facts = [codec.decode(one.value, Audited) for one in looks]
    assert {(one.actor, one.subject, one.why) for one in facts} == {("eyes", f"contacts/{CONTACT}", "ticket 7")}
    until = later(hello.received_at, 86_400)
    assert body == {
        "contact": CONTACT,
        "suppressed": {
            f"sender:{SMS}": {"since": stop.received_at, "evidence": stop.event_id, "source": "keyword"},
        },
        "also_stopped": {},
        "opt_outs": {f"sender:{SMS}": {stop.message_sid: _mark(stop.received_at, stop.event_id, "keyword")}},
        "opt_ins": {
            f"sender:{WHATSAPP}": {
                "command:form-1": _mark(agreed.given_at, agreed.event_id, "command", consents=True),
            },
        },
        "holds": [],
        "awaiting_dates": [],
        "suspected": {},
        "linked": [],
        "windows": {WHATSAPP: until},
        "unreachable": {},
        "line": None,
        "deactivated_at": None,
        "failures": [],
        "recent": [_line(stop, SMS), _line(hello, WHATSAPP)],
    }
    recorded = [codec.decode(one.value, ConsentRecorded) for one in await read(topics, CONSENT.name, 2)]
    assert sorted((one.action, one.word or one.proof) for one in recorded) == [
        ("opt_in", agreed.proof),
        ("opt_out", "stop"),
    ]
    [changed] = [codec.decode(one.value, SuppressionChanged) for one in await read(topics, SUPPRESSION.name, 1)]
    assert list(changed.suppressed) == [f"sender:{SMS}"]
    [opened] = [codec.decode(one.value, SessionChanged) for one in await read(topics, SESSIONS.name, 1)]
    assert (opened.change, opened.windows) == ("opened", {WHATSAPP: until})


def _mark(at: str, evidence: str, source: str, consents: bool = False) -> dict[str, object]:
    common = {"exact": False, "consents": consents, "releases": True}
    return {"at": at, "evidence": evidence, "source": source, **common}


def _line(event: InboundReceived, ours: str) -> dict[str, object]:
    return {
        "at": event.received_at,
        "what": "received",
        "message_sid": event.message_sid,
        "command_id": None,
        "ours": ours,
        "error_code": None,
    }
