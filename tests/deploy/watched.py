"""The services of one house, what is done to them, and a real Prometheus that looks at them by our rules."""

import asyncio
import re
import signal
import subprocess
from collections.abc import AsyncIterator, Iterator
from contextlib import ExitStack, asynccontextmanager, contextmanager
from pathlib import Path
from typing import Any

import aiohttp
import orjson
import yaml
from twilio.request_validator import RequestValidator

from services.contract.messages import MESSAGES
from services.embedded.broker import EmbeddedKafka
from services.embedded.ports import pick
from tests.kafka_records import produce
from tests.processes import ACCOUNT, SECRETS, Service, running, settings_file, wired
from tests.waiting import eventually

RULES = Path(__file__).parents[2] / "helm" / "files" / "alerts.yaml"
TOKEN = SECRETS["TEST_AUTH_TOKEN"]
OURS, THEIRS = "+14155550100", "+14155550123"
# What is waited for, and what is enough here. An instance that answered within the hour stays so.
WINDOW_S = 10
SHORTER = {
    "max(switchboard_ambiguous_oldest_seconds) > 7500": "max(switchboard_ambiguous_oldest_seconds) > 2",
    "(switchboard_consumer_lag_seconds) > 300": "(switchboard_consumer_lag_seconds) > 2",
    'fold_delay_seconds_bucket{le="60.0"}': 'fold_delay_seconds_bucket{le="2.5"}',
    "spool_oldest_seconds > 300": "spool_oldest_seconds > 2",
    "looked_timestamp_seconds > 60": "looked_timestamp_seconds > 8",
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

    async def start_again(self) -> None:
        """What ended by itself, as Kubernetes and systemd do: a worker that Kafka leaves without an answer."""
        for name in [name for name, service in self.services.items() if service.process.poll() is not None]:
            self.end(name)
            self.start(name)
        self.targets()

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

    async def value(self, name: str, metric: str) -> float:
        """What a service tells of itself now, over all labels; 0 where it does not answer, or tells no such thing."""
        try:
            told = await self._asked(name, "metrics")
        except aiohttp.ClientError:
            return 0.0
        return sum(float(found[1]) for found in re.finditer(rf"^{metric}(?:{{.*}})? (\S+)$", told, re.M))

    async def readyz(self, name: str) -> dict[str, Any]:
        told: dict[str, Any] = orjson.loads(await self._asked(name, "readyz"))
        return told

    async def _asked(self, name: str, path: str) -> str:
        url = f"{self.services[name].operations}/{path}"
        async with aiohttp.ClientSession() as session, session.get(url) as answer:
            return await answer.text()

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
