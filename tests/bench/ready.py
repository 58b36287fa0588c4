"""How long a sender takes after kill -9: with its store, without it, and where a standby takes over."""

import asyncio
import shutil
import time
from collections.abc import Callable, Mapping
from pathlib import Path

import uvloop

from services.contract.messages import MESSAGES
from services.embedded import ports
from tests.bench import log, workload
from tests.bench.processes import everywhere
from tests.bench.rig import Rig, Running
from tests.bench.sender import our_sends, stub_of

_PARTITIONS = 8
_LIMIT_S = 1800.0
# Sent before it is looked how far they are: `our_sends` waits ten minutes for them at the most.
_PORTION = 50_000
# A standby reads its changelogs while nobody asks; this long without a record it has read all.
_QUIET_S = 5.0
_SENT = 50
# One rebalance for both workers, not two.
_TOGETHER = {"group.initial.rebalance.delay.ms": "5000"}

Say = Callable[[str], None]


def after_kills(tree: Path, rounds: int, number: int, say: Say) -> dict[str, list[float]]:
    """Seconds, by what became of the store."""
    with (
        Rig(say, _TOGETHER, _PARTITIONS, tree=tree, broker_on=everywhere()) as rig,
        asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner,
    ):
        stub = stub_of(rig, rig.ports["simulator"], 0.0)
        sender = _sender(rig, "one")
        for sent in range(0, number, _PORTION):
            say(f"{tree.name}: {sent:,} of {number:,} commands are sent")
            runner.run(our_sends(rig, sender, stub, sent, min(_PORTION, number - sent)))
        say(f"{tree.name}: {number:,} commands wait")
        rig.stop(sender)
        sender = _sender(rig, "one", rig.slow)
        runner.run(log.produce(rig.bootstrap, MESSAGES.name, workload.commands(number, number)))
        _all_wait(rig, sender, number)
        found: dict[str, list[float]] = {"store kept": [], "store wiped": [], "taken over by a standby": []}
        for turn in range(rounds):
            for name, wiped in (("store kept", False), ("store wiped", True)):
                sender, took = _again(rig, sender, number, wiped)
                found[name].append(took)
                say(f"{tree.name}: {name}, round {turn + 1}: {took:.1f} s")
        for turn in range(rounds):
            sender, took = _taken_over(rig, sender, f"two-{turn}", number)
            found["taken over by a standby"].append(took)
            say(f"{tree.name}: taken over, round {turn + 1}: {took:.1f} s")
        return found


def _again(rig: Rig, sender: Running, number: int, wiped: bool) -> tuple[Running, float]:
    rig.kill(sender)
    if wiped:
        shutil.rmtree(rig.folder / sender.name)
    began = time.monotonic()
    again = _sender(rig, sender.name, rig.slow)
    _all_wait(rig, again, number)
    return again, time.monotonic() - began


def _taken_over(rig: Rig, first: Running, name: str, number: int) -> tuple[Running, float]:
    second = _sender(rig, name, rig.slow)
    read, since = -1.0, time.monotonic()
    while time.monotonic() - since < _QUIET_S:
        if (restored := second.metric("switchboard_restored_records_total")) != read:
            read, since = restored, time.monotonic()
        time.sleep(0.5)
    began = time.monotonic()
    rig.kill(first)
    _all_wait(rig, second, number)
    return second, time.monotonic() - began


def _sender(rig: Rig, name: str, settings: Mapping[str, str] = {}) -> Running:
    port = ports.pick()
    own = {
        **settings,
        "SWITCHBOARD_SENDER__PORT": str(port),
        "SWITCHBOARD_SENDER__DATA_DIR": str(rig.folder / name),
        "SWITCHBOARD_SENDER__INSTANCE_ID": name,
    }
    running = rig.start(name, rig.command("sender"), own, everywhere(), port)
    rig.wait_ready(running, _LIMIT_S)
    return running


def _all_wait(rig: Rig, sender: Running, number: int) -> None:
    # One a minute is sent, of each partition perhaps.
    least = number - _SENT
    rig.wait(sender, lambda: sender.metric("switchboard_open_commands") >= least, "all is known", _LIMIT_S)
