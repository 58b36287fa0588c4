"""Rates of lanes: by account and sender, whichever tenants send; a worker's share of them by its partitions."""

from pathlib import Path
from typing import Any

import yaml
from pydantic import SecretStr

from services.runtime.tenants.live import Tenants
from services.runtime.tenants.settings import TenantSettings
from services.sender.account import AccountAt
from services.sender.lane_rates import LaneRates
from services.sender.lanes import LaneName
from services.sender.paces import Paces, RateLimit
from tests.sender.conftest import House
from tests.sender.products import PRODUCTS
from tests.sender.rig import SERVICE, Desk, Service

ONE, TWO = "+14155550100", "+14155550101"


def tenant(account: str = "a", senders: dict[str, float] | None = None, **fields: Any) -> TenantSettings:
    limits = {"each": 10, "kinds": {}, "senders": senders or {}, **fields.pop("limits", {})}
    return TenantSettings(
        account_sid="AC" + account * 32,
        auth_tokens=[SecretStr("token")],
        contact_secret=SecretStr("secret"),
        rate_limits=limits,
        **fields,
    )


def lane(name: str, sender: str = ONE, towards: str = "") -> LaneName:
    return LaneName(AccountAt(name, "api"), "message", sender, towards)


def rates(lane: LaneName, owned: int = 4, **tenants: TenantSettings) -> list[RateLimit]:
    return LaneRates(PRODUCTS, Tenants(tenants), 4).of(lane, owned)


async def test_two_tenants_of_one_account_have_one_rate_for_a_sender_and_two_of_two_have_two() -> None:
    acme, zeta = (rates(lane(name), acme=tenant(), zeta=tenant()) for name in ("acme", "zeta"))
    [first], [second] = Paces().of(acme), Paces().of(zeta)
    assert acme == zeta
    paces = Paces()
    [first], [second] = paces.of(acme), paces.of(zeta)
    assert first is second
    other = rates(lane("zeta"), acme=tenant(), zeta=tenant("b"))
    assert paces.of(other) != [first]
    assert paces.of(rates(lane("acme", TWO), acme=tenant(), zeta=tenant())) != [first]


def test_of_what_they_state_the_least_holds_for_all() -> None:
    slow, quick = tenant(senders={ONE: 2}), tenant(senders={ONE: 50})
    for name in ("acme", "zeta"):
        [limit] = rates(lane(name), acme=slow, zeta=quick)
        assert limit.a_second == 2.0
    # Who does not name it has no say, nor who may not send from it.
    for name in ("acme", "zeta"):
        [limit] = rates(lane(name), acme=tenant(), zeta=quick)
        assert limit.a_second == 50.0
    strange = tenant(senders={ONE: 2}, allowed_senders=[TWO])
    [limit] = rates(lane("zeta"), acme=strange, zeta=quick)
    assert limit.a_second == 50.0


def test_a_destination_that_one_of_them_states_is_kept_by_who_has_it() -> None:
    towards = tenant(limits={"destinations": {"+91": 5}})
    found = rates(lane("acme", towards="+91"), acme=towards, zeta=tenant())
    assert sorted(one.a_second for one in found) == [5.0, 10.0]
    assert [one.a_second for one in rates(lane("zeta"), acme=towards, zeta=tenant())] == [10.0]


def test_a_worker_has_the_share_of_its_partitions_whoever_shares() -> None:
    [limit] = rates(lane("acme"), 1, acme=tenant(), zeta=tenant(senders={ONE: 2}))
    assert limit.a_second == 0.5
    [limit] = rates(lane("acme"), 0, acme=tenant())
    assert limit.a_second == 2.5, "before the first has come"


def test_a_tenant_that_is_not_known_has_a_rate_of_its_own() -> None:
    [limit] = rates(lane("gone"), acme=tenant())
    assert limit.a_second == 1.0
    assert limit.of != rates(lane("acme"), acme=tenant())[0].of


async def test_what_two_tenants_send_from_one_number_goes_at_one_rate(desk: Desk, house: House, tmp_path: Path) -> None:
    """At this rate one goes in a quarter of an hour."""
    content = yaml.safe_load(house.settings.read_text())
    acme = content["tenants"]["acme"]
    acme["rate_limits"] = {"each": 0.001, "kinds": {}, "senders": {SERVICE: 500}}
    content["tenants"]["zeta"] = dict(acme)
    settings = tmp_path / "settings.yaml"
    settings.write_text(yaml.safe_dump(content))
    sender = Service("sender", settings, tmp_path, {})
    try:
        await sender.ready()
        ids = await desk.produce(*(desk.command(n, tenant=("acme", "zeta")[n % 2]) for n in range(6)))
        await desk.until(ids, "accepted")
        # What comes after them by another sender goes.
        [after] = await desk.produce(desk.command(9, **{"from": None, "messaging_service_sid": SERVICE}))
        await desk.until([after], "sent")
        assert sum(map(len, (await desk.creates(ids)).values())) == 1
    finally:
        sender.stop()
