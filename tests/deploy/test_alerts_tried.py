"""Runbooks tried: faults in running services, the alerts that a real Prometheus makes of them, and their end by what
the page says. What is asked is as in `helm/files/alerts.yaml`; only its waiting times are cut, as a test has no hours.
"""

import re
import shutil
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from services.contract.messages import INBOUND
from services.embedded.broker import EmbeddedKafka
from tests.deploy.watched import TOKEN, Watched
from tests.kafka_records import produce
from tests.switchboard import switchboard
from tests.waiting import eventually


@pytest.fixture
async def house(tmp_path: Path, broker: EmbeddedKafka) -> AsyncIterator[Watched]:
    prometheus = shutil.which("prometheus")
    if prometheus is None:
        pytest.skip("no Prometheus on this machine; Debian's package prometheus has it")
    made = Watched(tmp_path, broker)
    await switchboard(made.file, "topics", "apply")
    try:
        for name in made.ports:
            made.start(name)
        await made.ready("ingress", "processor", "sender")
        with made.watching(prometheus):
            yield made
    finally:
        made.end(*made._running)


@pytest.mark.slow
@pytest.mark.timeout(600)
async def test_alerts_fire_upon_their_faults_and_end_by_their_runbooks(house: Watched) -> None:
    await house.commands()
    await house.ends("Prometheus does not answer")
    assert await house.firing() == set()
    await _a_wrong_tenants_file(house)
    await _an_expired_credential(house)
    await _strangers(house)
    await _a_code_that_nobody_knows(house)
    await _a_record_that_cannot_be_read(house)
    await _a_pause_that_stands_too_long(house)
    await _a_slow_twilio(house)
    await _a_twilio_that_fails(house)
    await house.ends(*await house.firing())


async def _a_wrong_tenants_file(house: Watched) -> None:
    file = house.tenants["house"] / "acme.yaml"
    right = file.read_text()
    file.write_text(right + "no_such_key: 1\n")
    await house.fires("SwitchboardTenantTroubles")
    file.write_text(right)
    await house.ends("SwitchboardTenantTroubles")


async def _an_expired_credential(house: Watched) -> None:
    token = house.folder / "sender" / "token"
    log = house.services["sender"].log
    before = log.read_text().count("tenants changed")
    token.write_text("f" * 32)
    await eventually(lambda: log.read_text().count("tenants changed") > before, 30, "the sender has read it")
    await house.commands()
    await house.fires("SwitchboardLanesStopped")
    token.write_text(TOKEN)
    # "a changed tenant's file has one tried at once"
    await house.ends("SwitchboardLanesStopped")


async def _strangers(house: Watched) -> None:
    async with house.going_on(lambda: house.webhook("messages", signed=False, MessageSid="SM" + "0" * 32)):
        await house.fires("SwitchboardWebhooksRefused")
    await house.ends("SwitchboardWebhooksRefused")


async def _a_code_that_nobody_knows(house: Watched) -> None:
    status = await house.webhook("status", MessageSid="SM" + "1" * 32, MessageStatus="failed", ErrorCode="99998")
    assert status == 204
    await house.fires("SwitchboardUnknownErrorCode")
    await house.ends("SwitchboardUnknownErrorCode")


async def _a_record_that_cannot_be_read(house: Watched) -> None:
    await produce(house.broker.bootstrap, INBOUND.name, [(b"nobody", b"\xff\x00{")])
    await house.fires("SwitchboardDeadLetters", "SwitchboardDeadLettersOpen", "SwitchboardUnattributedLetters")
    dropped = await switchboard(house.file, "dead", "drop", "--all", "--note", "tried", "--apply")
    assert "dropped" in dropped.text
    await house.ends("SwitchboardDeadLetters", "SwitchboardDeadLettersOpen", "SwitchboardUnattributedLetters")


async def _a_pause_that_stands_too_long(house: Watched) -> None:
    await switchboard(house.file, "pause", "--everything", "--note", "tried")
    await house.fires("SwitchboardPausedLong")

    async def too_late() -> None:
        await house.commands(not_after=(datetime.now(UTC) + timedelta(seconds=1)).isoformat())

    async with house.going_on(too_late):
        await house.fires("SwitchboardCommandsBurn", "SwitchboardCommandsBurnSlowly")
    await switchboard(house.file, "resume", "--everything")
    await house.ends("SwitchboardPausedLong", "SwitchboardCommandsBurn", "SwitchboardCommandsBurnSlowly")


async def _a_slow_twilio(house: Watched) -> None:
    await house.twilio(latency_s=7)
    async with house.going_on(house.commands):
        await house.fires("SwitchboardTwilioSlow")
    await house.twilio()
    await house.ends("SwitchboardTwilioSlow")


async def _a_twilio_that_fails(house: Watched) -> None:
    await house.twilio(error_before=1.0)
    async with house.going_on(house.commands):
        await house.fires("SwitchboardBreakerOpen", "SwitchboardAmbiguous", "SwitchboardAmbiguousOld")
        await house.twilio()
        await house.ends("SwitchboardBreakerOpen")
    listed = await switchboard(house.file, "ambiguous", "list")
    for name in sorted(set(re.findall(r"order-\d+", listed.text))):
        await switchboard(house.file, "ambiguous", "resolve", name, "--not-sent", "--by", "the test")
    await house.ends("SwitchboardAmbiguous", "SwitchboardAmbiguousOld")
