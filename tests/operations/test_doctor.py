"""`switchboard doctor`: each fault is found where it is, with its remedy; what cannot be looked at is no silence."""

import asyncio
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest
from aiokafka.admin import AIOKafkaAdminClient
from pydantic import SecretStr

from services.contract.access import grants
from services.contract.messages import MESSAGES
from services.contract.topic import own_topic
from services.domain.senders.listing import joined
from services.operations import rights
from services.operations.doctor.account import Examined, Recorded, masked
from services.operations.doctor.apart import apart
from services.operations.doctor.broker import _lacks, broker
from services.operations.doctor.examining import examine
from services.operations.doctor.finding import Finding, verdict
from services.operations.doctor.machine import machine, regions
from services.operations.senders import listed
from services.operations.studio.watching import say, statement, watched
from services.runtime.clock import CLOCK, now
from services.runtime.config import Settings
from services.runtime.sections.kafka import KafkaSettings
from services.runtime.sections.twilio import TwilioSettings
from services.runtime.tenants.live import Tenants
from services.runtime.tenants.sections.routing import RouteSettings, RoutingSettings
from services.runtime.tenants.settings import TenantSettings
from tests.kafka_records import create_topics, produce

from .house import ACME, FALLBACK, INBOUND, ONE, PUBLIC, SERVICE, TOKEN, TWO, WHATSAPP, House, tenant

STAGING = "https://staging.example.com/twilio/acme/messages"


async def looked(
    house: House,
    of: TenantSettings | None = None,
    recorded: bool = False,
    globex: TenantSettings | None = None,
    flows: frozenset[str] = frozenset(),
) -> list[Finding]:
    """What is found of the tenant acme, beside globex. `recorded`: the log has Twilio's lists as they are."""
    one, twilio = of or house.settings.tenants["acme"], house.settings.twilio
    tenants = {"acme": one, "globex": globex or house.settings.tenants["globex"]}
    before = None
    if recorded:
        before = joined(None, "acme", await asyncio.to_thread(listed, "acme", one, twilio), now())
    return await asyncio.to_thread(
        list, Examined("acme", house.settings, tenants, Recorded(before, flows), masked).findings()
    )


def faults(found: Sequence[Finding], check: str = "") -> list[Finding]:
    wrong = [one for one in found if one.level == "fault" and check in one.check]
    assert all(one.remedy for one in wrong)
    return wrong


async def test_a_number_that_leads_to_a_flow_is_named_until_the_flow_is_read(house: House) -> None:
    flow = "FW" + "f" * 32
    url = f"https://webhooks.twilio.com/v1/Accounts/{ACME}/Flows/{flow}"
    await house.hold(senders={ONE: {"sms_url": url, "sms_fallback_url": FALLBACK}})
    [wrong] = faults(await looked(house, recorded=True), "webhooks")
    assert (flow in wrong.says, wrong.remedy) == (True, f"switchboard studio watch {flow} --tenant acme")
    await say(house.settings.kafka, statement("acme", ACME, flow, True, "ada"))
    read = (await watched(house.settings.kafka))["acme"]
    assert flow in read
    assert faults(await looked(house, recorded=True, flows=read), "webhooks") == []
    await say(house.settings.kafka, statement("acme", ACME, flow, False, "ada"))
    assert flow not in (await watched(house.settings.kafka))["acme"]


async def test_an_account_that_is_as_it_should_be_is_fine(house: House) -> None:
    await house.hold(senders={ONE: {"sms_url": INBOUND, "sms_fallback_url": FALLBACK}})
    found = await looked(house, recorded=True)
    assert {one.level for one in found} == {"fine"}, found
    assert [one.check for one in found] == ["credentials", "clock", "senders", "webhooks", "alerts"]
    assert TOKEN not in str(found)


async def test_whose_inbound_goes_past_us_is_found_and_numbers_are_masked(house: House) -> None:
    await house.hold(senders={ONE: {"sms_url": STAGING}, TWO: {}})
    past, silent = sorted(faults(await looked(house), "webhooks"), key=lambda one: one.says, reverse=True)
    assert STAGING in past.says
    assert "nobody is called" in silent.says
    assert ONE not in str((past, silent))
    # Who named the senders that are ours has said that this one is not.
    found = await looked(house, tenant(ACME, allowed_senders=[TWO]))
    assert [one.level for one in found if STAGING in one.says] == ["note"]


async def test_the_last_days_alerts_are_told_by_whose_fault_they_are(house: House) -> None:
    await house.hold(
        alerts=[
            *[{"error_code": "11200", "request_url": f"{PUBLIC}/twilio/acme/status?c=secret"}] * 3,
            {"error_code": "11200", "request_url": "https://other.example.com/sms"},
            {"error_code": "30007", "log_level": "warning"},
            {"error_code": "11205", "date_generated": "2020-01-01T00:00:00Z"},
        ]
    )
    found = [one for one in await looked(house) if one.check == "alerts"]
    assert [(one.level, one.says.partition(" ")[0]) for one in found] == [
        ("note", "11200,"), ("fault", "11200,"), ("note", "30007,"),
    ]  # fmt: skip
    assert "3 times" in faults(found)[0].says
    assert "backfill" in faults(found)[0].remedy
    assert "secret" not in str(found)


async def test_credentials_are_tried_one_by_one(house: House) -> None:
    two = TenantSettings(
        account_sid=ACME, auth_tokens=[SecretStr(TOKEN), SecretStr("old")], contact_secret=SecretStr("x")
    )
    [fault] = faults(await looked(house, two), "credentials")
    assert "auth token 2" in fault.says
    assert "region" in fault.remedy
    assert "old" not in fault.says


async def test_an_account_that_is_suspended_or_on_trial(house: House) -> None:
    await house.hold(standing={"type": "Trial"})
    assert [one.check for one in await looked(house) if one.level == "note"] == ["account"]
    await house.hold(standing={"status": "suspended"})
    found = await looked(house)
    assert "suspended" in faults(found, "credentials")[0].says
    assert [one.level for one in found if one.check == "webhooks"] == ["unknown"]


async def test_what_may_not_be_read_is_no_silence(house: House) -> None:
    await house.hold(standing={"forbidden": ["monitor"]})
    found = await looked(house, recorded=True)
    [unread] = [one for one in found if one.level == "unknown"]
    assert unread.check == "alerts"
    assert "API key" in unread.says
    assert verdict(found) == "unknown"
    assert verdict([*found, Finding("x", "fault", "", "", "y")]) == "fault"


async def test_a_closed_tenant_is_not_asked_about(house: House) -> None:
    [note] = await looked(house, tenant(ACME, state="closed"))
    assert note.level == "note"


async def test_senders_that_are_named_and_not_there(house: House) -> None:
    await house.hold(senders={ONE: {}})
    await house.service(settings={"friendly_name": "empty"})
    elsewhere = "MG" + "9" * 32
    routing = RoutingSettings(
        default_messaging_service_sid=SERVICE, routes=[RouteSettings(countries=["DE"], pool={elsewhere: 1})]
    )
    ours = tenant(ACME, allowed_senders=[TWO, WHATSAPP, ONE, elsewhere], routing=routing)
    found = faults(await looked(house, ours), "senders")
    assert [one.says.partition(" ")[0] for one in found[:3]] == ["the", SERVICE, "the"]
    assert "MG999" in found[0].says
    assert "is no number of the account" in found[2].says
    assert "not on the log" in found[-1].says


async def test_a_clock_that_is_wrong(house: House, tmp_path: Path) -> None:
    (tmp_path / "clock").write_text("-120")
    CLOCK.follow(tmp_path / "clock")
    try:
        await produce(house.settings.kafka.bootstrap, MESSAGES.name, [(b"key", b"{}")])
        assert "behind Twilio's" in faults(await looked(house), "clock")[0].says
        [at_broker] = [one for one in await broker(house.settings, "operations") if one.check == "clock"]
        assert "later than our clock" in at_broker.says
    finally:
        CLOCK.follow(None)


async def test_a_broker_is_looked_at(house: House) -> None:
    found = await broker(house.settings, "sender")
    assert {one.check for one in found} == {"broker", "rights", "topics", "clock"}
    assert faults(found) == []
    more = house.settings.kafka.model_copy(update={"replication": 3, "partitions": 8})
    wrong = faults(await broker(house.settings.model_copy(update={"kafka": more}), "sender"))
    assert {one.check for one in wrong} == {"broker", "topics"}
    assert any("partition counts never change" in one.says for one in wrong)
    away = Settings(kafka=KafkaSettings(bootstrap="127.0.0.1:1"))
    [silent] = await broker(away, "sender")
    assert (silent.level, silent.check) == ("unknown", "broker")


async def test_the_broker_tells_what_is_permitted_of_what_is_there(house: House) -> None:
    """Without an authorizer all is; of a topic that is not there nothing is."""
    [wanted] = [one for one in grants()["ingress"] if one.name == "twilio.inbound.v1"]
    assert _lacks(wanted, {wanted.name: set()}) == "Write twilio.inbound.v1"
    assert _lacks(wanted, {wanted.name: {"Write"}}) == ""
    client = AIOKafkaAdminClient(bootstrap_servers=house.settings.kafka.bootstrap)
    await client.start()
    try:
        await create_topics(house.settings.kafka.bootstrap, ["doctor.test"])
        found = await rights.of_topics(client, ["doctor.test", "doctor.absent"])
        assert {"Read", "Write", "Describe"} <= found["doctor.test"]
        assert found["doctor.absent"] == set()
        assert "doctor.absent" not in await client.list_topics(), "asking created nothing"
        assert "Read" in await rights.of_group(client, "switchboard-sender")
    finally:
        await client.close()


def test_this_machine_is_looked_at(tmp_path: Path) -> None:
    settings = Settings(
        public_url="http://127.0.0.1:8080",
        ingress={"spool": {"directory": str(tmp_path), "max_bytes": 1 << 60}},
        sender={"data_dir": str(tmp_path)},
    )
    found = list(machine(settings, Tenants({"acme": tenant(ACME)})))
    assert [one.level for one in found if one.check == "versions"] == ["fine"]
    assert "loopback" in faults(found, "settings")[0].says
    [full] = faults(found, "disk")
    assert full.about == "ingress.spool.directory"
    assert faults(list(machine(settings, Tenants({}))), "tenants")


@pytest.mark.parametrize(
    ("urls", "sentence"),
    [
        ({}, ""),
        ({"api": "https://api.dublin.ie1.twilio.com"}, ""),
        ({"api": "https://api.ie1.twilio.com"}, "without an edge"),
        ({"api": "https://api.dublin.ie1.twilio.com", "messaging": "https://messaging.twilio.com"}, "ie1 and us1"),
    ],
)
def test_hosts_of_two_regions_cannot_be_meant(urls: dict[str, str], sentence: str) -> None:
    found = faults(list(regions(TwilioSettings(**urls))))
    assert bool(found) == bool(sentence)
    assert not sentence or any(sentence in one.says for one in found)


def test_the_other_hosts_are_of_the_apis_region() -> None:
    twilio = TwilioSettings(api="https://api.dublin.ie1.twilio.com")
    assert twilio.messaging_url == "https://messaging.dublin.ie1.twilio.com"
    assert TwilioSettings().monitor_url == "https://monitor.twilio.com"
    assert TwilioSettings(api="http://127.0.0.1:1").monitor_url == "http://127.0.0.1:1"


async def test_the_whole_round(house: House) -> None:
    tenants = Tenants(dict(house.settings.tenants))
    found = await examine(house.settings, tenants, only="acme")
    assert {"versions", "tenants", "broker", "topics", "producers", "credentials", "webhooks"} <= {
        one.check for one in found
    }
    assert not any("globex" in one.about for one in found)


async def test_a_right_on_the_topics_of_tenants_is_asked_about_of_each(house: House) -> None:
    """Of a topic that is not there nothing is permitted, as of one that may not be seen."""
    kafka = house.settings.kafka.model_copy(update={"tenant_topics": ["acme"]})
    settings = house.settings.model_copy(update={"kafka": kafka})
    [lacking] = faults(await broker(settings, "sender"), "rights")
    assert f"Read {own_topic(MESSAGES, 'acme').name}" in lacking.says
    # None of the ingress's rights is on them.
    assert faults(await broker(settings, "ingress"), "rights") == []


async def test_what_is_another_tenants_of_the_same_account_is_no_fault_of_ours(house: House) -> None:
    await house.hold(senders={ONE: {"sms_url": INBOUND, "sms_fallback_url": FALLBACK}, TWO: {}})
    found = await looked(house, tenant(ACME, allowed_senders=[ONE]), globex=tenant(ACME, allowed_senders=[TWO]))
    assert [one.level for one in found if one.check == "webhooks"] == ["fine"]
    # Where nobody can tell whose it is, it is everybody's.
    found = await looked(house, tenant(ACME), globex=tenant(ACME))
    [past] = faults(found, "webhooks")
    assert "allowed_senders" in past.remedy


KEYS = {"2026-11": SecretStr("k" * 32)}
GUARDED = {"security_protocol": "SASL_SSL", "sasl_username": "operations", "sasl_password": SecretStr("a secret")}


@pytest.mark.parametrize(
    ("kafka", "said", "level", "says"),
    [
        ({}, {}, "note", "neither a topic of its own nor a key: who may write to twilio.outbound.messages.v1"),
        ({}, {"producer_keys": KEYS}, "note", "takes unsigned commands all the same"),
        ({"tenant_topics": ["acme"], **GUARDED}, {}, "note", "takes unsigned commands all the same"),
        ({}, {"unsigned_commands": "refused"}, "fault", "nobody can send in its name"),
        ({"tenant_topics": ["globex"], **GUARDED}, {"unsigned_commands": "refused"}, "fault", "nobody can send"),
        ({"tenant_topics": ["acme"]}, {"unsigned_commands": "refused"}, "fault", "asks nobody who he is"),
        ({"tenant_topics": ["acme"], **GUARDED}, {"unsigned_commands": "refused"}, "fine", "kept apart"),
        ({}, {"unsigned_commands": "refused", "producer_keys": KEYS}, "fine", "kept apart"),
    ],
)
def test_whose_producers_are_not_kept_apart(kafka: dict[str, Any], said: dict[str, Any], level: str, says: str) -> None:
    [found] = apart(KafkaSettings(**kafka), Tenants({"acme": tenant(ACME, **said)}))
    assert (found.check, found.level, found.about) == ("producers", level, "acme")
    assert says in found.says
    assert bool(found.remedy) == (level != "fine")


def test_tenants_that_are_alike_are_told_together_and_closed_ones_not() -> None:
    many = {f"t{number:02}": tenant(ACME) for number in range(12)}
    tenants = Tenants({**many, "gone": tenant(ACME, state="closed"), "key": tenant(ACME, producer_keys=KEYS)})
    assert [one.about for one in apart(KafkaSettings(), tenants)] == ["t00, t01, t02, t03, t04 and 7 more", "key"]
    assert [one.about for one in apart(KafkaSettings(), tenants, "t11")] == ["t11"]
