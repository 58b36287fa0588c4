"""The house of an episode: a broker, two or more of each service, a simulated Twilio; each a process."""

import asyncio
import os
import shutil
import tempfile
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import aiohttp

from services.contract.consent import CONSENT_COMMANDS
from services.contract.messages import MESSAGES
from services.embedded import ports
from services.operations import topics
from services.operations.topic_admin import connect
from services.runtime.config import Settings, load
from services.runtime.sections.kafka import KafkaSettings
from tests.faults import settings
from tests.faults.balancer import balancing
from tests.faults.broker import Broker
from tests.faults.member import Member
from tests.faults.tenants import Folder

_READY_S = 90.0
_LOOK_S = 0.1
# Files are looked at every three seconds; a member that is just restarted reads them once it is up.
_TAKEN_S = 90.0
_TAKEN = "switchboard_tenants_taken_timestamp_seconds"
# By the clock that can be moved: each execution of a flow is read as often.
READ_EVERY_S = 31.0
WORKERS = ("processor", "sender", "poller")
SERVICES = ("ingress", *WORKERS)


class NotReadyError(Exception):
    """Something does not come up; the text says what, with its last lines."""


@dataclass
class House:
    """What is there to be broken, and a way to ask each of them."""

    folder: Path
    broker: Broker
    file: Path
    settings: Settings
    tenants: Folder
    session: aiohttp.ClientSession
    members: list[Member] = field(default_factory=list)
    _watching: dict[str, "asyncio.Task[None]"] = field(default_factory=dict)

    @property
    def kafka(self) -> KafkaSettings:
        return self.settings.kafka

    def of(self, service: str) -> Iterator[Member]:
        """The members of a service that are meant to run."""
        return (member for member in self.members if member.service == service and member.up)

    def ingresses(self) -> list[int]:
        """The ports of those that take webhooks now."""
        return [member.port for member in self.of("ingress")]

    def add(self, service: str, port: int | None = None) -> Member:
        """One more process of a service, started and watched."""
        number = 1 + sum(member.service == service for member in self.members)
        member = Member(service, number, self.file, port)
        self.members.append(member)
        member.start()
        self._watching[member.name] = asyncio.create_task(member.supervise())
        return member

    async def ready(self, deadline_s: float = _READY_S) -> None:
        """Wait until all who are meant to run are ready. Raises NotReadyError."""
        loop = asyncio.get_running_loop()
        deadline = loop.time() + deadline_s
        while missing := [one for one in self.members if one.up and not await self._answers(one)]:
            if loop.time() > deadline:
                tails = "\n".join(f"{one.name}:\n{tail(one.log)}" for one in missing)
                raise NotReadyError(f"not ready within {deadline_s:.0f} s: {tails}")
            await asyncio.sleep(_LOOK_S)

    async def taken(self, at: float) -> None:
        """Wait until every service that runs has taken up the tenants' files of that moment (Unix seconds).

        Raises NotReadyError.
        """
        loop = asyncio.get_running_loop()
        deadline = loop.time() + _TAKEN_S
        while late := [one for one in self.members if one.up and not await self._has_taken(one, at)]:
            if loop.time() > deadline:
                names = ", ".join(one.name for one in late)
                raise NotReadyError(f"tenants' files not taken up within {_TAKEN_S:.0f} s by {names}")
            await asyncio.sleep(_LOOK_S)

    async def _has_taken(self, member: Member, at: float) -> bool:
        # The simulator has no metrics; who writes to a new account there waits until it is known.
        return member.service == "simulator" or (await member.metric(self.session, _TAKEN) or 0.0) >= at

    async def _answers(self, member: Member) -> bool:
        if member.service == "simulator":
            return not ports.is_free(member.port)
        return await member.ready(self.session) is not None

    async def twilio(self, method: str, route: str, body: Any = None) -> Any:
        """The simulator's own API. Raises aiohttp.ClientError, TimeoutError."""
        url = f"{self.settings.twilio.api}/simulator/{route}"
        async with self.session.request(method, url, json=body) as answer:
            answer.raise_for_status()
            return await answer.json()

    async def later(self, seconds: float) -> None:
        """Move the clock of all services; back by a negative number."""
        was = float((await self.twilio("GET", "clock"))["ahead_s"])
        await self.twilio("PUT", "clock", {"ahead_s": was + seconds})

    async def calm(self) -> None:
        """End every fault that a member or Twilio is under."""
        for member in self.members:
            member.thaw()
        await self.twilio("PUT", "faults", {})

    async def close(self) -> None:
        for task in self._watching.values():
            task.cancel()
        await asyncio.gather(*self._watching.values(), return_exceptions=True)
        await asyncio.gather(*(member.stop() for member in self.members))


def tail(log: Path) -> str:
    return log.read_text(errors="replace")[-1500:] if log.exists() else "(it said nothing)"


@asynccontextmanager
async def opened(keep: bool = False, of_each: int = 2) -> AsyncIterator[House]:
    """A house with everything ready; at the end nothing is left, but the folder where it is to be kept."""
    folder = Path(tempfile.mkdtemp(prefix="switchboard-faults-"))
    broker = await Broker.start()
    try:
        chosen = {name: ports.pick() for name in ("public", "simulator")}
        file = settings.write(folder, broker.bootstrap, chosen)
        tenants = Folder.made(folder)
        os.environ.update({**settings.SECRETS, "SWITCHBOARD_CONFIG": str(file)})
        loaded = load()
        await _topics(loaded)
        async with aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(total=60)) as session:
            house = House(folder, broker, file, loaded, tenants, session)
            try:
                async with balancing(chosen["public"], house.ingresses):
                    house.add("simulator", chosen["simulator"])
                    for service in SERVICES * of_each:
                        house.add(service)
                    await house.ready()
                    # A free text past its window that slips through ends with 63016 there.
                    await house.twilio("PUT", "windows", {"enforce": True})
                    yield house
            finally:
                await house.close()
    finally:
        await broker.stop()
        if not keep:
            shutil.rmtree(folder, ignore_errors=True)


async def _topics(loaded: Settings) -> None:
    await topics.ensure(loaded)
    async with connect(loaded.kafka) as admin:
        # A customer may allow large records on topics that others produce to.
        large = {"max.message.bytes": str(settings.LARGEST_RECORD)}
        await admin.alter({MESSAGES.name: large, CONSENT_COMMANDS.name: large})
