"""Runbooks tried: faults in running services, the alerts that a real Prometheus makes of them, and their end by what
the page says. What is asked is as in `helm/files/alerts.yaml`; only its waiting times are cut, as a test has no hours.
"""

import asyncio
import os
import re
import shutil
import signal
from collections.abc import AsyncIterator, Iterator
from datetime import UTC, datetime, timedelta
from itertools import count

import pytest
import pytest_asyncio

from services.contract.messages import INBOUND, STATUS
from services.embedded.broker import EmbeddedKafka
from tests import acls
from tests.acls import Acl
from tests.bench.workload import facts
from tests.deploy.watched import TOKEN, Watched
from tests.kafka_records import produce
from tests.switchboard import switchboard
from tests.waiting import eventually

pytestmark = [pytest.mark.slow, pytest.mark.timeout(600), pytest.mark.asyncio(loop_scope="module")]

# Twilio has a number that it takes for none; it says nothing of a person, as a landline would.
NO_NUMBER = "+15005550001"
# Whatever nobody has said is permitted, so that a single right can be taken away.
AUTHORIZER = {
    "authorizer.class.name": "org.apache.kafka.metadata.authorizer.StandardAuthorizer",
    "allow.everyone.if.no.acl.found": "true",
}


@pytest.fixture(scope="module")
def broker() -> Iterator[EmbeddedKafka]:
    with EmbeddedKafka.start(properties=AUTHORIZER) as own:
        yield own


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def house(tmp_path_factory: pytest.TempPathFactory, broker: EmbeddedKafka) -> AsyncIterator[Watched]:
    prometheus = shutil.which("prometheus")
    if prometheus is None:
        pytest.skip("no Prometheus on this machine; Debian's package prometheus has it")
    made = Watched(tmp_path_factory.mktemp("watched"), broker)
    await switchboard(made.file, "topics", "apply")
    try:
        for name in made.ports:
            made.start(name)
        await made.ready("ingress", "processor", "sender")
        with made.watching(prometheus):
            yield made
    finally:
        made.end(*made._running)


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


async def test_what_breaks_below_the_services_fires_and_ends_by_the_runbooks(house: Watched) -> None:
    await house.commands()
    await house.ends("Prometheus does not answer")
    await _a_worker_that_lags(house)
    await _a_store_that_is_lost(house)
    await _a_frozen_process(house)
    await _a_folder_that_hangs(house)
    await _numbers_that_twilio_refuses(house)
    async with house.going_on(lambda: _said(house)):
        await _a_right_that_is_revoked(house)
        await _a_frozen_broker_until_the_spool_is_full(house)
    await house.ends(*await house.firing())


_SAID = count()


async def _said(house: Watched, body: str = "Hi") -> int:
    return await house.webhook("messages", MessageSid=f"SM{next(_SAID):032x}", Body=body, NumMedia="0")


async def _a_worker_that_lags(house: Watched) -> None:
    """It stands still while facts come; what it has to fold then is late, on a fast machine too."""
    worker = house.services["processor"].process
    worker.send_signal(signal.SIGSTOP)
    try:
        await produce(house.broker.bootstrap, STATUS.name, facts(40_000))
        # Longer than what counts as late here, shorter than its session.
        await asyncio.sleep(3)
    finally:
        worker.send_signal(signal.SIGCONT)
    await house.fires("SwitchboardLagging", "SwitchboardFoldsBurn", "SwitchboardFoldsBurnSlowly")
    # "After an outage: wait"
    await house.ends("SwitchboardLagging", "SwitchboardFoldsBurn", "SwitchboardFoldsBurnSlowly")


async def _a_store_that_is_lost(house: Watched) -> None:
    """What is restored stands still for its broker does."""
    house.end("processor")
    shutil.rmtree(house.folder / "processor")
    house.start("processor")
    house.targets()

    async def restoring() -> bool:
        return await house.value("processor", "switchboard_restore_remaining_records") > 0

    await eventually(restoring, 60, "it restores")
    house.broker.freeze()
    await house.fires("SwitchboardRestoresLong")
    house.broker.thaw()
    await house.ends("SwitchboardRestoresLong")
    await house.ready("processor")


async def _a_frozen_process(house: Watched) -> None:
    house.services["processor"].process.send_signal(signal.SIGSTOP)
    await house.fires("SwitchboardDown")
    house.services["processor"].process.send_signal(signal.SIGCONT)
    await house.ends("SwitchboardDown")


async def _a_folder_that_hangs(house: Watched) -> None:
    """As one on a network does: whoever reads a file of it waits."""
    hanging = house.tenants["sender"] / "late.yaml"
    os.mkfifo(hanging)
    await house.fires("SwitchboardTenantsNotLookedAt")
    hanging.rename(hanging.with_suffix(".away"))
    # Who waits is told that there is nothing.
    os.close(os.open(hanging.with_suffix(".away"), os.O_WRONLY))
    await house.ends("SwitchboardTenantsNotLookedAt")


async def _numbers_that_twilio_refuses(house: Watched) -> None:
    async with house.going_on(lambda: house.commands(to=NO_NUMBER)):
        await house.fires("SwitchboardSendsFail")
    await house.ends("SwitchboardSendsFail")


async def _a_right_that_is_revoked(house: Watched) -> None:
    refusal = Acl("ANONYMOUS", "Write", INBOUND.name, permission="deny")
    await acls.add(house.broker.bootstrap, [refusal])
    await house.fires("SwitchboardKafkaAway")
    # "`kafka` says the error"
    assert INBOUND.name in (await house.readyz("ingress"))["kafka"]
    await acls.remove(house.broker.bootstrap, refusal)
    await house.ends("SwitchboardKafkaAway")


async def _a_frozen_broker_until_the_spool_is_full(house: Watched) -> None:
    house.broker.freeze()
    await house.fires("SwitchboardKafkaAway", "SwitchboardSpoolOld", "SwitchboardNotReady", "SwitchboardNothingFolded")
    spooled = min((house.folder / "spool").glob("*.facts"))
    with spooled.open("r+b") as file:
        file.write(b"0")
    while await _said(house, "a long story" * 100) < 500:
        pass
    await house.fires("SwitchboardWebhooksBurn", "SwitchboardWebhooksBurnSlowly")
    house.broker.thaw()
    async with house.going_on(house.start_again):
        await house.fires("SwitchboardSpoolSetAside")
        assert list((house.folder / "spool").glob("*.corrupt"))
        await house.ends(
            "SwitchboardKafkaAway",
            "SwitchboardSpoolOld",
            "SwitchboardNotReady",
            "SwitchboardNothingFolded",
            "SwitchboardWebhooksBurn",
            "SwitchboardWebhooksBurnSlowly",
            "SwitchboardSpoolSetAside",
        )
