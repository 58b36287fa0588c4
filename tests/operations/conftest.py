"""One broker for the tests here, and a simulated Twilio for each that begins as a new one."""

import asyncio
from collections.abc import AsyncIterator, Iterator

import aiohttp
import pytest

from services.embedded.broker import EmbeddedKafka
from services.operations import topics
from services.runtime.config import KafkaSettings, Settings, TwilioSettings
from services.runtime.simulated import SimulatorSettings
from services.runtime.tenants.live import Tenants
from services.simulator.app import serve

from .house import ACME, GLOBEX, PUBLIC, House, tenant


@pytest.fixture(scope="session")
def kafka_settings() -> Iterator[KafkaSettings]:
    with EmbeddedKafka.start() as own:
        kafka = KafkaSettings(bootstrap=own.bootstrap, partitions=4, replication=1, min_insync_replicas=1)
        asyncio.run(topics.ensure(Settings(kafka=kafka)))
        yield kafka


@pytest.fixture
async def house(kafka_settings: KafkaSettings, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[House]:
    for name in ("NO_PROXY", "no_proxy"):
        monkeypatch.setenv(name, "127.0.0.1")
    monkeypatch.delenv("SWITCHBOARD_CONFIG", raising=False)
    tenants = {"acme": tenant(ACME), "globex": tenant(GLOBEX)}
    settings = Settings(public_url=PUBLIC, kafka=kafka_settings, tenants=tenants, simulator=SimulatorSettings(port=0))
    async with serve(settings, Tenants(tenants)) as url, aiohttp.ClientSession() as session:
        yield House(settings.model_copy(update={"twilio": TwilioSettings(api=url)}), session)
