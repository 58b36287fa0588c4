"""The faults by name: each is done, and undone, by one call; then the house must come to itself again."""

import asyncio
import base64
import json
import random
import signal
from collections.abc import Awaitable, Callable, Mapping
from enum import Enum, auto
from pathlib import Path
from typing import NamedTuple

from services.embedded.process import Process
from tests.faults import changing
from tests.faults.house import READ_EVERY_S, SERVICES, WORKERS, House, NotReadyError
from tests.faults.load import CONSENT, MESSAGES, Load
from tests.faults.member import Member
from tests.faults.settings import ACCOUNT, REQUEST_TIMEOUT_S, SESSION_TIMEOUT_S, TENANT
from tests.fuzz import flood


class DidNotStrike(Exception):
    """Nothing happened; the text says why."""


# Returns what was done, in a few words. Raises DidNotStrike.
Fault = Callable[[House, Load, random.Random], Awaitable[str]]

FLUSH = ("flush.folded", "flush.begun", "flush.sent", "flush.acknowledged", "flush.committed", "flush.applied")
ATTEMPT = ("attempt.judged", "attempt.committed", "attempt.called", "attempt.settled")
POLL = ("poller.read",)
INGRESS = ("ingress.durable", "ingress.drained")
# Under load each is passed within seconds.
_REACHED_S = 25.0
_FROZEN_S = SESSION_TIMEOUT_S + 3.0


async def kill_ingress(house: House, _: Load, dice: random.Random) -> str:
    times = dice.randint(1, 3)
    for _round in range(times):
        await _killed(_one_of(house, dice, "ingress"), dice)
        await asyncio.sleep(dice.uniform(0.1, 1.5))
    return f"{times} times"


async def strangers(house: House, _: Load, dice: random.Random) -> str:
    """Slow connections by the thousand, and unsigned requests of the dearest kinds, while the load goes on."""
    seconds, log = dice.uniform(6.0, 10.0), house.folder / "flood.log"
    port = _one_of(house, dice, "ingress").port
    command = ["env", f"PYTHONPATH={Path(__file__).parents[2]}", *flood.command(port, ACCOUNT, TENANT)]
    crowd = await asyncio.to_thread(Process, command, log, None)
    try:
        await asyncio.sleep(seconds)
        if crowd.exit_code is not None:
            raise DidNotStrike(log.read_text(errors="replace")[-500:])
    finally:
        await asyncio.to_thread(crowd.kill)
    return f"{flood.SLOW:,} slow connections and {flood.EAGER} eager ones for {seconds:.1f} s"


async def kill_worker(house: House, _: Load, dice: random.Random) -> str:
    victim, store = _one_of(house, dice, *WORKERS), dice.choice(("kept", "kept", "wiped", "old copy"))
    await _killed(victim, dice, store)
    return f"{victim.name}, store {store}"


async def kill_again_and_again(house: House, _: Load, dice: random.Random) -> str:
    victim, times = _one_of(house, dice, *WORKERS), dice.randint(3, 5)
    for _round in range(times):
        await _killed(victim, dice)
        # It is killed while it starts, joins, restores, or folds.
        await asyncio.sleep(dice.uniform(0.2, 4.0))
    return f"{victim.name}, {times} times"


async def kill_all_workers(house: House, _: Load, dice: random.Random) -> str:
    for victim in _members(house, *WORKERS):
        await _killed(victim, dice, dice.choice(("kept", "wiped")))
    return "all at once"


def die_at(point: str) -> Fault:
    """A worker is killed at a named place between two awaits: chance misses these."""

    async def fault(house: House, _: Load, dice: random.Random) -> str:
        if point in POLL:
            # Each execution is read every half minute: those that are read are due now.
            await house.later(READ_EVERY_S)
        services = ("sender",) if point in ATTEMPT else ("poller",) if point in POLL else WORKERS
        victim = _one_of(house, dice, *services)
        # Twilio is read far less often than the log.
        nth, store = 1 if point in POLL else dice.randint(1, 20), dice.choice(("kept", "kept", "wiped"))
        await _dies(victim, f"{point}:{nth}", store)
        return f"{victim.name} at its pass {nth}, store {store}"

    return fault


async def ingress_dies_before_it_answers(house: House, _: Load, dice: random.Random) -> str:
    victim, nth = _one_of(house, dice, "ingress"), dice.randint(1, 15)
    await _dies(victim, f"ingress.durable:{nth}", "kept")
    return f"{victim.name} at its pass {nth}"


async def ingress_dies_draining(house: House, _: Load, dice: random.Random) -> str:
    """Kafka has the spool's segment, and the spool does not know it yet."""
    ingress = _one_of(house, dice, "ingress")
    async with ingress.alone:
        await ingress.kill()
        ingress.start("ingress.drained:1")
        await house.ready()
        await house.broker.freeze(dice.uniform(6.0, 9.0))
        if not await ingress.killed_itself(_REACHED_S):
            raise DidNotStrike("ingress.drained was not reached")
    return "with a segment acknowledged and not removed"


async def freeze_worker(house: House, _: Load, dice: random.Random) -> str:
    """It stands past its session, others take over, and it wakes up: a zombie."""
    victim, seconds = _one_of(house, dice, *WORKERS), _FROZEN_S + dice.uniform(0.0, 3.0)
    await _stands(victim, seconds)
    return f"{victim.name} for {seconds:.1f} s"


async def freeze_shortly(house: House, _: Load, dice: random.Random) -> str:
    victim, seconds = _one_of(house, dice, *SERVICES), dice.uniform(1.0, 4.0)
    await _stands(victim, seconds)
    return f"{victim.name} for {seconds:.1f} s"


async def join_and_leave(house: House, _: Load, dice: random.Random) -> str:
    """A third worker comes, and one of the three goes in good order."""
    service = dice.choice(WORKERS)
    came = house.add(service)
    await house.ready()
    goes = dice.choice(list(house.of(service)))
    async with goes.alone:
        await goes.stop()
    return f"{came.name} came, {goes.name} went"


async def rolling_restart(house: House, _: Load, dice: random.Random) -> str:
    """An upgrade: each in turn is told to end, ends by itself, comes back, and is ready before the next one goes."""
    longest, other, loop = 0.0, [], asyncio.get_running_loop()
    for member in _members(house, *SERVICES):
        async with member.alone:
            began = loop.time()
            code = await member.stop()
            longest = max(longest, loop.time() - began)
            if code == -signal.SIGKILL:
                raise NotReadyError(f"{member.name} was told to end, and did not within 30 s")
            if code:
                # It had its own reason at that moment, such as a broker that another fault took away.
                other.append(f"{member.name} with {code}")
            member.start()
        await house.ready()
    return f"each ended within {longest:.1f} s{', but ' if other else ''}{', '.join(other)}"


async def upgrade_while_a_tenant_comes(house: House, load: Load, dice: random.Random) -> str:
    """Each service is restarted in turn, while a tenant is added, changed, closed and removed."""
    return "; ".join(
        await asyncio.gather(rolling_restart(house, load, dice), changing.come_change_and_go(house, load, dice))
    )


async def kill_broker(house: House, _: Load, dice: random.Random) -> str:
    away = dice.choice((0.0, dice.uniform(1.0, 8.0)))
    await house.broker.kill(away)
    return f"away for {away:.1f} s and its start"


async def freeze_broker(house: House, _: Load, dice: random.Random) -> str:
    seconds = dice.uniform(1.0, 8.0)
    await house.broker.freeze(seconds)
    return f"{seconds:.1f} s"


async def slow_disk(house: House, _: Load, dice: random.Random) -> str:
    await house.broker.slow(5.0)
    return "for 5 s"


async def full_disk(house: House, _: Load, dice: random.Random) -> str:
    await house.broker.fill_disk(dice.uniform(2.0, 4.0))
    return "until it ended"


async def unauthorised(house: House, _: Load, dice: random.Random) -> str:
    await house.broker.refuse_writes(dice.uniform(1.0, 4.0))
    return "no topic may be written"


async def too_few_replicas(house: House, _: Load, dice: random.Random) -> str:
    seconds = dice.uniform(2.0, 6.0)
    await house.broker.lack_replicas(seconds)
    return f"for {seconds:.1f} s"


def twilio(faults: Mapping[str, float], seconds: float = 5.0) -> Fault:
    """Twilio behaves like this for a while."""

    async def fault(house: House, _: Load, dice: random.Random) -> str:
        await house.twilio("PUT", "faults", {**faults, "seed": dice.randrange(1 << 30)})
        await asyncio.sleep(seconds)
        await house.twilio("PUT", "faults", {})
        return ", ".join(f"{name} {value:g}" for name, value in faults.items())

    return fault


async def freeze_twilio(house: House, _: Load, dice: random.Random) -> str:
    simulator = next(house.of("simulator"))
    await _stands(simulator, dice.uniform(1.0, 2 * REQUEST_TIMEOUT_S))
    return "calls and callbacks hang"


async def jump_clock(house: House, _: Load, dice: random.Random) -> str:
    by = dice.choice((-45.0, -5.0, 5.0, 90.0, 3700.0))
    await house.later(by)
    await asyncio.sleep(2.0)
    return f"by {by:+g} s"


async def large_records(_: House, load: Load, dice: random.Random) -> str:
    """Ten megabytes: of nothing, of JSON, of a valid command with a very long text."""
    command = load.command("+12025550001", body="x" * (10 << 20))
    largest = (bytes(10 << 20), b"[" + b"1," * (5 << 20) + b"1]")
    for value in largest:
        await load.say(dice.choice((MESSAGES, CONSENT)), value, f"large {dice.random()}")
    await load.send(command)
    return "3 of 10 MiB"


async def poison(_: House, load: Load, dice: random.Random) -> str:
    """A thousand records that mean nothing, in one partition."""
    topic, key = dice.choice((MESSAGES, CONSENT)), f"poison {dice.random()}"
    rubbish = (dice.randbytes(dice.randint(0, 300)) for _number in range(1000))
    await asyncio.gather(*(load.say(topic, value, key) for value in rubbish))
    return f"1,000 in one partition of {topic}"


async def odd_commands(_: House, load: Load, dice: random.Random) -> str:
    """Commands that are JSON and make little sense."""
    odd = (1e400, -1, True, None, [], {}, "", "\ud800", "x" * 5000, base64.b64encode(dice.randbytes(99)).decode())
    for number in range(100):
        command = load.command("+12025550001", body="odd")
        command[dice.choice([*command, "not_after", "channel", "media_urls", "urgent"])] = dice.choice(odd)
        command["command_id"] = f"odd {number} {dice.random()}"
        await load.say(MESSAGES, json.dumps(command).encode(), "odd")
    return "100 of them"


class Where(Enum):
    """What a fault breaks. ALONE waits for others to be ready: another beside it would only end its wait."""

    INGRESS = auto()
    SERVICES = auto()
    BROKER = auto()
    TWILIO = auto()
    LOG = auto()
    ALONE = auto()


# Neither keeps the other from striking, so both may at one time.
INDEPENDENT = (
    {Where.SERVICES, Where.TWILIO},
    {Where.SERVICES, Where.LOG},
    {Where.BROKER, Where.INGRESS},
)


class Kind(NamedTuple):
    """A fault; how often it is drawn, against others; and what it breaks."""

    weight: int
    strike: Fault
    where: Where


FAULTS: Mapping[str, Kind] = {
    "kill -9 ingress": Kind(3, kill_ingress, Where.INGRESS),
    "ingress dies before it answers": Kind(2, ingress_dies_before_it_answers, Where.INGRESS),
    "ingress dies draining its spool": Kind(1, ingress_dies_draining, Where.ALONE),
    "a flood of strangers": Kind(2, strangers, Where.INGRESS),
    "kill -9 a worker": Kind(8, kill_worker, Where.SERVICES),
    "kill -9 a worker again and again": Kind(3, kill_again_and_again, Where.SERVICES),
    "kill -9 all workers": Kind(1, kill_all_workers, Where.SERVICES),
    **{f"die at {point}": Kind(1, die_at(point), Where.SERVICES) for point in (*FLUSH, *ATTEMPT, *POLL)},
    "freeze a worker past its session": Kind(4, freeze_worker, Where.SERVICES),
    "freeze a service shortly": Kind(3, freeze_shortly, Where.SERVICES),
    "a worker joins, one leaves": Kind(3, join_and_leave, Where.ALONE),
    "a rolling restart while a tenant comes and goes": Kind(1, upgrade_while_a_tenant_comes, Where.ALONE),
    "a tenant's rules tighten": Kind(2, changing.rules_tighten, Where.ALONE),
    "kill -9 the broker": Kind(3, kill_broker, Where.BROKER),
    "freeze the broker": Kind(3, freeze_broker, Where.BROKER),
    "a slow disk": Kind(2, slow_disk, Where.BROKER),
    "a full disk": Kind(1, full_disk, Where.BROKER),
    "writing is not authorised": Kind(1, unauthorised, Where.BROKER),
    "too few replicas in sync": Kind(2, too_few_replicas, Where.BROKER),
    "Twilio times out, then accepts": Kind(
        3, twilio({"latency_s": REQUEST_TIMEOUT_S + 0.5, "latency_jitter_s": 1.0}), Where.TWILIO
    ),
    "Twilio refuses: 429": Kind(2, twilio({"rate_limited": 0.7}), Where.TWILIO),
    "Twilio fails before accepting": Kind(2, twilio({"error_before": 0.6}), Where.TWILIO),
    "Twilio fails after accepting": Kind(3, twilio({"error_after": 0.6}), Where.TWILIO),
    "callbacks before the answer": Kind(2, twilio({"callback_before_response": 1.0, "error_after": 0.2}), Where.TWILIO),
    "callbacks lost": Kind(2, twilio({"callback_lost": 0.7, "error_after": 0.2}), Where.TWILIO),
    "callbacks late, doubled, reordered": Kind(
        2,
        twilio({"callback_late": 0.3, "callback_doubled": 0.5, "callback_reordered": 0.5, "undelivered": 0.3}),
        Where.TWILIO,
    ),
    "freeze Twilio": Kind(2, freeze_twilio, Where.TWILIO),
    "the clock jumps": Kind(2, jump_clock, Where.LOG),
    "records of 10 MiB": Kind(1, large_records, Where.LOG),
    "a partition of poison": Kind(1, poison, Where.LOG),
    "odd commands": Kind(1, odd_commands, Where.LOG),
}


def _members(house: House, *services: str) -> list[Member]:
    return [member for service in services for member in house.of(service)]


def _one_of(house: House, dice: random.Random, *services: str) -> Member:
    return dice.choice(_members(house, *services))


async def _killed(victim: Member, dice: random.Random, store: str = "kept") -> None:
    """Kill it at this instant, do to its store what is asked, start it again."""
    async with victim.alone:
        await asyncio.sleep(dice.uniform(0.0, 0.5))
        await victim.kill()
        if store == "wiped":
            await asyncio.to_thread(victim.wipe)
        elif store != "old copy" or not await asyncio.to_thread(victim.restore_copy):
            await asyncio.to_thread(victim.keep_copy)
        victim.start()


async def _dies(victim: Member, point: str, store: str) -> None:
    """Start it anew with a failpoint, and wait until that has killed it; its orchestrator starts it again."""
    async with victim.alone:
        await victim.kill()
        if store == "wiped":
            await asyncio.to_thread(victim.wipe)
        victim.start(point)
        if not await victim.killed_itself(_REACHED_S):
            raise DidNotStrike(f"{victim.name} did not reach {point}")


async def _stands(victim: Member, seconds: float) -> None:
    async with victim.alone:
        await victim.freeze()
        await asyncio.sleep(seconds)
        victim.thaw()
