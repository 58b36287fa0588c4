"""Runbooks tried: faults in running services, the alerts that a real Prometheus makes of them, and their end by what
the page says. What is asked is as in `helm/files/alerts.yaml`; only its waiting times are cut, as a test has no hours.
"""

import asyncio
import re
import shutil
import signal
import subprocess
from collections.abc import AsyncIterator, Iterator
from contextlib import ExitStack, asynccontextmanager, contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import aiohttp
import orjson
import pytest
import yaml
from twilio.request_validator import RequestValidator

from services.contract.topics import INBOUND, MESSAGES
from services.embedded.broker import EmbeddedKafka
from services.embedded.ports import pick
from tests.kafka_records import produce
from tests.processes import ACCOUNT, SECRETS, Service, running, settings_file, wired
from tests.switchboard import switchboard
from tests.waiting import eventually

RULES = Path(__file__).parents[2] / "helm" / "files" / "alerts.yaml"
TOKEN = SECRETS["TEST_AUTH_TOKEN"]
OURS, THEIRS = "+14155550100", "+14155550123"
# What is waited for, and what is enough here. An instance that answered within the hour stays so.
WINDOW_S = 10
SHORTER = {
    "max(switchboard_ambiguous_oldest_seconds) > 7500": "max(switchboard_ambiguous_oldest_seconds) > 2",
}
# A fault that is gone is gone from a window after it, and from what Prometheus looks at next.
SOON_S = 60.0


def shorter(rules: str) -> str:
    """The rules with their waiting times cut."""
    for asked, tried in SHORTER.items():
        assert asked in rules
        rules = rules.replace(asked, tried)
    rules = re.sub(r"(?<!switchboard_ready)\[\d+[mhd]\]", f"[{WINDOW_S}s]", rules)
    rules = re.sub(r"offset \d+m", f"offset {WINDOW_S}s", rules)
    rules = re.sub(r"for: \d+[mhd]", "for: 1s", rules)
    return rules.replace("interval: 30s", "interval: 1s")


class Watched:
    """The services of one house, and the Prometheus that looks at them."""

    def __init__(self, folder: Path, broker: EmbeddedKafka) -> None:
        self.folder = folder
        self.broker = broker
        self.file = settings_file(
            folder, broker.bootstrap, ingress={"spool": {"directory": str(folder / "spool"), "max_bytes": 1 << 16}}
        )
        written = yaml.safe_load(self.file.read_text())
        acme = written.pop("tenants")["acme"]
        self.ports = wired(written)
        # Of two folders of tenants one is the sender's: its credentials can expire alone.
        self.tenants = {name: folder / name / "tenants" for name in ("house", "sender")}
        for name, place in self.tenants.items():
            place.mkdir(parents=True)
            token = folder / name / "token"
            token.write_text(TOKEN)
            (place / "acme.yaml").write_text(yaml.safe_dump({**acme, "auth_tokens": [{"file": str(token)}]}))
        written["tenants_dir"] = str(self.tenants["house"])
        self.file.write_text(yaml.safe_dump(written))
        self.services: dict[str, Service] = {}
        self._running: dict[str, ExitStack] = {}
        self.prometheus = f"http://127.0.0.1:{pick()}"
        self._sent = 0

    def start(self, name: str) -> None:
        own = {"SWITCHBOARD_TENANTS_DIR": str(self.tenants["sender"])} if name == "sender" else {}
        stack = self._running[name] = ExitStack()
        self.services[name] = stack.enter_context(running(name, self.file, self.folder, self.ports[name], **own))

    def end(self, *names: str) -> None:
        for name in names:
            self._running.pop(name).close()

    async def ready(self, *names: str) -> None:
        for name in names:
            await eventually(self.services[name].ready, 90, f"{name} is ready")

    def targets(self) -> None:
        """Where each service tells its metrics now: a restarted one has another port. Prometheus reads it by itself."""
        told = [
            {"targets": [one.operations.removeprefix("http://")], "labels": {"app_kubernetes_io_component": name}}
            for name, one in self.services.items()
            if name != "simulator"
        ]
        (self.folder / "next").write_text(yaml.safe_dump(told))
        (self.folder / "next").rename(self.folder / "targets.yaml")

    @contextmanager
    def watching(self, prometheus: str) -> Iterator[None]:
        """Prometheus, with the rules."""
        (self.folder / "alerts.yaml").write_text(shorter(RULES.read_text("utf-8")))
        config = self.folder / "prometheus.yaml"
        files = {"files": [str(self.folder / "targets.yaml")], "refresh_interval": "1s"}
        job = {"job_name": "switchboard", "file_sd_configs": [files]}
        every = {"scrape_interval": "1s", "evaluation_interval": "1s", "scrape_timeout": "1s"}
        config.write_text(
            yaml.safe_dump({"global": every, "rule_files": [str(self.folder / "alerts.yaml")], "scrape_configs": [job]})
        )
        self.targets()
        listen = self.prometheus.removeprefix("http://")
        log = (self.folder / "prometheus.log").open("wb")
        options = [f"--config.file={config}", f"--storage.tsdb.path={self.folder / 'tsdb'}"]
        process = subprocess.Popen([prometheus, *options, f"--web.listen-address={listen}"], stdout=log, stderr=log)
        try:
            yield
        finally:
            process.send_signal(signal.SIGTERM)
            process.wait(30)
            log.close()

    async def firing(self) -> set[str]:
        try:
            async with aiohttp.ClientSession() as session, session.get(f"{self.prometheus}/api/v1/alerts") as answer:
                told = await answer.json()
        except aiohttp.ClientError:
            return {"Prometheus does not answer"}
        return {one["labels"]["alertname"] for one in told["data"]["alerts"] if one["state"] == "firing"}

    async def fires(self, *names: str) -> None:
        async def all_of_them() -> bool:
            found = await self.firing()
            assert set(names) <= found, f"of {names} fire {found}"
            return True

        await eventually(all_of_them, SOON_S, f"{names} fire")

    async def ends(self, *names: str) -> None:
        async def none_of_them() -> bool:
            found = await self.firing()
            assert not found & set(names), f"still {found & set(names)}"
            return True

        await eventually(none_of_them, SOON_S, f"{names} have ended")

    async def commands(self, count: int = 1, **fields: Any) -> None:
        """Commands to as many people."""
        numbers = range(self._sent, self._sent + count)
        self._sent += count
        said = [
            {
                "command_id": f"order-{one}",
                "tenant": "acme",
                "to": f"+1415555{1000 + one}",
                "from": OURS,
                "body": "Hi",
                **fields,
            }
            for one in numbers
        ]
        await produce(self.broker.bootstrap, MESSAGES.name, [(None, orjson.dumps(one)) for one in said])

    async def webhook(self, kind: str, signed: bool = True, **form: str) -> int:
        """Post one as Twilio does; its status. 0: nobody answered."""
        url = f"http://127.0.0.1:{self.ports['ingress']}/twilio/acme/{kind}"
        said = {"AccountSid": ACCOUNT, "From": THEIRS, "To": OURS, **form}
        signature = RequestValidator(TOKEN).compute_signature(url, said) if signed else "wrong"
        try:
            async with (
                aiohttp.ClientSession() as session,
                session.post(url, data=said, headers={"X-Twilio-Signature": signature}) as answer,
            ):
                return answer.status
        except aiohttp.ClientError:
            return 0

    async def twilio(self, **faults: object) -> None:
        """What the simulated Twilio does wrong from now on."""
        url = f"http://127.0.0.1:{self.ports['simulator']}/simulator/faults"
        async with aiohttp.ClientSession() as session, session.put(url, json=faults) as answer:
            assert answer.status == 200, await answer.text()

    @asynccontextmanager
    async def going_on(self, what: Any, every_s: float = 0.5) -> AsyncIterator[None]:
        """Something that happens again and again meanwhile."""

        async def again() -> None:
            while True:
                await what()
                await asyncio.sleep(every_s)

        task = asyncio.create_task(again())
        try:
            yield
            assert not task.done(), task.exception()
        finally:
            task.cancel()
            await asyncio.wait([task])


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
    await house.fires("SwitchboardDeadLetters", "SwitchboardUnattributedLetters")
    dropped = await switchboard(house.file, "dead", "drop", "--all", "--note", "tried", "--apply")
    assert "dropped" in dropped.text
    await house.ends("SwitchboardDeadLetters", "SwitchboardUnattributedLetters")


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
