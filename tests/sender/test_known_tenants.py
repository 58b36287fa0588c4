"""What the log knows of tenants, on a real Kafka: the first counts, for all services and all disks."""

import asyncio

import pytest
from pydantic import SecretStr

from services.runtime.sections.kafka import KafkaSettings
from services.runtime.tenants.known import KnownTenants, NotKnown
from services.runtime.tenants.settings import TenantSettings
from tests.sender.conftest import House
from tests.sender.rig import PARTITIONS


def tenant(secret: str, account: str = "1") -> TenantSettings:
    return TenantSettings(
        account_sid="AC" + account * 32, auth_tokens=[SecretStr("t")], contact_secret=SecretStr(secret)
    )


def service(bootstrap: str) -> KnownTenants:
    """As a service starts: it remembers nothing."""
    return KnownTenants(KafkaSettings(bootstrap=bootstrap, partitions=PARTITIONS))


async def test_the_first_counts_wherever_it_is_asked(house: House) -> None:
    names = [f"known-{number}" for number in range(20)]
    # Two that begin at once, and have been given different secrets: one of them is refused, of each tenant.
    answers = await asyncio.gather(
        *(service(house.bootstrap).refusals({name: tenant(secret) for name in names}) for secret in ("one", "two"))
    )
    assert sorted(name for answer in answers for name in answer) == sorted(names)
    first = {name: "two" if name in answers[0] else "one" for name in names}
    assert not await service(house.bootstrap).refusals({name: tenant(secret) for name, secret in first.items()})
    for other in (tenant("three"), tenant("one", "2"), tenant("two", "2")):
        assert set(await service(house.bootstrap).refusals(dict.fromkeys(names, other))) == set(names)


async def test_who_only_asks_writes_nothing_down(house: House) -> None:
    assert not await service(house.bootstrap).refusals({"asked": tenant("one")}, note=False)
    assert not await service(house.bootstrap).refusals({"asked": tenant("two")})
    assert await service(house.bootstrap).refusals({"asked": tenant("one")}, note=False)


async def test_a_kafka_that_is_away_or_without_the_topic_says_so() -> None:
    with pytest.raises(NotKnown, match="no broker answers"):
        await service("127.0.0.1:1").refusals({"acme": tenant("one")})
