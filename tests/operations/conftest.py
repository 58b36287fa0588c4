"""The product's topics for the tests here, and a simulated Twilio for each that begins as a new one."""

from collections.abc import AsyncIterator

import aiohttp
import pytest

from services.runtime.config import Settings
from services.runtime.sections.kafka import KafkaSettings
from services.runtime.sections.twilio import TwilioSettings
from services.runtime.simulated import SimulatorSettings
from services.runtime.tenants.live import Tenants
from services.simulator.app import serve
from tests.environment import SharedBroker
from tests.processes import PARTITIONS

from .house import ACME, GLOBEX, PUBLIC, House, tenant


@pytest.fixture(scope="module")
def kafka_settings(shared: SharedBroker) -> KafkaSettings:
    kafka = KafkaSettings(bootstrap=shared.bootstrap, partitions=PARTITIONS, replication=1, min_insync_replicas=1)
    shared.laid_out(Settings(kafka=kafka))
    return kafka


@pytest.fixture
async def house(kafka_settings: KafkaSettings, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[House]:
    for name in ("NO_PROXY", "no_proxy"):
        monkeypatch.setenv(name, "127.0.0.1")
    monkeypatch.delenv("SWITCHBOARD_CONFIG", raising=False)
    tenants = {"acme": tenant(ACME), "globex": tenant(GLOBEX)}
    settings = Settings(public_url=PUBLIC, kafka=kafka_settings, tenants=tenants, simulator=SimulatorSettings(port=0))
    async with serve(settings, Tenants(tenants)) as url, aiohttp.ClientSession() as session:
        yield House(settings.model_copy(update={"twilio": TwilioSettings(api=url)}), session)
