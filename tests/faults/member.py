"""One service as a process, and the orchestrator's part: whoever ends by itself is started again."""

import asyncio
import os
import shutil
import signal
from collections.abc import Callable, Mapping
from pathlib import Path

import aiohttp
import orjson

from services.embedded import ports
from tests.faults.settings import SECRETS
from tests.forked import Forked

_LOOK_S = 0.05
_RESTART_S = 0.3
_STOP_S = 30.0
# How the product calls what it did not foresee.
DEFECT = "should not happen"
_ASK = aiohttp.ClientTimeout(total=2)


class Member:
    """A service of the house under a name of its own, with a port, a folder and a log. `up`: it is meant to run."""

    def __init__(self, service: str, number: int, settings: Path, port: int | None = None) -> None:
        self.name = f"{service}-{number}"
        self.service = service
        self._number = number
        self.port = port or ports.pick()
        # Where it says how it is.
        self._asked = ports.pick() if service in ("ingress", "processor") else self.port
        self.up = False
        self.ends: list[str] = []
        # Held by a fault from beginning to end.
        self.alone = asyncio.Lock()
        self._folder = settings.parent / self.name
        self._folder.mkdir()
        self._settings = settings
        self._process: Forked | None = None
        self._said_before = 0

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    @property
    def log(self) -> Path:
        return self._folder / "log.jsonl"

    @property
    def store(self) -> Path:
        return self._folder / "data"

    @property
    def ended(self) -> bool:
        return self._process is None or self._process.poll() is not None

    def start(self, failpoint: str = "") -> None:
        """Start it; with a failpoint it kills itself there, once."""
        self.up = True
        self._said_before = self.log.stat().st_size if self.log.exists() else 0
        environment = {
            **os.environ,
            "SWITCHBOARD_CONFIG": str(self._settings),
            "TEST_FAILPOINT": failpoint,
            "NO_PROXY": "127.0.0.1",
            "no_proxy": "127.0.0.1",
            **SECRETS,
            **self._own(),
        }
        self._process = Forked("tests.failpoint", self.service, environment=environment, out=self.log, err=self.log)

    def _own(self) -> Mapping[str, str]:
        section = f"SWITCHBOARD_{self.service.upper()}__"
        own = {f"{section}PORT": str(self.port)}
        if self._asked != self.port:
            own |= {f"{section}OPERATIONS_PORT": str(self._asked)}
        if self.service == "ingress":
            own |= {f"{section}SPOOL__DIRECTORY": str(self._folder / "spool")}
        if self.service in ("processor", "sender", "poller"):
            own |= {f"{section}DATA_DIR": str(self.store)}
            if self._number % 2:
                # Every second worker has a name of its own in its group, as a StatefulSet's pods have.
                own |= {f"{section}INSTANCE_ID": self.name}
        return own

    async def kill(self) -> None:
        """SIGKILL, and nobody starts it again until `start`."""
        self.up = False
        self._signal(signal.SIGKILL)
        await self._until(lambda: self.ended)

    async def stop(self) -> int | None:
        """SIGTERM, and wait for its end; its exit code, -9 where it had to be killed, None where it never ran."""
        self.up = False
        self.thaw()
        self._signal(signal.SIGTERM)
        if not await self._until(lambda: self.ended, _STOP_S):
            await self.kill()
        return self._exit_code()

    async def freeze(self) -> None:
        """Return once it stands: on a busy machine it runs on for a while after the signal."""
        self._signal(signal.SIGSTOP)
        await self._until(lambda: self.ended or (self._process is not None and self._process.frozen))

    def thaw(self) -> None:
        self._signal(signal.SIGCONT)

    def _signal(self, number: signal.Signals) -> None:
        if self._process is not None:
            self._process.send_signal(number)

    async def killed_itself(self, deadline_s: float) -> bool:
        """Wait until it has ended at its failpoint."""
        return await self._until(lambda: self.ended, deadline_s)

    async def _until(self, done: Callable[[], bool], deadline_s: float = float("inf")) -> bool:
        # All in one thread: of two that ask at once how a process ended, one is told wrongly.
        loop = asyncio.get_running_loop()
        deadline = loop.time() + deadline_s
        while not done():
            if loop.time() > deadline:
                return False
            await asyncio.sleep(_LOOK_S)
        return True

    def wipe(self) -> None:
        shutil.rmtree(self.store, ignore_errors=True)

    def keep_copy(self) -> None:
        """Put a copy of the store aside, of a process that does not run, unless there is one."""
        if self.store.exists() and not self._copy.exists():
            shutil.copytree(self.store, self._copy)

    def restore_copy(self) -> bool:
        """Put the copy in the store's place. False where there is none."""
        if not self._copy.exists():
            return False
        self.wipe()
        # As a backup tool does: the files look new, whatever they hold.
        shutil.copytree(self._copy, self.store, copy_function=shutil.copyfile)
        shutil.rmtree(self._copy)
        return True

    @property
    def _copy(self) -> Path:
        return self._folder / "copy"

    async def ready(self, session: aiohttp.ClientSession) -> dict[str, object] | None:
        """What `/readyz` says when it is ready, else None."""
        if self.ended:
            return None
        try:
            async with session.get(f"http://127.0.0.1:{self._asked}/readyz", timeout=_ASK) as answer:
                return dict(await answer.json()) if answer.status == 200 else None
        except (aiohttp.ClientError, TimeoutError, OSError):
            return None

    async def metric(self, session: aiohttp.ClientSession, name: str) -> float | None:
        """A metric without labels, or None where it does not answer."""
        try:
            async with session.get(f"http://127.0.0.1:{self._asked}/metrics", timeout=_ASK) as answer:
                lines = (await answer.text()).splitlines()
        except (aiohttp.ClientError, TimeoutError, OSError):
            return None
        return next((float(line.rpartition(" ")[2]) for line in lines if line.startswith(f"{name} ")), None)

    async def supervise(self) -> None:
        """Start it again whenever it ends by itself, and note why it ended."""
        while True:
            await asyncio.sleep(_LOOK_S)
            if self.up and self.ended:
                self.ends.append(self._why())
                await asyncio.sleep(_RESTART_S)
                if self.up:
                    self.start()

    def _why(self) -> str:
        """What it said of its end: its log's last word on that, or its last line, a sentence for the operator."""
        code = self._exit_code()
        if code == -signal.SIGKILL:
            return "killed at a failpoint"
        said = self.log.read_bytes()[self._said_before :].decode(errors="replace").splitlines()
        for line in reversed(said):
            try:
                entry = orjson.loads(line)
            except orjson.JSONDecodeError:
                return f"exit code {code}: {line[:120]}"
            if entry["logger"] == "services.runtime.process":
                trace = entry.get("exception", "").strip()
                if DEFECT in entry["message"]:
                    # Of a defect whoever reads this has nothing else: the folder is gone by then.
                    return f"{self.name}: {entry['message']}\n{trace}"
                return f"{entry['message'][:120]} {(trace.splitlines() or [''])[-1][:120]}".strip()
        return f"exit code {code}, and no word"

    def _exit_code(self) -> int | None:
        return self._process.poll() if self._process else None
