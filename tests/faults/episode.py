"""One episode: a house, its load, faults into it one after another, then rest, and both ends compared."""

import asyncio
import random
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import NamedTuple

import aiohttp
from aiokafka.errors import KafkaError

from services.checker.check import Finding, check
from services.checker.history import History
from tests.faults import catalogue, recording
from tests.faults.follower import Follower
from tests.faults.house import House, NotReadyError, opened
from tests.faults.load import Load
from tests.faults.rest import Rest

_RECOVERY_S = 120.0
_REST_S = 180.0
# With the tenant's secret, one of them is in each of the four partitions.
_CANARIES = ("+12025559001", "+12025559002", "+12025559004", "+12025559005")


class Injected(NamedTuple):
    """A fault: its number, the names of its kinds, what was done, and how long (seconds) until all worked again."""

    number: int
    kinds: tuple[str, ...]
    what: str
    recovery_s: float


@dataclass
class Told:
    """What an episode came to. `broken`: what never came to itself or to rest."""

    seed: str
    injected: list[Injected] = field(default_factory=list)
    findings: Sequence[Finding] = ()
    ends: list[str] = field(default_factory=list)
    broken: list[str] = field(default_factory=list)
    records: int = 0
    commands: int = 0
    folder: Path | None = None

    @property
    def ok(self) -> bool:
        return not self.broken and all(finding.ok for finding in self.findings)


Plan = Sequence[tuple[str, ...]]


def plan(count: int, dice: random.Random, kinds: Sequence[str]) -> Plan:
    """So many faults, each of one kind or, one in five, of two at once; each kind once before any comes twice."""
    names = [name for name in catalogue.FAULTS if not kinds or any(kind in name for kind in kinds)]
    weights = [catalogue.FAULTS[name][0] for name in names]
    first = dice.sample(names, min(count, len(names)))
    drawn = [*first, *dice.choices(names, weights, k=count - len(first))]
    return [(name, dice.choice(names)) if dice.random() < 0.2 and not _alone(name) else (name,) for name in drawn]


def _alone(name: str) -> bool:
    # Each waits for others to be ready: another fault beside it would only end its wait.
    return "join" in name or "draining" in name


async def run(seed: str, faults: Plan, say: Callable[[str], None], keep: bool, first: int = 1) -> Told:
    """Play an episode. Its faults are those of `faults`; their details are drawn from `seed`."""
    told = Told(seed)
    dice = random.Random(seed)
    async with opened(keep) as house, Follower(house.kafka) as follower:
        load = Load(house, f"e{seed}", random.Random(f"load {seed}"))
        await load.open()
        enough = asyncio.Event()
        playing = asyncio.create_task(load.run(enough))
        try:
            for number, kinds in enumerate(faults, first):
                injected = await _inject(house, load, follower, dice, number, kinds)
                told.injected.append(injected)
                say(f"{number:4}  {' + '.join(kinds)}: {injected.what}; back after {injected.recovery_s:.1f} s")
        except NotReadyError as error:
            told.broken.append(str(error))
        finally:
            enough.set()
            await playing
        await load.close()
        if still := await Rest(house, load, follower).wait(_REST_S):
            told.broken.append(f"did not come to rest: {still}")
        history = await recording.record(house, load, settled=not told.broken)
        _judge(told, house, load, history)
        if not told.ok:
            told.folder = Path(recording.keep(history, seed))
    return told


def _judge(told: Told, house: House, load: Load, history: History) -> None:
    told.findings = check(history)
    told.records, told.commands = len(history.entries), len(load.produced)
    told.ends = [end for member in house.members for end in member.ends]
    if aside := list(house.folder.glob("spool/refused.facts")):
        told.broken.append(f"ingress set facts aside: {aside[0].stat().st_size} bytes")


async def _inject(
    house: House, load: Load, follower: Follower, dice: random.Random, number: int, kinds: tuple[str, ...]
) -> Injected:
    done = await asyncio.gather(*(_delayed(position, house, load, dice, kind) for position, kind in enumerate(kinds)))
    await house.calm()
    undone = time.monotonic()
    await house.ready(_RECOVERY_S)
    canaries = [load.command(to, body="Are you there?") for to in _CANARIES]
    await asyncio.gather(*(load.send(canary) for canary in canaries))
    if not await follower.until_delivered([canary["command_id"] for canary in canaries], _RECOVERY_S):
        missing = [canary["command_id"] for canary in canaries if canary["command_id"] not in follower.ended]
        raise NotReadyError(f"after fault {number} ({', '.join(kinds)}): no way through for {missing or 'deliveries'}")
    return Injected(number, kinds, "; ".join(done), time.monotonic() - undone)


async def _delayed(position: int, house: House, load: Load, dice: random.Random, kind: str) -> str:
    """The second of two faults strikes while the first does."""
    await asyncio.sleep(position * dice.uniform(0.0, 3.0))
    try:
        return await catalogue.FAULTS[kind][1](house, load, dice)
    except (aiohttp.ClientError, TimeoutError, KafkaError) as error:
        # Twilio or the broker was frozen by the other one.
        return f"cut short: {type(error).__name__}"
