"""A broker with the product's topics, a simulated Twilio, ingress, storage and a scanner; workers to be started."""

import asyncio
import base64
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path
from typing import Any, NamedTuple

import aiohttp
import pytest
import yaml
from aiokafka import AIOKafkaConsumer, TopicPartition

from services.contract.codec import decode
from services.contract.fold import MEDIA_APP
from services.contract.media import MEDIA
from services.domain.messages.copies import MediumTold
from services.embedded.ports import pick
from tests.environment import SharedBroker
from tests.media.servers import BUCKET, KEY, KEY_ID, Server, found_clamd, scanning, storing
from tests.members import Members
from tests.processes import ACCOUNT, PARTITIONS, SECRETS, TOKEN, Service, running, settings_file, settings_of, wired
from tests.waiting import eventually

SUBACCOUNT = "AC" + "2" * 32
PHOTO = b"\xff\xd8\xff\xe0\x00\x10JFIF\x00\x01" + b"p" * 990
Worker = Callable[..., AbstractContextManager[Service]]


class House(NamedTuple):
    settings: Path
    bootstrap: str
    simulator: str
    storage: Server
    bucket: Path
    scanner: Server


@pytest.fixture(scope="session")
def clamd() -> str:
    """Asked for first, so that nothing is fetched or started for tests that are skipped."""
    return found_clamd()


@pytest.fixture(scope="module")
def house(clamd: str, shared: SharedBroker, tmp_path_factory: pytest.TempPathFactory) -> Iterator[House]:
    folder = tmp_path_factory.mktemp("media-house")
    with storing(folder) as (storage, bucket), scanning(clamd, folder) as scanner:
        path = settings_file(folder, shared.bootstrap, simulator={"faults": {"callback_delay_s": 0.01}})
        written = yaml.safe_load(path.read_text())
        ports = wired(written)
        written["tenants"]["acme"]["subaccounts"] = {SUBACCOUNT: [{"env": "TEST_AUTH_TOKEN"}]}
        written["media"] |= {
            "storage": {
                "bucket": BUCKET,
                "endpoint": f"http://127.0.0.1:{storage.port}",
                "access_key_id": {"env": "TEST_KEY_ID"},
                "secret_access_key": {"env": "TEST_KEY"},
            },
            "clamav": f"127.0.0.1:{scanner.port}",
            "max_bytes": 2 << 20,
            "tokens": {"tests": {"sha256": settings_of(path).processor.tokens["tests"].sha256}},
        }
        path.write_text(yaml.safe_dump(written))
        shared.laid_out(settings_of(path, TEST_KEY_ID=KEY_ID, TEST_KEY=KEY))
        keys = {"TEST_KEY_ID": KEY_ID, "TEST_KEY": KEY}
        with (
            running("simulator", path, folder, ports["simulator"], **keys) as simulator,
            running("ingress", path, folder, ports["ingress"], **keys) as ingress,
        ):
            asyncio.run(storage.answers())
            asyncio.run(scanner.answers())
            asyncio.run(eventually(ingress.ready, 60, "ingress is ready"))
            yield House(path, shared.bootstrap, simulator.url, storage, bucket, scanner)


@pytest.fixture
def worker(house: House, tmp_path: Path) -> Worker:
    """Start workers; those of one `disk` have one disk. Settings as variables."""

    members = Members(house.bootstrap, MEDIA_APP)

    @contextmanager
    def begin(disk: str = "disk", **environment: str) -> Iterator[Service]:
        folder, port = tmp_path / disk, pick()
        folder.mkdir(exist_ok=True)
        own = {"PORT": str(port), "DATA_DIR": str(folder / "tables")}
        named = {f"SWITCHBOARD_MEDIA__{name}": value for name, value in own.items()}
        keys = {"TEST_KEY_ID": KEY_ID, "TEST_KEY": KEY}
        names = "127.0.0.1,localhost"
        own = {"NO_PROXY": names, "no_proxy": names, **keys, **named, **environment}
        members.free()
        with running("media", house.settings, folder, port, **own) as service:
            members.joins(service.process)
            yield service

    return begin


class Person:
    """Somebody who sends files; what Twilio has of them, and what is told of them."""

    def __init__(self, house: House, session: aiohttp.ClientSession) -> None:
        self._house = house
        self._session = session

    async def sends(self, *files: tuple[bytes, str], account: str = ACCOUNT, **more: Any) -> str:
        """A message with these files and the types that Twilio tells of them; its sid."""
        media = [{"content": base64.b64encode(content).decode(), "content_type": type_} for content, type_ in files]
        asked = {"account_sid": account, "from": "+14155550123", "to": "+14155550100", "body": "look", "media": media}
        async with self._session.post(f"{self._house.simulator}/simulator/inbound", json=asked | more) as answer:
            assert answer.status == 200, await answer.text()
            found = await answer.json()
        assert found["status"] == 200, found
        sid: str = found["sid"]
        return sid

    async def at_twilio(self, method: str, path: str) -> int:
        url = f"{self._house.simulator}/2010-04-01/Accounts/{ACCOUNT}/Messages/{path}"
        headers = {"Authorization": aiohttp.encode_basic_auth(ACCOUNT, SECRETS["TEST_AUTH_TOKEN"])}
        async with self._session.request(method, url, headers=headers) as answer:
            return answer.status

    async def leaks(self) -> int:
        async with self._session.get(f"{self._house.simulator}/simulator/leaks") as answer:
            leaks: int = (await answer.json())["leaks"]
            return leaks

    async def media_at_twilio(self, sid: str) -> int:
        url = f"{self._house.simulator}/2010-04-01/Accounts/{ACCOUNT}/Messages/{sid}/Media.json"
        headers = {"Authorization": aiohttp.encode_basic_auth(ACCOUNT, SECRETS["TEST_AUTH_TOKEN"])}
        async with self._session.get(url, headers=headers) as answer:
            return len((await answer.json())["media_list"])

    async def link(self, worker: Service, key: str, token: str = TOKEN) -> tuple[int, dict[str, Any]]:
        headers = {"Authorization": f"Bearer {token}"}
        async with self._session.get(f"{worker.operations}/v1/links/{key}", headers=headers) as answer:
            return answer.status, await answer.json()

    async def read(self, url: str) -> tuple[int, bytes, dict[str, str]]:
        async with self._session.get(url) as answer:
            return answer.status, await answer.read(), dict(answer.headers)

    async def told(self, sid: str) -> list[MediumTold]:
        """All that the log holds of a message's media, committed, by place."""
        found: list[MediumTold] = []
        partitions = [TopicPartition(MEDIA.name, number) for number in range(PARTITIONS)]
        async with AIOKafkaConsumer(
            bootstrap_servers=self._house.bootstrap, isolation_level="read_committed", enable_auto_commit=False
        ) as consumer:
            consumer.assign(partitions)
            await consumer.seek_to_beginning(*partitions)
            ends = await consumer.end_offsets(partitions)
            while any([await consumer.position(one) < end for one, end in ends.items()]):
                for records in (await consumer.getmany(timeout_ms=100)).values():
                    found += [decode(record.value, MediumTold) for record in records]
        return sorted((one for one in found if one.message_sid == sid), key=lambda one: (one.place, one.at))

    async def hears(self, sid: str, *outcomes: str, deadline_s: float = 60) -> list[MediumTold]:
        """What is told, once it is this, by place."""

        async def there() -> list[MediumTold]:
            found = await self.told(sid)
            assert [one.outcome for one in found] == [*outcomes], found
            return found

        return await eventually(there, deadline_s, f"{outcomes} of {sid}")


@pytest.fixture
async def person(house: House) -> AsyncIterator[Person]:
    async with aiohttp.ClientSession() as session:
        yield Person(house, session)
