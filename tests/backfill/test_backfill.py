"""`switchboard backfill` as a person runs it: a broker, an ingress and a Twilio whose webhooks were lost."""

import asyncio
import os
import signal
import sys
import time
from asyncio.subprocess import PIPE, STDOUT
from collections.abc import AsyncIterator, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any, NamedTuple

import aiohttp
import orjson
import pytest
import yaml
from aiohttp import web
from aiohttp.test_utils import TestServer
from aiokafka import AIOKafkaConsumer, ConsumerRecord, TopicPartition

from services.cli import topics
from services.cli.backfill.injection import inject
from services.cli.backfill.lacking import lacking
from services.cli.kafka.broker import EmbeddedKafka
from services.contract.codec import decode, encode, headers
from services.contract.partition import partition_of
from services.contract.topics import EVENTS, INBOUND, SENT, STATUS, Topic, topic_of
from services.domain.contact import contact_key
from services.domain.messages.events import InboundReceived, MessageSent, StatusReceived
from services.runtime.config import load
from tests.kafka_records import produce
from tests.processes import ACCOUNT, SECRETS, running, settings_file
from tests.waiting import eventually

from .rig import ACME, NOW, held, listed

OTHER = "AC" + "2" * 32
PERSON, SENDER = "+14155550123", "+14155550100"
PARTITIONS = 4

pytestmark = pytest.mark.timeout(240)


class House(NamedTuple):
    """What the tests here share: topics have fixed names, so messages of their own keep them apart."""

    settings: Path
    bootstrap: str
    simulator: str
    ingress: str


@pytest.fixture(scope="module")
def house(tmp_path_factory: pytest.TempPathFactory) -> Iterator[House]:
    folder = tmp_path_factory.mktemp("backfill")
    with EmbeddedKafka.start() as kafka, ExitStack() as stack:
        environment = stack.enter_context(pytest.MonkeyPatch.context())
        settings = settings_file(folder, kafka.bootstrap)
        for name, value in {**SECRETS, "SWITCHBOARD_CONFIG": str(settings), "NO_PROXY": "127.0.0.1"}.items():
            environment.setenv(name, value)
        ports = _complete(settings)
        asyncio.run(topics.ensure(load()))
        urls = {}
        for name, port in ports.items():
            service = stack.enter_context(running(name, settings, folder, port))
            urls[name] = service.url
            if name == "ingress":
                asyncio.run(eventually(service.ready, 60, "ingress is ready"))
        yield House(settings, kafka.bootstrap, urls["simulator"], urls["ingress"])


def _complete(settings: Path) -> dict[str, int]:
    """Point the services at each other, and add a tenant; returns the ports of those that the tests need."""
    loaded = yaml.safe_load(settings.read_text())
    ports = {name: loaded[name]["port"] for name in ("ingress", "simulator")}
    loaded["tenants"]["globex"] = loaded["tenants"]["acme"] | {"account_sid": OTHER}
    loaded["public_url"] = f"http://127.0.0.1:{ports['ingress']}"
    loaded["twilio"] = {"api": f"http://127.0.0.1:{ports['simulator']}"}
    loaded["simulator"] |= {"webhook_url": loaded["public_url"], "faults": {"callback_delay_s": 0.01}}
    settings.write_text(yaml.safe_dump(loaded))
    return ports


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


@pytest.fixture
async def twilio(house: House) -> AsyncIterator[Twilio]:
    async with aiohttp.ClientSession() as session:
        own = Twilio(house, session)
        await eventually(own.is_up, what="the simulator answers")
        yield own


def command(house: House, *words: str) -> list[str]:
    return [sys.executable, "-m", "services.cli", "--config", str(house.settings), "backfill", *words]


async def backfill(house: House, *words: str, code: int = 0, **environment: str) -> str:
    """What it says, after it ended with this exit code."""
    process = await asyncio.create_subprocess_exec(
        *command(house, *words),
        env={**os.environ, **environment},
        stdout=PIPE,
        stderr=STDOUT,
    )
    said = (await process.communicate())[0].decode()
    assert process.returncode == code, said
    assert "Traceback" not in said
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
        fact = decode(record.value, InboundReceived if record.topic == INBOUND.name else StatusReceived)
        assert record.key == topic_of(fact).key(fact).encode()
        assert record.partition == partition_of(record.key, PARTITIONS)
        assert list(record.headers) == headers(record.topic)
        assert fact.message_sid not in facts, "written twice"
        facts[fact.message_sid] = fact
    return facts


async def test_what_webhooks_lost_is_found_injected_and_then_no_longer_lacking(house: House, twilio: Twilio) -> None:
    lost = await twilio.hear("hello, anybody?", lost=True)
    undated = await twilio.hear("STOP")
    await twilio.hear("hello, thanks")
    # Twilio would block what comes after a STOP alone. It confirms both by itself, and tells nobody how that went.
    await twilio.hear("START")
    delivered = await twilio.send(lost=True, account=ACCOUNT)
    undelivered = await twilio.send(callback_lost=1.0, undelivered=1.0)
    await twilio.send()
    elsewhere = await twilio.send(lost=True, account=OTHER)
    before = len(await on_the_log(house, *EVENTS))

    dry = await backfill(house, "--tenant", "acme")
    assert "9 messages at Twilio" in dry
    assert "lacks 1 inbound message, 2 dates of STOPs and STARTs, 4 statuses (delivered 3, undelivered 1)." in dry
    assert "Nothing was written" in dry
    assert "+1415•••••23 → +1415•••••00" in dry
    assert lost in dry
    assert elsewhere not in dry
    assert len(await on_the_log(house, *EVENTS)) == before

    applied = await backfill(house, "--tenant", "acme", "--apply")
    assert "7 facts were injected" in applied
    facts = await injected(house)
    assert len(facts) == 7
    assert len(await on_the_log(house, *EVENTS)) == before + 7, "facts alone, and no command"
    inbound, dated = facts[lost], facts[undated]
    assert isinstance(inbound, InboundReceived)
    assert isinstance(dated, InboundReceived)
    secret = SECRETS["TEST_CONTACT_SECRET"].encode()
    assert inbound.contact == contact_key("acme", PERSON, secret) == dated.contact
    assert (inbound.body, inbound.raw["Body"]) == ("hello, anybody?", "hello, anybody?")
    assert dated.sent_at is not None
    assert inbound.sent_at is not None
    assert dated.sent_at <= dated.received_at
    assert inbound.sent_at <= inbound.received_at
    assert dated.raw["FromCountry"] == "US", "all that the webhook told"
    for sid, status in ((delivered, "delivered"), (undelivered, "undelivered")):
        fact = facts[sid]
        assert isinstance(fact, StatusReceived)
        assert (fact.message_status, fact.error_code in (30003, 30005)) == (status, sid == undelivered)

    assert "lacks nothing" in await backfill(house, "--tenant", "acme")
    assert "lacks nothing" in await backfill(house, "--tenant", "acme", "--apply")
    assert len(await injected(house)) == 7

    theirs = await backfill(house, "--tenant", "globex", "--apply")
    assert "lacks 1 status (delivered 1)" in theirs
    assert (await injected(house))[elsewhere].tenant == "globex"


async def test_only_the_window_is_asked_about(house: House, twilio: Twilio) -> None:
    await twilio.send(lost=True)
    past = await backfill(house, "--tenant", "acme", "--until", _ago(3600))
    assert "0 messages at Twilio. The log lacks nothing." in past
    now = await backfill(house, "--tenant", "acme", "--since", _ago(3600))
    assert "1 messages at Twilio. The log lacks 1 status (delivered 1)." in now


async def test_a_message_that_was_never_sent_is_asked_for_by_its_id(house: House, twilio: Twilio) -> None:
    """Twilio's list by date of sending leaves it out; that we made it, the log knows."""
    await twilio.hear("hello")
    sid = await twilio.send(lost=True, callback_delay_s=0.01)
    taken = MessageSent(
        event_id="1", tenant="acme", sent_at=_ago(60), contact="acme|1", command_id="order-1", account_sid=ACCOUNT,
        message_sid=sid, message_status="queued", from_=SENDER, to=PERSON,
    )  # fmt: skip
    await produce(house.bootstrap, SENT.name, [(sid.encode(), encode(taken))])
    said = await backfill(house, "--tenant", "acme", "--since", _ago(120), "--until", _ago(30))
    assert "1 messages at Twilio. The log lacks 1 status (delivered 1)." in said
    assert "queued → delivered" in said


async def test_many_are_counted_and_a_few_shown(house: House, twilio: Twilio) -> None:
    for _ in range(14):
        await twilio.hear("hello", lost=True)
    said = await backfill(house, "--tenant", "acme")
    assert "lacks 14 inbound messages." in said
    assert "and 4 more" in said


async def test_ctrl_c_while_twilio_lists_says_so_and_writes_nothing(house: House) -> None:
    asked, answer = asyncio.Event(), asyncio.Event()

    async def hold(_: web.Request) -> web.Response:
        asked.set()
        await answer.wait()
        return web.json_response({"messages": [], "next_page_uri": None})

    app = web.Application()
    app.router.add_route("*", "/{path:.*}", hold)
    server = TestServer(app)
    async with server:
        environment = {"SWITCHBOARD_TWILIO__API": str(server.make_url("")).rstrip("/")}
        process = await asyncio.create_subprocess_exec(
            *command(house, "--tenant", "acme", "--apply"),
            env={**os.environ, **environment},
            stdout=PIPE,
            stderr=STDOUT,
        )
        await asyncio.wait_for(asked.wait(), 60)
        process.send_signal(signal.SIGINT)
        answer.set()
        said = (await process.communicate())[0].decode()
    assert process.returncode == 130, said
    assert said == "Stopped. A second run finds what is still lacking.\n"


async def test_stopped_in_the_middle_it_knows_what_the_log_has(house: House) -> None:
    messages = [listed(f"SMmany{number}") for number in range(20_000)]
    facts = [one.event for one in lacking(ACME, messages, held(), NOW)]
    count, begun = [0], asyncio.Event()

    def acknowledged() -> None:
        count[0] += 1
        begun.set()

    work = asyncio.create_task(inject(load().kafka, facts, acknowledged))
    await asyncio.wait_for(begun.wait(), 30)
    work.cancel()
    with pytest.raises(asyncio.CancelledError):
        await work
    there = [sid for sid in await injected(house) if sid.startswith("SMmany")]
    assert 0 < len(there) == count[0] < len(facts)


@pytest.mark.parametrize(
    ("words", "environment", "sentence"),
    [
        (["--tenant", "nobody"], {}, "no tenant 'nobody'; the settings know: acme, globex"),
        (["--tenant", "acme", "--since", "soon"], {}, "--since 'soon' is no time"),
        (["--tenant", "acme", "--until", "2020-01-01T00:00Z", "--since", "2021-01-01T00:00Z"], {}, "is not before"),
        (["--tenant", "acme", "--since", "2020-01-01T00:00Z"], {}, "further back than the log reaches"),
        (["--tenant", "acme"], {"TEST_AUTH_TOKEN": "wrong"}, "does not let tenant acme in (401); check"),
        (["--tenant", "acme"], {"SWITCHBOARD_TWILIO__API": "http://127.0.0.1:9"}, "no Twilio answers at"),
        (["--tenant", "acme"], {"SWITCHBOARD_KAFKA__BOOTSTRAP": "127.0.0.1:9"}, "no Kafka answers at 127.0.0.1:9"),
        (["--tenant", "acme"], {"SWITCHBOARD_KAFKA__PARTITIONS": "3"}, "correct the setting"),
    ],
)
async def test_what_is_in_the_way_is_a_sentence(
    house: House, words: list[str], environment: dict[str, str], sentence: str
) -> None:
    assert sentence in " ".join((await backfill(house, *words, code=1, **environment)).split())


def _ago(seconds: float) -> str:
    moment = time.gmtime(time.time() - seconds)
    return time.strftime("%Y-%m-%dT%H:%M:%S.000Z", moment)
