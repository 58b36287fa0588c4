"""A broker, an ingress and a simulated Twilio; the command as a process; the log as anybody reads it."""

import time
from pathlib import Path
from typing import Any, NamedTuple

import aiohttp
import orjson
from aiokafka import AIOKafkaConsumer, ConsumerRecord, TopicPartition

from services.contract.codec import decode, headers
from services.contract.messages import INBOUND, STATUS
from services.contract.partition import partition_of
from services.contract.topic import Topic
from services.contract.topics import topic_of
from services.domain.messages.events import InboundReceived, StatusReceived
from tests.processes import ACCOUNT, PARTITIONS, SECRETS
from tests.switchboard import switchboard
from tests.waiting import eventually

OTHER = "AC" + "2" * 32
PERSON, SENDER = "+14155550123", "+14155550100"


class House(NamedTuple):
    """What the tests here share: topics have fixed names, so messages of their own keep them apart."""

    settings: Path
    bootstrap: str
    simulator: str
    ingress: str


class Twilio:
    """The simulated Twilio, and what becomes of its webhooks."""

    def __init__(self, house: House, session: aiohttp.ClientSession) -> None:
        self._house = house
        self._session = session

    async def hear(self, body: str, lost: bool = False, account: str = ACCOUNT, **other: Any) -> str:
        """Somebody writes to us; a lost webhook is one that ingress refuses, for its size."""
        params = {"Padding": "x" * 70_000} if lost else {}
        content = {"account_sid": account, "from": PERSON, "to": SENDER, "body": body, "params": params} | other
        answer = await self._json("POST", f"{self._house.simulator}/simulator/inbound", json=content)
        assert (answer["status"] == 200) != lost, answer
        return str(answer["sid"])

    async def send(self, lost: bool = False, account: str = ACCOUNT, **faults: float) -> str:
        """A message of ours, to its end; of a lost one no callback comes."""
        wanted = {"callback_delay_s": 0.01, **faults}
        await self._json("PUT", f"{self._house.simulator}/simulator/faults", json=wanted)
        tenant = "acme" if account == ACCOUNT else "globex"
        form = {"To": PERSON, "From": SENDER, "Body": "hello"}
        if not lost:
            form["StatusCallback"] = f"{self._house.ingress}/twilio/{tenant}/status"
        answer = await self._json(
            "POST",
            f"{self._house.simulator}/2010-04-01/Accounts/{account}/Messages.json",
            data=form,
            headers={"Authorization": aiohttp.encode_basic_auth(account, SECRETS["TEST_AUTH_TOKEN"])},
        )
        await eventually(self._quiet, what="every message has ended and every callback was answered")
        return str(answer["sid"])

    async def redact(self, *accounts: str) -> None:
        """From now on these accounts list neither whom nor what."""
        await self._json("PUT", f"{self._house.simulator}/simulator/redaction", json={"accounts": list(accounts)})

    async def is_up(self) -> bool:
        """Does it answer? Then it has forgotten every message."""
        try:
            return bool(await self._json("POST", f"{self._house.simulator}/simulator/reset"))
        except aiohttp.ClientError:
            return False

    async def _quiet(self) -> bool:
        return bool((await self._json("GET", f"{self._house.simulator}/simulator/quiet"))["quiet"])

    async def _json(self, method: str, url: str, **request: Any) -> Any:
        async with self._session.request(method, url, **request) as answer:
            assert answer.status < 300, await answer.text()
            return await answer.json()


async def backfill(house: House, *words: str, code: int = 0, **environment: str) -> str:
    """What it says, after it ended with this exit code."""
    said = (await switchboard(house.settings, "backfill", *words, code=code, **environment)).text
    for secret in (PERSON, SENDER, "hello"):
        assert secret not in said
    assert len(said.splitlines()) <= 20, said
    return said


async def on_the_log(house: House, *events: Topic) -> list[ConsumerRecord]:
    """All records of these topics, committed or not."""
    partitions = [TopicPartition(topic.name, number) for topic in events for number in range(PARTITIONS)]
    found = []
    async with AIOKafkaConsumer(bootstrap_servers=house.bootstrap) as consumer:
        consumer.assign(partitions)
        await consumer.seek_to_beginning(*partitions)
        ends = await consumer.end_offsets(partitions)
        while any([await consumer.position(one) < end for one, end in ends.items()]):
            for records in (await consumer.getmany(timeout_ms=100)).values():
                found += records
    return found


async def injected(house: House) -> dict[str, InboundReceived | StatusReceived]:
    """By MessageSid: what backfills wrote, each as the contract says."""
    facts = {}
    for record in await on_the_log(house, INBOUND, STATUS):
        if orjson.loads(record.value)["provenance"] != "backfill":
            continue
        kind: type[InboundReceived | StatusReceived]
        kind = InboundReceived if record.topic == INBOUND.name else StatusReceived
        fact = decode(record.value, kind)
        assert record.key == topic_of(fact).key(fact).encode()
        assert record.partition == partition_of(record.key, PARTITIONS)
        assert list(record.headers) == headers(record.topic)
        assert fact.message_sid not in facts, "written twice"
        facts[fact.message_sid] = fact
    return facts


def ago(seconds: float) -> str:
    moment = time.gmtime(time.time() - seconds)
    return time.strftime("%Y-%m-%dT%H:%M:%S.000Z", moment)
