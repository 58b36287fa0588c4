"""Do the rates of senders hold over all workers? Three of them, and rates that sum to half of what they can."""

import asyncio
import time
from collections.abc import Callable, Mapping, Sequence

import orjson
import requests
import uvloop
import yaml

from services.contract.messages import MESSAGES
from services.embedded import ports
from tests.bench import log, workload
from tests.bench.processes import CannotMeasure, everywhere
from tests.bench.report import Table, count
from tests.bench.rig import SWITCHBOARD, Rig, Running
from tests.bench.sender import stub_of

_WORKERS = 3
_PARTITIONS = 12
_SLOWEST = 20.0
# Of what the workers can, the rates together.
_SHARE = 0.5
_LIMIT_S = 600.0
_LATENCY_S = 0.05

Say = Callable[[str], None]


def measure(short: bool, say: Say) -> list[Table]:
    """First how much they send without a limit; then by rates, in the middle half of the run."""
    sends, seconds = (600, 10.0) if short else (12_000, 60.0)
    # Groups wait for all their workers, so that each has its share from the start.
    together = {"group.initial.rebalance.delay.ms": "8000"}
    with (
        Rig(say, together, _PARTITIONS) as rig,
        asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner,
    ):
        stub = stub_of(rig, rig.ports["simulator"], _LATENCY_S)
        workers = _workers(rig, "free")
        say(f"rates: {sends:,} sends without a limit")
        most = runner.run(_most(rig, workers, stub, sends))
        for worker in workers:
            rig.stop(worker)
        rates = _rates(most * _SHARE)
        say(f"rates: {most:,.0f} sends/s at most; {len(rates)} senders of {_SLOWEST:.0f}/s and more")
        _limit(rig, rates)
        workers = _workers(rig, "limited")
        found = runner.run(_kept(rig, workers, stub, rates, seconds))
    rows = [
        (sender, f"{rate:,.0f}/s", f"{found[sender]:,.1f}/s", f"{found[sender] / rate - 1:+.1%}")
        for sender, rate in rates.items()
    ]
    notes = (
        f"{_WORKERS} workers, {_PARTITIONS} partitions, all commands on the log from the start; counted by a stub of "
        f"Twilio over the middle half of {seconds:.0f} s. Without a limit they send {count(most)}/s.",
    )
    return [Table("Rates of senders over all workers", ("sender", "its rate", "measured", "apart"), rows, notes)]


def _rates(together: float) -> Mapping[str, float]:
    """Senders of 20/s, 40/s, 60/s …, as many as there is room for; at least one."""
    rates: dict[str, float] = {}
    rate = _SLOWEST
    while not rates or sum(rates.values()) + rate <= together:
        rates[f"+1415555{len(rates):04d}"] = rate
        rate += _SLOWEST
    return rates


def _limit(rig: Rig, rates: Mapping[str, float]) -> None:
    path = rig.folder / "switchboard.yaml"
    settings = yaml.safe_load(path.read_text(encoding="utf-8"))
    settings["tenants"][workload.TENANT]["rate_limits"] = {"senders": dict(rates)}
    path.write_text(yaml.safe_dump(settings), encoding="utf-8")


def _workers(rig: Rig, run: str) -> list[Running]:
    running = []
    for number in range(_WORKERS):
        name, port = f"sender-{run}-{number}", ports.pick()
        own = {
            "SWITCHBOARD_SENDER__PORT": str(port),
            "SWITCHBOARD_SENDER__DATA_DIR": str(rig.folder / name),
            "SWITCHBOARD_SENDER__INSTANCE_ID": name,
        }
        running.append(rig.start(name, [*SWITCHBOARD, "sender"], own, everywhere(), port))
    for worker in running:
        rig.wait_ready(worker)
    return running


async def _most(rig: Rig, workers: Sequence[Running], stub: Running, sends: int) -> float:
    """Sends per second, in the middle half of them."""
    await log.produce(rig.bootstrap, MESSAGES.name, workload.commands(sends))
    moments = []
    for share in (0.25, 0.75):
        await _until(rig, workers, lambda share=share: sum(_by_sender(stub).values()) >= share * sends)
        moments.append((time.monotonic(), sum(_by_sender(stub).values())))
    await _until(rig, workers, lambda: sum(_by_sender(stub).values()) >= sends)
    (begun, before), (ended, after) = moments
    return (after - before) / (ended - begun)


async def _kept(
    rig: Rig, workers: Sequence[Running], stub: Running, rates: Mapping[str, float], seconds: float
) -> dict[str, float]:
    """What each sender sends per second, in the middle half of the time."""
    first = 1_000_000
    for sender, rate in rates.items():
        # More than can go: no sender's partition runs dry in the middle.
        number = int(2 * rate * seconds)
        await log.produce(rig.bootstrap, MESSAGES.name, workload.commands(number, first, sender=sender))
        first += number
    await _until(rig, workers, lambda: set(rates) <= set(_by_sender(stub)))
    looked = []
    for wait in (seconds / 4, seconds / 2):
        await asyncio.sleep(wait)
        looked.append((time.monotonic(), _by_sender(stub)))
    (begun, before), (ended, after) = looked
    return {sender: (after[sender] - before[sender]) / (ended - begun) for sender in rates}


async def _until(rig: Rig, workers: Sequence[Running], condition: Callable[[], bool]) -> None:
    deadline = time.monotonic() + _LIMIT_S
    while not condition():
        if any(rig.ended(worker) for worker in workers) or time.monotonic() > deadline:
            raise CannotMeasure("the senders do not send what they were told")
        await asyncio.sleep(0.05)


def _by_sender(stub: Running) -> dict[str, int]:
    found: dict[str, int] = orjson.loads(requests.get(f"{stub.url}/senders", timeout=10).content)
    return found
