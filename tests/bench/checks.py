"""A tenant that asks for all that intake can look at, and what the log must know for it."""

from collections.abc import Awaitable, Callable, Iterator, Mapping
from decimal import Decimal
from typing import NamedTuple

import orjson

from services.contract import codec
from services.contract.compliance import COMPLIANCE
from services.contract.prices import PRICES
from services.contract.topic import Topic
from services.domain.compliance.events import Brand, Campaign, ComplianceStated
from services.domain.spend.prices import CarrierPrices, Price, PricesStated
from tests.bench import log, workload
from tests.bench.workload import ACCOUNT, TENANT

_AT = "2026-01-01T00:00:00.000Z"
_BRAND, _CAMPAIGN, _SERVICE = "BN" + "1" * 32, "QE" + "2" * 32, "MG" + "3" * 32
_POOL = [f"+1415555{number:04d}" for number in range(100, 110)]
_NETWORKS = 5


class Asked(NamedTuple):
    """`commands`: so many of them, from the one of that number on. `stated`: puts on a broker's log what it knows."""

    settings: Mapping[str, str]
    commands: Callable[[int, int], Iterator[log.Pair]]
    stated: Callable[[str], Awaitable[None]]


_TENANT = {
    "ROUTING": {
        "routes": [
            {"countries": ["GB", "IE"], "channels": ["sms"], "pool": {"ACME": 1}},
            {"labels": ["spring"], "purposes": ["marketing"], "pool": {"+14155559999": 1}},
            {"prefixes": ["+1"], "nearest": True, "pool": dict.fromkeys(_POOL, 1)},
        ]
    },
    "CONSENT": {"stop_reaches": "tenant", "consent_for": "templates"},
    "QUIET_HOURS": {"purposes": ["marketing"]},
    "FREQUENCY": {"marketing": [{"messages": 2, "days": 1}]},
    "SPEND": {"budgets": [{"amount": 1_000_000}, {"amount": 1000, "label": "spring"}]},
}

_SETTINGS = {
    **{f"SWITCHBOARD_TENANTS__{TENANT}__{name}": orjson.dumps(each).decode() for name, each in _TENANT.items()},
    f"SWITCHBOARD_TENANTS__{TENANT}__RATE_LIMITS": orjson.dumps(
        {"each": 0.0167, "kinds": {}, "destinations": {"+1": 0.0167, "+1415": 0.0167, "+91": 5}}
    ).decode(),
}


def _commands(count: int, first: int) -> Iterator[log.Pair]:
    """Without a sender, so that a route chooses; each with a label."""
    return workload.commands(count, first, sender=None, label="autumn")


async def _known(bootstrap: str) -> None:
    """Prices of the US, and its numbers' campaign."""
    prices = [
        Price(number_type=kind, base=Decimal("0.0083"), current=Decimal("0.0079"))
        for kind in ("local", "mobile", "toll-free")
    ]
    stated = PricesStated(
        event_id="bench-prices",
        tenant=TENANT,
        country="US",
        at=_AT,
        name="United States",
        currency="USD",
        outbound=[
            CarrierPrices(carrier=f"Network {one}", mcc="310", mnc=f"{one:03d}", prices=prices)
            for one in range(_NETWORKS)
        ],
        inbound=prices,
    )
    registered = ComplianceStated(
        event_id="bench-compliance",
        tenant=TENANT,
        account=ACCOUNT,
        at=_AT,
        brands=[Brand(sid=_BRAND, status="APPROVED", score=80)],
        campaigns=[Campaign(sid=_CAMPAIGN, service=_SERVICE, status="VERIFIED", brand=_BRAND, usecase="MIXED")],
        verifications=[],
        numbers=_POOL,
        services={_SERVICE: _POOL},
    )
    await _state(bootstrap, PRICES, stated)
    await _state(bootstrap, COMPLIANCE, registered)


async def _state(bootstrap: str, topic: Topic, event: PricesStated | ComplianceStated) -> None:
    await log.produce(bootstrap, topic.name, [(topic.key(event).encode(), codec.encode(event))])


ALL = Asked(_SETTINGS, _commands, _known)
