"""What the tests hold: sender processes, a simulated Twilio, the topics' two ends."""

import contextlib
import json
import os
import signal
import subprocess
import uuid
from collections.abc import Callable, Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import aiohttp
import msgspec
import yaml
from aiokafka import AIOKafkaConsumer, TopicPartition

from services.contract.fold import SENDER_APP
from services.contract.messages import INBOUND, MESSAGES, OUTCOMES
from services.contract.outbound import RESULTS
from services.domain.consent.hearing import Message, hear
from services.domain.contact import contact_key
from services.domain.messages.callback import read_callback
from services.domain.messages.events import InboundReceived, OutcomeReached
from services.domain.outbox.pauses import PauseEnded, PausePlaced
from services.domain.results import CommandResult
from services.embedded import ports
from services.operations import pausing
from services.runtime.clock import now
from services.runtime.sections.kafka import KafkaSettings
from tests.forked import Forked
from tests.kafka_records import produce
from tests.members import Members
from tests.waiting import eventually

PARTITIONS = 2
SECRETS = {
    "SENDER_TEST_TOKEN": "first-token",
    "SENDER_TEST_CONTACTS": "contact-secret",
    "SENDER_TEST_PRODUCERS": "what globex signs its commands with",
}
SENDER = "+14155550100"
WHATSAPP_SENDER = "whatsapp:+14155550101"
AGENT, PAGE, SERVICE = "rcs:acme_agent", "messenger:205678901234567", "MG" + "d" * 32
# The least that the settings allow: what a kill -9 costs before another worker takes over.
SESSION_TIMEOUT_S = 6
ATTEMPT_DEADLINE_S = 2.0


def write_settings(file: Path, bootstrap: str, simulator_port: int) -> Path:
    """The settings of a sender and its Twilio, for `acme` and `globex`; nobody listens for callbacks."""
    simulated = f"http://127.0.0.1:{simulator_port}"
    content = {
        "public_url": "http://127.0.0.1:9",
        "kafka": {
            "bootstrap": bootstrap,
            "partitions": PARTITIONS,
            "replication": 1,
            "min_insync_replicas": 1,
            "tenant_topics": ["globex"],
        },
        "tenants": {
            "acme": {
                "account_sid": "AC" + "a" * 32,
                "auth_tokens": [{"env": "SENDER_TEST_TOKEN"}],
                "contact_secret": {"env": "SENDER_TEST_CONTACTS"},
                "rate_limits": {"each": 500, "kinds": {}},
                "allowed_senders": [SENDER, WHATSAPP_SENDER, AGENT, PAGE, SERVICE],
            },
            # It has a topic of its own, and what it says elsewhere it signs.
            "globex": {
                "account_sid": "AC" + "b" * 32,
                "auth_tokens": [{"env": "SENDER_TEST_TOKEN"}],
                "contact_secret": {"env": "SENDER_TEST_CONTACTS"},
                "producer_keys": {"k": {"env": "SENDER_TEST_PRODUCERS"}},
                "unsigned_commands": "refused",
            },
        },
        "twilio": {"api": simulated},
        "sender": {
            "session_timeout_s": SESSION_TIMEOUT_S,
            "attempt_deadline_s": ATTEMPT_DEADLINE_S,
            "ambiguous_wait_s": 1.0,
            "concurrency": 4,
            "block_cache_bytes": 1 << 20,
            "memtable_bytes": 1 << 20,
        },
        "simulator": {"port": simulator_port, "faults": {"callback_lost": 1.0}},
    }
    file.write_text(yaml.safe_dump(content), encoding="utf-8")
    return file


class Service:
    """A running service, with its operations port."""

    def __init__(self, name: str, settings: Path, folder: Path, environment: Mapping[str, str]) -> None:
        self.port = ports.pick()
        self.log = folder / f"{name}-{uuid.uuid4().hex[:6]}.log"
        own = {"SWITCHBOARD_CONFIG": str(settings), "NO_PROXY": "127.0.0.1", "no_proxy": "127.0.0.1", **SECRETS}
        if name == "sender":
            own |= {
                "SWITCHBOARD_SENDER__PORT": str(self.port),
                "SWITCHBOARD_SENDER__DATA_DIR": str(folder / "data"),
            }
        whole = os.environ | own | dict(environment)
        self.process = Forked("tests.sender.process", name, environment=whole, out=self.log, err=self.log)

    @property
    def exit_code(self) -> int | None:
        return self.process.poll()

    @property
    def frozen(self) -> bool:
        """Whether it stands still now, by its own signal; to be asked until it is true."""
        return self.process.frozen

    def thaw(self) -> None:
        self.process.send_signal(signal.SIGCONT)

    def stop(self) -> None:
        """SIGTERM, and wait."""
        self.thaw()
        self.process.terminate()
        with contextlib.suppress(subprocess.TimeoutExpired):
            self.process.wait(30)
        self.kill()

    def kill(self) -> None:
        self.process.kill()
        self.process.wait()

    async def detail(self) -> dict[str, Any]:
        """What `/readyz` says; empty while it does not answer."""
        try:
            async with (
                aiohttp.ClientSession() as session,
                session.get(f"http://127.0.0.1:{self.port}/readyz", timeout=aiohttp.ClientTimeout(2)) as answer,
            ):
                found: dict[str, Any] = await answer.json()
                return found
        except (aiohttp.ClientError, TimeoutError):
            return {}

    async def ready(self) -> None:
        async def is_ready() -> bool:
            assert self.exit_code is None, f"it ended: {self.tail()}"
            return (await self.detail()).get("status") in ("ready", "degraded")

        await eventually(is_ready, 60, f"{self.log} ready")

    def tail(self) -> str:
        return self.log.read_text(encoding="utf-8", errors="replace")[-2000:]


@contextlib.contextmanager
def started(bootstrap: str) -> Iterator[Callable[[Path, Path, Mapping[str, str]], Service]]:
    """Start senders by settings, folder and environment; what still runs at the end is stopped."""
    services: list[Service] = []
    members = Members(bootstrap, SENDER_APP)

    def begin(settings: Path, folder: Path, environment: Mapping[str, str]) -> Service:
        members.free()
        folder.mkdir(exist_ok=True)
        services.append(Service("sender", settings, folder, environment))
        members.joins(services[-1].process)
        return services[-1]

    yield begin
    for service in services:
        service.stop()


class Twilio:
    """The simulator's control API."""

    def __init__(self, port: int, session: aiohttp.ClientSession) -> None:
        self._url = f"http://127.0.0.1:{port}/simulator"
        self._session = session

    async def faults(self, **faults: Any) -> None:
        async with self._session.put(f"{self._url}/faults", json={"callback_lost": 1.0, **faults}) as answer:
            assert answer.status == 200, await answer.text()

    async def put(self, what: str, content: Any) -> None:
        async with self._session.put(f"{self._url}/{what}", json=content) as answer:
            assert answer.status == 200, await answer.text()

    async def get(self, what: str) -> Any:
        async with self._session.get(f"{self._url}/{what}") as answer:
            assert answer.status == 200, await answer.text()
            return await answer.json()

    async def refuse(self, **codes: dict[str, int]) -> None:
        """From now on these creates, or ends, and no others: `refused`, `undelivered`, `media`."""
        async with self._session.put(f"{self._url}/errors", json=codes) as answer:
            assert answer.status == 200, await answer.text()

    async def answers(self) -> bool:
        try:
            await self.faults()
        except aiohttp.ClientError:
            return False
        return True

    async def hear(self, person: str, ours: str, body: str) -> str:
        """A person writes; Twilio has the message, and tells nobody. Its sid."""
        asked = {"account_sid": "AC" + "a" * 32, "from": person, "to": ours, "body": body}
        async with self._session.post(f"{self._url}/inbound", json=asked) as answer:
            assert answer.status == 200, await answer.text()
            sid: str = (await answer.json())["sid"]
            return sid

    async def created(self) -> list[tuple[str, str]]:
        """(command id, sid) of every message of ours, in the order of creation."""
        ours = [message for message in await self.messages() if message["origin"] == "api"]
        return [(signed_command(message["status_callback"])[0], message["sid"]) for message in ours]

    async def messages(self) -> list[dict[str, Any]]:
        async with self._session.get(f"{self._url}/messages") as answer:
            messages: list[dict[str, Any]] = (await answer.json())["messages"]
            return messages


def signed_command(status_callback: str) -> tuple[str, str]:
    """The command id and contact that the callback URL carries under our signature."""
    query = {name: values[0] for name, values in parse_qs(urlsplit(status_callback).query).items()}
    found = read_callback([SECRETS["SENDER_TEST_CONTACTS"].encode()], query)
    assert found is not None, status_callback
    return found


def contact_of(command: dict[str, Any]) -> str:
    """The contact key that intake gives a command."""
    return contact_key("acme", command["to"], SECRETS["SENDER_TEST_CONTACTS"].encode())


def said(command: dict[str, Any], body: str, at: str | None = None, **fields: Any) -> InboundReceived:
    """A message from whom a command is to, to whom it is from."""
    sid = f"SM{uuid.uuid4().hex}"
    names = {"from_": command["to"], "to": command["from"], "raw": {"Body": body}, **fields}
    return InboundReceived(
        event_id=f"heard {sid}",
        tenant="acme",
        received_at=at or now(),
        contact=contact_of(command),
        account_sid="AC" + "a" * 32,
        message_sid=sid,
        body=body,
        num_media=0,
        heard=hear(Message(to=names["to"], body=body)),
        **names,
    )


class Desk:
    """A producer's desk: commands out, results in. Its command ids are its own on a broker that others used."""

    def __init__(self, bootstrap: str, twilio: Twilio) -> None:
        self.bootstrap = bootstrap
        self.twilio = twilio
        self._name = uuid.uuid4().hex[:8]
        self._consumer = AIOKafkaConsumer(
            bootstrap_servers=bootstrap, group_id=None, isolation_level="read_committed", enable_auto_commit=False
        )
        self._results: dict[str, list[CommandResult]] = {}

    async def open(self) -> None:
        await self._consumer.start()
        partitions = [TopicPartition(RESULTS.name, number) for number in range(PARTITIONS)]
        self._consumer.assign(partitions)
        await self._consumer.seek_to_end(*partitions)
        for partition in partitions:
            await self._consumer.position(partition)

    async def close(self) -> None:
        await self._consumer.stop()

    def command(self, number: int | str, contact: int | None = None, **fields: Any) -> dict[str, Any]:
        """A command of this desk. `contact` numbers a recipient; without it each command has one of its own."""
        line = contact if contact is not None else 1000 + int(number) if isinstance(number, int) else 999
        return {
            "command_id": f"{self._name}-{number}",
            "tenant": "acme",
            "to": f"+1415{5_560_000 + line}",
            "from": SENDER,
            "body": f"message {number}",
            **fields,
        }

    async def produce(self, *commands: dict[str, Any], key: bytes | None = None) -> list[str]:
        """Write commands; their ids."""
        await self.raw(*((key, json.dumps(command).encode()) for command in commands))
        return [command["command_id"] for command in commands]

    async def raw(self, *records: tuple[bytes | None, bytes | None]) -> None:
        await produce(self.bootstrap, MESSAGES.name, records)

    async def say(self, type_: type[PausePlaced] | type[PauseEnded], scope: str) -> None:
        """What `switchboard pause` and `resume` write: returns when it is on the log."""
        kafka = KafkaSettings(bootstrap=self.bootstrap, partitions=PARTITIONS)
        await pausing.say(kafka, type_, pausing.Scope("acme", scope), "the tests", None)

    async def heard(self, *messages: InboundReceived) -> None:
        """What ingress writes before it acknowledges: returns when it is on the log."""
        records = [(INBOUND.key(message).encode(), msgspec.json.encode(message)) for message in messages]
        await produce(self.bootstrap, INBOUND.name, records)

    async def outcome(self, command_id: str, contact: str, sid: str) -> None:
        """What the processor says when a message of ours has ended."""
        event = OutcomeReached(
            event_id=f"outcome of {sid}",
            tenant="acme",
            at="2026-02-21T18:22:11.123Z",
            contact=contact,
            command_id=command_id,
            message_sid=sid,
            sender=SENDER,
            status="delivered",
            error_code=None,
        )
        await produce(self.bootstrap, OUTCOMES.name, [(OUTCOMES.key(event).encode(), msgspec.json.encode(event))])

    async def results(self, command_id: str) -> list[CommandResult]:
        """The distinct results of a command so far, in order."""
        await self._read()
        return self._results.get(command_id, [])

    async def _read(self) -> None:
        for batch in (await self._consumer.getmany(timeout_ms=20)).values():
            for record in batch:
                result = msgspec.json.decode(record.value, type=CommandResult)
                known = self._results.setdefault(result.command_id, [])
                if result.event_id not in {one.event_id for one in known}:
                    known.append(result)

    async def steps(self, command_id: str) -> list[str]:
        return [result.step for result in await self.results(command_id)]

    async def until(self, command_ids: Iterable[str], *steps: str, deadline_s: float = 60) -> None:
        """Wait until each command has come to one of these steps."""
        wanted = list(command_ids)

        async def reached() -> bool:
            await self._read()
            told = {one: [result.step for result in self._results.get(one, [])] for one in wanted}
            missing = {one: got for one, got in told.items() if not {*got} & {*steps}}
            assert not missing, f"{len(missing)} of {len(wanted)}: {dict(list(missing.items())[:3])}"
            return True

        await eventually(reached, deadline_s, f"each command {' or '.join(steps)}")

    async def creates(self, command_ids: Iterable[str]) -> dict[str, list[str]]:
        """The sids that Twilio made for each command."""
        made: dict[str, list[str]] = {command_id: [] for command_id in command_ids}
        for command_id, sid in await self.twilio.created():
            if command_id in made:
                made[command_id].append(sid)
        return made

    async def sent_once(self, command_ids: Iterable[str]) -> None:
        """Each command: one message at Twilio, one terminal result, which names it; never was anything unknown."""
        for command_id, sids in (await self.creates(command_ids)).items():
            results = await self.results(command_id)
            ends = [result for result in results if result.terminal]
            assert [(end.step, [end.message_sid]) for end in ends] == [("sent", sids)], (command_id, results, sids)
            assert "ambiguous" not in [result.step for result in results]

    async def sent_at_most_once(self, command_ids: Iterable[str]) -> list[str]:
        """Each command: at most one message; sent once and told so, or ambiguous where a call may have been made.

        The ids of the ambiguous ones.
        """
        open_ends = []
        for command_id, sids in (await self.creates(command_ids)).items():
            results = await self.results(command_id)
            ends = [result for result in results if result.terminal]
            if not ends:
                assert [result.step for result in results][-2:] == ["attempted", "ambiguous"], (command_id, results)
                assert len(sids) <= 1, (command_id, sids)
                open_ends.append(command_id)
            else:
                assert [(end.step, [end.message_sid]) for end in ends] == [("sent", sids)], (command_id, results, sids)
        return open_ends
