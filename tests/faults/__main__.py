"""The command: how many faults, from which seed, of which kinds."""

import argparse
import asyncio
import logging
import random
import sys
import time
from collections import Counter
from collections.abc import Sequence
from statistics import median

from rich.console import Console
from rich.table import Table

from services.embedded.errors import EmbeddedKafkaError
from tests.faults import catalogue, episode
from tests.faults.episode import Told


def main(arguments: Sequence[str]) -> int:
    """Exit code 0: every promise held; 1: one was broken; 2: it could not be tried; 3: nothing was lost, doubled or
    wrong, but a process ended by a defect, or something came too late to be looked at; 130 after Ctrl-C.
    """
    options = _parser().parse_args(arguments)
    logging.getLogger("aiokafka").setLevel(logging.CRITICAL)
    console = Console()
    try:
        told = asyncio.run(_run(options, console))
    except EmbeddedKafkaError as error:
        console.print(str(error), style="red", markup=False)
        return 2
    except KeyboardInterrupt:
        return 130
    sums = _report(told, console)
    unseen = [] if options.kinds else [promise for promise, found in sums.items() if not found["checked"]]
    for promise in unseen:
        console.print(f"nothing came up that could have broken it: {promise}", style="red", markup=False)
    return exit_code(told, bool(sums) and not unseen)


def exit_code(told: Sequence[Told], seen: bool) -> int:
    """`seen`: each promise had a case."""
    if not all(one.kept for one in told):
        return 1
    return 0 if seen and not any(one.unsteady for one in told) else 3


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m tests.faults", description="Break it, and look what it lost.")
    parser.add_argument("--faults", type=int, default=200, help="how many are injected")
    parser.add_argument("--episode", type=int, default=25, help="after so many: rest, compare, begin anew")
    parser.add_argument("--seed", type=int, default=None, help="repeats the faults of a run; default: drawn, printed")
    parser.add_argument("--minutes", type=float, default=None, help="begin no further episode after so long")
    parser.add_argument("--of-each", type=int, default=2, help="how many processes of each service")
    parser.add_argument("--keep", action="store_true", help="leave every episode's folder, with all logs")
    parser.add_argument("kinds", nargs="*", metavar="kind", help="part of a fault's name; none: all")
    return parser


async def _run(options: argparse.Namespace, console: Console) -> list[Told]:
    seed = options.seed if options.seed is not None else random.SystemRandom().randrange(10**6)
    faults = episode.plan(options.faults, random.Random(f"plan {seed}"), options.kinds)
    began = time.monotonic()
    console.print(
        f"seed {seed}, {sum(map(len, faults))} faults at {len(faults)} times, {len(catalogue.FAULTS)} kinds",
        style="bold",
    )
    told: list[Told] = []
    for number, at in enumerate(range(0, len(faults), options.episode), 1):
        if options.minutes is not None and time.monotonic() - began > 60 * options.minutes:
            console.print(f"{options.minutes:g} minutes are over: faults struck at {at} times")
            break
        console.print(f"{_clock(began)} episode {number}")

        def say(line: str) -> None:
            console.print(f"{_clock(began)} {line}", markup=False, highlight=False, soft_wrap=True)

        struck = faults[at : at + options.episode]
        told.append(await episode.run(f"{seed}.{number}", struck, say, options.keep, at + 1, of_each=options.of_each))
        say(_verdict(told[-1]))
    console.print(f"{_clock(began)} done")
    return told


def _clock(began: float) -> str:
    minutes, seconds = divmod(int(time.monotonic() - began), 60)
    return f"{minutes:3}:{seconds:02}"


def _verdict(told: Told) -> str:
    lost, doubled, wrong = (
        sum(len(getattr(one, what)) for one in told.findings) for what in ("lost", "doubled", "wrong")
    )
    counts = f"{told.commands:,} commands, {told.records:,} records: lost {lost}, doubled {doubled}, wrong {wrong}"
    kept = f"; see switchboard check {told.folder}" if told.folder else ""
    return "\n".join([counts + kept, *told.broken, *told.unsteady])


def _report(told: Sequence[Told], console: Console) -> dict[str, Counter[str]]:
    """Print what was done and what came of it; by promise, how much was checked, lost, doubled and wrong."""
    faults = Table("fault", "times", "back after, median", "at most", title="What was done", title_justify="left")
    recovery: dict[str, list[float]] = {}
    for injected in (one for each in told for one in each.injected):
        for kind in injected.struck:
            recovery.setdefault(kind, []).append(injected.recovery_s)
    for kind, seconds in sorted(recovery.items()):
        faults.add_row(kind, str(len(seconds)), f"{median(seconds):.1f} s", f"{max(seconds):.1f} s")
    console.print(faults)
    struck = sum(map(len, recovery.values()))
    console.print(f"{struck} faults struck, {len(recovery)} of {len(catalogue.FAULTS)} kinds", style="bold")
    promises = Table("promise", "checked", "lost", "doubled", "wrong", title="What came of it", title_justify="left")
    sums: dict[str, Counter[str]] = {}
    for finding in (one for each in told for one in each.findings):
        counted = {"checked": finding.checked}
        counted |= {what: len(getattr(finding, what)) for what in ("lost", "doubled", "wrong")}
        sums.setdefault(finding.promise, Counter()).update(counted)
    for promise, found in sums.items():
        promises.add_row(promise, *(f"{found[name]:,}" for name in ("checked", "lost", "doubled", "wrong")))
    console.print(promises)
    ends = Counter(end for each in told for end in each.ends)
    for end, count in ends.most_common():
        console.print(f"{count:5} times a process ended by itself: {end}", markup=False, highlight=False)
    for each in told:
        for finding in each.findings:
            for fault in [*finding.lost, *finding.doubled, *finding.wrong][:10]:
                console.print(f"{each.seed}: {finding.promise}: {fault}", style="red", markup=False)
    return sums


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
