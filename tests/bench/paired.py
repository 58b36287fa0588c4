"""This tree's services beside those of another commit, in one run: `TREE [PART...]`.

TREE is a worktree of that commit with a .venv of its own. Both have a broker each, and take turns, round by round; so
what disturbs one disturbs the other.
"""

import argparse
import asyncio
import sys
import time
from collections.abc import Callable, Iterable, Sequence
from contextlib import ExitStack
from pathlib import Path
from statistics import median

import uvloop
from aiokafka import AIOKafkaConsumer, TopicPartition
from rich.console import Console

from services.contract.messages import MESSAGES
from tests.bench import checks, ingress, latency, log, ready, stop, workload
from tests.bench.checks import Asked
from tests.bench.processes import MEASURED, CannotMeasure, cpu_seconds
from tests.bench.report import Table, milliseconds, percentile, ratio
from tests.bench.rig import ROOT, Rig, Running
from tests.bench.sender import our_sends, stub_of

# As production has them, or more.
_PARTITIONS = 8
_IDLE_S = 5.0
_SATURATED_S = 6.0
_LIMIT_S = 300.0
# Of those that wait for a rate of one a minute, some may have gone.
_SENT = 20

Say = Callable[[str], None]


def sends(tree: Path, rounds: int, number: int, say: Say) -> Table:
    """CPU per send, and records that a send writes, the changelogs' among them."""
    cpu: list[list[float]] = [[], []]
    written: list[list[float]] = [[], []]
    with ExitStack() as stack, asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        rigs = [stack.enter_context(Rig(say, partitions=_PARTITIONS, tree=one)) for one in (ROOT, tree)]
        stubs = [stub_of(rig, rig.ports["simulator"], 0.0) for rig in rigs]
        senders = [rig.service("sender", MEASURED) for rig in rigs]
        # The first pays for what is made once: connections, statements, code paths.
        for turn in range(rounds + 1):
            say(f"sends, round {turn} of {rounds}")
            for place, (rig, stub, sender) in enumerate(zip(rigs, stubs, senders, strict=True)):
                since = runner.run(_ends(rig.bootstrap))
                idle = _idle(sender)
                before, began = cpu_seconds(sender.pid), time.monotonic()
                runner.run(our_sends(rig, sender, stub, turn * number, number))
                spent, took = cpu_seconds(sender.pid) - before, time.monotonic() - began
                if turn:
                    # On a busy machine the sends take long, and what it does anyway would count with them.
                    cpu[place].append((spent - idle * took) / number)
                    records = runner.run(log.times(rig.bootstrap, since, {tp.topic for tp in since}))
                    written[place].append(len(records) / number)
    return Table(
        f"A send, {_PARTITIONS} partitions",
        ("", "this tree", "the other", "ratio"),
        [
            ("CPU per send", *(f"{median(one) * 1e6:,.0f} µs" for one in cpu), ratio(*cpu)),
            ("records per send", *(f"{median(one):.1f}" for one in written), ratio(*written)),
        ],
        (
            f"{number:,} sends a round. What a sender without work spends in the same time is taken off. Those of "
            "commands are not counted among the records.",
        ),
    )


def webhooks(tree: Path, rounds: int, number: int, say: Say) -> Table:
    """Webhook to 2xx at full load."""
    requests = workload.requests(number)
    found: list[list[ingress.Round]] = [[], []]
    with ExitStack() as stack, asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        rigs = [stack.enter_context(Rig(say, tree=one)) for one in (ROOT, tree)]
        servers = [rig.service("ingress", MEASURED) for rig in rigs]
        for turn in range(rounds):
            say(f"webhooks, round {turn + 1} of {rounds}")
            for place, server in enumerate(servers):
                found[place].append(runner.run(ingress.saturated(server, requests, _SATURATED_S)))
    rates, costs = ([[of(one) for one in each] for each in found] for of in (lambda one: one.rate, lambda one: one.cpu))
    return Table(
        "Webhook to 2xx, one core, acks=all",
        ("", "this tree", "the other", "ratio"),
        [
            ("requests/s", *(f"{median(one):,.0f}" for one in rates), ratio(*rates)),
            ("CPU per request", *(f"{median(one) * 1e6:,.0f} µs" for one in costs), ratio(*costs)),
        ],
    )


def intake(tree: Path, rounds: int, number: int, say: Say) -> Table:
    """CPU per command that is accepted and waits: intake and its row, and no send."""
    return _taken_in(tree, rounds, number, say, None)


def checked(tree: Path, rounds: int, number: int, say: Say) -> Table:
    """The same, where this tree's tenant asks for all that intake can look at."""
    return _taken_in(tree, rounds, number, say, checks.ALL)


def _taken_in(tree: Path, rounds: int, number: int, say: Say, asked: Asked | None) -> Table:
    """`asked`: of this tree's sender alone."""
    name = "A command taken in" + (" with all checks, beside the other's without" if asked else "")
    each = ((asked.settings, asked.commands) if asked else ({}, workload.commands), ({}, workload.commands))
    cpu: list[list[float]] = [[], []]
    with ExitStack() as stack, asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        rigs = [stack.enter_context(Rig(say, partitions=_PARTITIONS, tree=one)) for one in (ROOT, tree)]
        if asked:
            runner.run(asked.stated(rigs[0].bootstrap))
        senders = [
            rig.service("sender", MEASURED, {**rig.slow, **settings})
            for rig, (settings, _) in zip(rigs, each, strict=True)
        ]
        for turn in range(rounds + 1):
            say(f"{name}, round {turn} of {rounds}")
            for place, (rig, sender) in enumerate(zip(rigs, senders, strict=True)):
                idle = _idle(sender)
                before, began = cpu_seconds(sender.pid), time.monotonic()
                runner.run(log.produce(rig.bootstrap, MESSAGES.name, each[place][1](number, turn * number)))
                _all_wait(rig, sender, (turn + 1) * number)
                spent, took = cpu_seconds(sender.pid) - before, time.monotonic() - began
                if turn:
                    cpu[place].append((spent - idle * took) / number)
    row = ("CPU per command", *(f"{median(one) * 1e6:,.0f} µs" for one in cpu), ratio(*cpu))
    note = f"{number:,} commands a round. What a sender without work spends in the same time is taken off."
    return Table(f"{name}, {_PARTITIONS} partitions", ("", "this tree", "the other", "ratio"), [row], (note,))


def _all_wait(rig: Rig, sender: Running, number: int) -> None:
    rig.wait(sender, lambda: sender.metric("switchboard_open_commands") >= number - _SENT, "all wait", _LIMIT_S)


def _idle(running: Running) -> float:
    """CPU seconds that it spends a second while there is nothing to do."""
    before, began = cpu_seconds(running.pid), time.monotonic()
    time.sleep(_IDLE_S)
    return (cpu_seconds(running.pid) - before) / (time.monotonic() - began)


async def _ends(bootstrap: str) -> dict[TopicPartition, int]:
    """The end of each partition of all topics that services write."""
    async with AIOKafkaConsumer(bootstrap_servers=bootstrap, group_id=None) as consumer:
        topics = {topic for topic in await consumer.topics() if not topic.startswith("__")} - {MESSAGES.name}
    return await log.ends(bootstrap, topics, _PARTITIONS)


def readiness(tree: Path, rounds: int, number: int, say: Say) -> Table:
    """From kill -9 until all is known again, of as many commands that wait as are settled."""
    found: list[dict[str, list[float]]] = []
    for one in (ROOT, tree):
        found.append(ready.after_kills(one, rounds, number, say))
    rows = [
        (name, *(f"{median(each[name]):.1f} s" for each in found), ratio(*(each[name] for each in found)))
        for name in found[0]
    ]
    return Table(
        f"Ready after kill -9, {number:,} commands settled and as many waiting",
        ("", "this tree", "the other", "ratio"),
        rows,
        ("Until /readyz says 200 and all that waits is known. The session of the killed one runs out first.",),
    )


def derived(tree: Path, rounds: int, number: int, say: Say) -> Table:
    """Webhook to derived event."""
    return _latency("Webhook to derived event", tree, rounds, lambda one: latency.waits(one, number, say), say)


def stops(tree: Path, rounds: int, number: int, say: Say) -> Table:
    """STOP's webhook to the block."""

    def waits(one: Path) -> Sequence[float]:
        return [probe.blocked - probe.due for probe in stop.probes_of(one, number, say)]

    return _latency("STOP to block", tree, rounds, waits, say)


def _latency(name: str, tree: Path, rounds: int, waits: Callable[[Path], Iterable[float]], say: Say) -> Table:
    found: list[list[tuple[float, float]]] = [[], []]
    for turn in range(rounds):
        for place, one in enumerate((ROOT, tree)):
            say(f"{name}, round {turn + 1} of {rounds}, {'the other' if place else 'this tree'}")
            each = list(waits(one))
            found[place].append((percentile(each, 0.5), percentile(each, 0.99)))
    rows = []
    for place, share in enumerate(("p50", "p99")):
        ours, theirs = ([one[place] for one in each] for each in found)
        rows.append((f"{name}, {share}", milliseconds(median(ours)), milliseconds(median(theirs)), ratio(ours, theirs)))
    return Table(f"{name} at {latency.PACED}/s", ("", "this tree", "the other", "ratio"), rows)


# Each with how many it measures a round.
PARTS: dict[str, tuple[Callable[[Path, int, int, Say], Table], int]] = {
    "sends": (sends, 3000),
    "webhooks": (webhooks, 60_000),
    "intake": (intake, 5000),
    "checked": (checked, 5000),
    "readiness": (readiness, 100_000),
    "derived": (derived, 10_000),
    "stops": (stops, 200),
}


def main(arguments: Sequence[str]) -> int:
    """Returns the exit code: 2 where this machine does not allow it."""
    parser = argparse.ArgumentParser(prog="python -m tests.bench.paired", description=__doc__)
    parser.add_argument("tree", type=Path)
    parser.add_argument("parts", nargs="*", metavar="part", help=f"{', '.join(PARTS)}; none named: all")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--number", type=int, help="how many a round; left out: each part's own")
    options = parser.parse_args(arguments)
    if unknown := set(options.parts) - set(PARTS):
        parser.error(f"no such part: {', '.join(sorted(unknown))}")
    console, started = Console(), time.monotonic()

    def say(line: str) -> None:
        console.print(f"{time.monotonic() - started:6.0f} s  {line}", style="dim", markup=False, highlight=False)

    try:
        for name in options.parts or PARTS:
            measure, number = PARTS[name]
            console.print(
                measure(options.tree.resolve(), options.rounds, options.number or number, say).screen(), markup=False
            )
    except CannotMeasure as error:
        console.print(str(error), style="red", markup=False)
        return 2
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
