"""One episode: a house, its load, faults into it one after another, then rest, and both ends compared."""

import asyncio
import random
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import NamedTuple

import aiohttp
from aiokafka.errors import KafkaError

from services.checker.check import Finding, check
from services.embedded.errors import EmbeddedKafkaError
from tests.faults import catalogue, flows
from tests.faults.catalogue import Where
from tests.faults.follower import Follower
from tests.faults.house import House, NotReadyError, opened
from tests.faults.load import Load
from tests.faults.member import DEFECT
from tests.faults.rest import NoRestError, Rest, keep
from tests.faults.rows import differences

_RECOVERY_S = 120.0
_REST_S = 180.0
# With the tenant's secret, one of them is in each of the four partitions.
_CANARIES = ("+12025559001", "+12025559002", "+12025559004", "+12025559005")


class Injected(NamedTuple):
    """A fault: its number, the kinds that struck, what was done, and how long (seconds) until all worked again."""

    number: int
    struck: tuple[str, ...]
    what: str
    recovery_s: float


@dataclass
class Told:
    """What an episode came to. `broken`: what is not as it should be beside the findings.

    `unsteady`: who ended by a defect and was started again, and what did not come to itself or to rest in time.
    """

    seed: str
    injected: list[Injected] = field(default_factory=list)
    findings: Sequence[Finding] = ()
    ends: list[str] = field(default_factory=list)
    broken: list[str] = field(default_factory=list)
    unsteady: list[str] = field(default_factory=list)
    records: int = 0
    commands: int = 0
    folder: Path | None = None

    @property
    def kept(self) -> bool:
        """Whether nothing was lost, doubled or wrong, as far as it could be looked at."""
        return not self.broken and all(finding.ok for finding in self.findings)


Plan = Sequence[tuple[str, ...]]


def plan(count: int, dice: random.Random, kinds: Sequence[str]) -> Plan:
    """So many faults, each kind once before any comes twice; those that are independent of each other two at once.

    Of the others one in five has another beside it that may be any.
    """
    names = [name for name in catalogue.FAULTS if not kinds or any(kind in name for kind in kinds)]
    weights = [catalogue.FAULTS[name].weight for name in names]
    first = dice.sample(names, min(count, len(names)))
    drawn = [*_paired(first), *((name,) for name in dice.choices(names, weights, k=count - len(first)))]
    return [
        (*struck, dice.choice(names)) if dice.random() < 0.2 and len(struck) == 1 and not _alone(*struck) else struck
        for struck in drawn
    ]


def _paired(names: Sequence[str]) -> Iterator[tuple[str, ...]]:
    left = list(names)
    while left:
        one = left.pop(0)
        if other := next((other for other in left if _independent(one, other)), None):
            left.remove(other)
        yield (one, other) if other else (one,)


def _independent(*names: str) -> bool:
    return {catalogue.FAULTS[name].where for name in names} in catalogue.INDEPENDENT


def _alone(name: str) -> bool:
    return catalogue.FAULTS[name].where is Where.ALONE


class Episode:
    """A house that is broken while it works."""

    def __init__(self, house: House, follower: Follower, seed: str) -> None:
        self._house = house
        self._follower = follower
        self._dice = random.Random(seed)
        self._load = Load(house, follower, f"e{seed}", random.Random(f"load {seed}"))
        self._told = Told(seed)

    async def play(self, faults: Plan, say: Callable[[str], None], first: int) -> Told:
        """Inject all, one after another, as long as it comes to itself again; then compare."""
        await flows.publish(self._house)
        await self._load.open()
        enough = asyncio.Event()
        playing = asyncio.create_task(self._load.run(enough))
        try:
            for number, kinds in enumerate(faults, first):
                injected = await self._inject(number, kinds)
                self._told.injected.append(injected)
                say(f"{number:4}  {' + '.join(kinds)}: {injected.what}; back after {injected.recovery_s:.1f} s")
        except NotReadyError as error:
            self._told.unsteady.append(str(error))
        finally:
            enough.set()
            await playing
        await self._load.close()
        await self._compare()
        return self._told

    async def _inject(self, number: int, kinds: tuple[str, ...]) -> Injected:
        done = await asyncio.gather(*(self._strike(position, kind) for position, kind in enumerate(kinds)))
        await self._house.calm()
        undone = time.monotonic()
        await self._house.ready(_RECOVERY_S)
        canaries = [self._load.command(to, body="Are you there?") for to in _CANARIES]
        await asyncio.gather(*map(self._load.send, canaries))
        keys = [f"{canary['tenant']}|{canary['command_id']}" for canary in canaries]
        if not await self._follower.until_delivered(keys, _RECOVERY_S):
            ends = {key: self._follower.ended.get(key) for key in keys}
            raise NotReadyError(f"after fault {number} ({', '.join(kinds)}) no way through: {ends}")
        struck = tuple(kind for kind, (_, really) in zip(kinds, done, strict=True) if really)
        return Injected(number, struck, "; ".join(what for what, _ in done), time.monotonic() - undone)

    async def _strike(self, position: int, kind: str) -> tuple[str, bool]:
        """What was done, and whether it struck. The second of two faults strikes while the first does."""
        await asyncio.sleep(position * self._dice.uniform(0.0, 3.0))
        try:
            return await catalogue.FAULTS[kind].strike(self._house, self._load, self._dice), True
        except catalogue.DidNotStrike as error:
            return f"did not strike: {error}", False
        except (aiohttp.ClientError, TimeoutError, KafkaError, EmbeddedKafkaError) as error:
            # Twilio or the broker was frozen by the other one.
            return f"did not strike: {type(error).__name__}", False

    async def _compare(self) -> None:
        told = self._told
        told.commands = len(self._load.produced)
        told.ends = [end for member in self._house.members for end in member.ends]
        told.unsteady += [f"a process ended by a defect: {end}" for end in told.ends if DEFECT in end]
        if aside := list(self._house.folder.glob("*/spool/refused.facts")):
            told.broken.append(f"ingress set facts aside: {aside[0].stat().st_size} bytes")
        try:
            history = await Rest(self._house, self._load, self._follower).history(_REST_S)
        except NoRestError as error:
            told.unsteady.append(str(error))
            return
        told.findings, told.records = check(history), len(history.entries)
        told.broken += [*self._load.surprises(), *await differences(self._house.kafka), *flows.differences(history)]
        if not all(finding.ok for finding in told.findings):
            told.folder = keep(history, told.seed)


async def run(
    seed: str, faults: Plan, say: Callable[[str], None], keep_folder: bool, first: int = 1, *, of_each: int = 2
) -> Told:
    """Play an episode. Its faults are those of `faults`, numbered from `first`; their details are drawn from `seed`."""
    async with opened(keep_folder, of_each) as house, Follower(house.kafka) as follower:
        return await Episode(house, follower, seed).play(faults, say, first)
