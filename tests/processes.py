"""Services of the product as real processes, for tests: started, watched, killed."""

import os
import signal
import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import aiohttp
import pytest
import yaml

from services.embedded.ports import pick
from services.runtime.config import Settings, load
from services.runtime.tokens import digest
from tests.forked import Forked

# Shown to the query API, by `switchboard` and by tests that ask themselves.
TOKEN = "a-token-of-the-tests"
SHOWN = {"Authorization": f"Bearer {TOKEN}"}
SECRETS = {
    "TEST_AUTH_TOKEN": "0123456789abcdef0123456789abcdef",
    "TEST_CONTACT_SECRET": "a secret of the tests",
    "SWITCHBOARD_TOKEN": TOKEN,
}
LOOPBACK = {"NO_PROXY": "127.0.0.1", "no_proxy": "127.0.0.1"}
ACCOUNT = "AC" + "1" * 32
# More than one, and no more: a topic of each is made for every room, and a worker opens a producer for each.
PARTITIONS = 2


def settings_file(folder: Path, bootstrap: str, **sections: Mapping[str, object]) -> Path:
    """A settings file for one tenant, `acme`. `sections` are merged over it, key by key."""
    settings: dict[str, dict[str, object]] = {
        "kafka": {"bootstrap": bootstrap, "partitions": PARTITIONS, "replication": 1, "min_insync_replicas": 1},
        "tenants": {
            "acme": {
                "account_sid": ACCOUNT,
                "auth_tokens": [{"env": "TEST_AUTH_TOKEN"}],
                "contact_secret": {"env": "TEST_CONTACT_SECRET"},
                "rate_limits": {"each": 1000, "kinds": {}},
            }
        },
        "ingress": {"port": pick(), "spool": {"directory": str(folder / "spool")}},
        "processor": {
            "port": pick(),
            "data_dir": str(folder / "processor"),
            "session_timeout_s": 6,
            "tokens": {"tests": {"sha256": digest(TOKEN)}},
        },
        "sender": {"port": pick(), "data_dir": str(folder / "sender"), "session_timeout_s": 6},
        "poller": {"port": pick(), "data_dir": str(folder / "poller"), "session_timeout_s": 6},
        "media": {"port": pick(), "data_dir": str(folder / "media"), "session_timeout_s": 6},
        "simulator": {"port": pick()},
    }
    for name, section in sections.items():
        settings.setdefault(name, {}).update(section)
    path = folder / "switchboard.yaml"
    path.write_text(yaml.safe_dump(settings), encoding="utf-8")
    return path


def wired(settings: dict[str, Any]) -> dict[str, int]:
    """Point the services of settings, as they were parsed, at each other; their ports, in the order of their start.

    The poller is another matter: what a test has lost on purpose it would find.
    """
    ports = {name: settings[name]["port"] for name in ("simulator", "ingress", "processor", "sender")}
    settings["public_url"] = f"http://127.0.0.1:{ports['ingress']}"
    settings["twilio"] = {"api": f"http://127.0.0.1:{ports['simulator']}"}
    settings["simulator"]["webhook_url"] = settings["public_url"]
    return ports


def settings_of(path: Path, **secrets: str) -> Settings:
    """The settings in a file. It is named in the environment for this moment only: a worker runs tests of several."""
    with pytest.MonkeyPatch.context() as environment:
        for name, value in {**SECRETS, **secrets, "SWITCHBOARD_CONFIG": str(path)}.items():
            environment.setenv(name, value)
        return load()


@dataclass
class Service:
    """A running service: its process, where it answers, and where it says how it is; what it says."""

    process: Forked
    url: str
    operations: str
    log: Path

    def kill(self) -> None:
        self.process.send_signal(signal.SIGKILL)
        self.process.wait()

    async def ready(self) -> bool:
        """Does /readyz say so? A RuntimeError, with its last lines, when the process has ended."""
        return (await self._said())[0] == 200

    async def undegraded(self) -> bool:
        """Is it ready, and nothing wrong? RuntimeError as above."""
        return (await self._said())[1].get("status") == "ready"

    async def _said(self) -> tuple[int, dict[str, Any]]:
        if self.process.poll() is not None:
            raise RuntimeError(f"ended with {self.process.returncode}:\n{self.log.read_text()[-2000:]}")
        try:
            async with aiohttp.ClientSession() as session, session.get(f"{self.operations}/readyz") as answer:
                return answer.status, await answer.json()
        except aiohttp.ClientError:
            return 0, {}


@contextmanager
def running(
    name: str, settings: Path, folder: Path, port: int, *, program: str = "tests.failpoint", **environment: str
) -> Iterator[Service]:
    """`switchboard NAME` as a process, ended at the exit. `port` is where it answers; environment as keywords.

    `program`: the module that is run instead of the command.
    """
    log, asked = folder / f"{name}-{port}.log", port
    if name in ("ingress", "processor"):
        asked = pick()
        environment = {f"SWITCHBOARD_{name.upper()}__OPERATIONS_PORT": str(asked), **environment}
    whole = {**os.environ, **LOOPBACK, **SECRETS, **environment}
    process = Forked(program, "--config", str(settings), name, environment=whole, out=log, err=log)
    service = Service(process, f"http://127.0.0.1:{port}", f"http://127.0.0.1:{asked}", log)
    try:
        yield service
    except BaseException:
        # pytest shows it with the failure: the folder is gone by the time that anybody looks.
        sys.stderr.write(f"--- the end of {log.name} ({process.poll()=}):\n{log.read_text()[-6000:]}\n")
        raise
    finally:
        process.send_signal(signal.SIGCONT)
        process.terminate()
        try:
            process.wait(timeout=20)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
