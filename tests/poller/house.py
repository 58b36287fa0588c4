"""A broker with the product's topics, a simulated Twilio, and pollers to be started and killed."""

import time
from collections.abc import Callable, Iterable
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Any, NamedTuple

import aiohttp
from aiokafka import AIOKafkaConsumer, TopicPartition

from services.contract.codec import decode, encode
from services.contract.messages import SENT, STATUS
from services.domain.messages.events import MessageSent, StatusReceived
from services.runtime.clock import now
from tests.kafka_records import produce
from tests.processes import ACCOUNT, PARTITIONS, SECRETS, Service
from tests.waiting import eventually

PERSON, SENDER = "+14155550123", "+14155550100"
Poller = Callable[..., AbstractContextManager[Service]]


class House(NamedTuple):
    """What the tests here share. Topics have fixed names, so messages of their own keep them apart."""

    settings: Path
    bootstrap: str
    simulator: str


class Twilio:
    """The simulated Twilio. It calls nobody back."""

    def __init__(self, house: House, session: aiohttp.ClientSession) -> None:
        self._house = house
        self._session = session

    async def create(self, count: int = 1, account: str = ACCOUNT, **form: str) -> list[dict[str, Any]]:
        """Messages of ours, as Twilio's answers tell of them."""
        form = {"To": PERSON, "From": SENDER, "Body": "hello", **form}
        url = f"{self._house.simulator}/2010-04-01/Accounts/{account}/Messages.json"
        authorization = {"Authorization": aiohttp.encode_basic_auth(account, SECRETS["TEST_AUTH_TOKEN"])}
        return [await self.ask("POST", url, data=form, headers=authorization) for _ in range(count)]

    async def remove(self, sid: str) -> None:
        url = f"{self._house.simulator}/2010-04-01/Accounts/{ACCOUNT}/Messages/{sid}.json"
        authorization = {"Authorization": aiohttp.encode_basic_auth(ACCOUNT, SECRETS["TEST_AUTH_TOKEN"])}
        async with self._session.delete(url, headers=authorization) as answer:
            assert answer.status == 204

    async def steer(self, what: str, **content: object) -> None:
        await self.ask("PUT", f"{self._house.simulator}/simulator/{what}", json=content)

    async def quiet(self) -> None:
        async def all_ended() -> bool:
            return bool((await self.ask("GET", f"{self._house.simulator}/simulator/quiet"))["quiet"])

        await eventually(all_ended, 60, "every message has ended")

    async def is_up(self) -> bool:
        try:
            return bool(await self.ask("POST", f"{self._house.simulator}/simulator/reset"))
        except aiohttp.ClientError:
            return False

    async def ask(self, method: str, url: str, **request: Any) -> Any:
        async with self._session.request(method, url, **request) as answer:
            assert answer.status < 300, await answer.text()
            return await answer.json()


def sent(message: dict[str, Any], at: str | None = None, **other: Any) -> MessageSent:
    """What the sender notes of its create call's answer."""
    fields: dict[str, Any] = {
        "event_id": f"sent {message['sid']}",
        "tenant": "acme",
        "sent_at": at or now(),
        "contact": "acme|c0ffee",
        "command_id": f"command {message['sid']}",
        "account_sid": message["account_sid"],
        "message_sid": message["sid"],
        "message_status": message["status"],
        "from_": message["from"] or "",
        "to": message["to"],
    }
    return MessageSent(**fields | other)


async def note(house: House, facts: Iterable[MessageSent | StatusReceived]) -> None:
    for fact in facts:
        topic = SENT if isinstance(fact, MessageSent) else STATUS
        await produce(house.bootstrap, topic.name, [(topic.key(fact).encode(), encode(fact))])


async def facts(house: House, topic: str, type_: Any) -> list[Any]:
    """All that the log holds, committed."""
    found: list[Any] = []
    partitions = [TopicPartition(topic, number) for number in range(PARTITIONS)]
    async with AIOKafkaConsumer(
        bootstrap_servers=house.bootstrap, isolation_level="read_committed", enable_auto_commit=False
    ) as consumer:
        consumer.assign(partitions)
        await consumer.seek_to_beginning(*partitions)
        ends = await consumer.end_offsets(partitions)
        while any([await consumer.position(one) < end for one, end in ends.items()]):
            for records in (await consumer.getmany(timeout_ms=100)).values():
                found += [decode(record.value, type_) for record in records]
    return found


async def statuses(house: House, sids: Iterable[str]) -> dict[str, list[StatusReceived]]:
    """All that the log holds of these messages, committed."""
    wanted: dict[str, list[StatusReceived]] = {sid: [] for sid in sids}
    for fact in await facts(house, STATUS.name, StatusReceived):
        if fact.message_sid in wanted:
            wanted[fact.message_sid].append(fact)
    return wanted


async def fetched(house: House, sids: Iterable[str], deadline_s: float = 60) -> dict[str, list[StatusReceived]]:
    """The same, once there is something of each."""
    wanted = list(sids)
    found: dict[str, list[StatusReceived]] = {}

    async def all_there() -> bool:
        found.update(await statuses(house, wanted))
        missing = [sid for sid, facts in found.items() if not facts]
        assert not missing, f"{len(missing)} of {len(wanted)} are not there"
        return True

    await eventually(all_there, deadline_s, "each was fetched")
    return found


async def metric(poller: Service, name: str, **labels: str) -> float:
    """The sum of a metric's series that have these labels."""
    async with aiohttp.ClientSession() as session, session.get(f"{poller.operations}/metrics") as answer:
        lines = (await answer.text()).splitlines()
    wanted = [f'{label}="{value}"' for label, value in labels.items()]
    found = (line for line in lines if line.startswith((f"{name}{{", f"{name} ")))
    return sum(float(line.rpartition(" ")[2]) for line in found if all(one in line for one in wanted))


async def settle(seconds: float) -> None:
    """Where nothing may happen, it must have had the time to."""
    until = time.monotonic() + seconds
    await eventually(lambda: time.monotonic() > until, seconds + 5)
