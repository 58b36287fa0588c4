"""`switchboard topics plan|apply`: bring the broker's topics in step with the registry. Nothing is ever deleted."""

import asyncio
import logging
from collections.abc import Callable, Coroutine
from typing import Annotated, Any

import typer
from rich.console import Console
from rich.table import Table
from rich.text import Text

from services.cli.topic_admin import TopicAdmin, TopicsError, connect
from services.contract.plan import Action, Kind, Shape, Wanted, plan, refusals, wanted
from services.runtime import config
from services.runtime.config import ConfigError, Settings

app = typer.Typer(no_args_is_help=True, help="Plan and apply the topics at the broker.")

# Brokers learn of a change one after the other.
_SETTLE_S = 15.0
_POLL_S = 0.1
_DONE = {"create": "created", "differs": "changed"}
_STYLES: dict[Kind, str] = {"create": "green", "in step": "dim", "differs": "yellow", "refused": "bold red"}

ShortenRetention = Annotated[
    bool, typer.Option("--shorten-retention", help="Cut a longer retention too: older records are deleted.")
]


def _topics(settings: Settings) -> list[Wanted]:
    kafka = settings.kafka
    return wanted(Shape(kafka.partitions, kafka.replication, kafka.min_insync_replicas))


async def planned(settings: Settings, shorten: bool = False) -> list[Action]:
    """What `apply` would do, for each topic of the product. Raises TopicsError."""
    async with connect(settings.kafka) as admin:
        return await _plan(admin, settings, shorten)


async def ensure(settings: Settings, shorten: bool = False) -> list[str]:
    """Create what is missing and set what differs; a line for each topic that was changed.

    All or nothing is asked for: raises TopicsError before the first change if any topic is refused, and
    also if the broker does not answer, does not do it, or does not show it within 15 seconds.
    """
    async with connect(settings.kafka) as admin:
        actions = await _plan(admin, settings, shorten)
        _raise_refusals(actions)
        await admin.create([action.topic for action in actions if action.kind == "create"])
        await admin.alter({action.topic.name: action.changes for action in actions if action.kind == "differs"})
        done = [action for action in actions if action.changes]
        if done:
            await _settled(admin, settings, shorten)
    return [f"{_DONE[action.kind]} {action.topic.name}: {'; '.join(action.why)}" for action in done]


async def obstacles(settings: Settings) -> list[str]:
    """Why no service can work with the broker's topics, a sentence each. Raises TopicsError."""
    topics = _topics(settings)
    async with connect(settings.kafka) as admin:
        actual = await admin.actual(topic.name for topic in topics)
    absent = [topic.name for topic in topics if topic.name not in actual]
    other = [
        f"{topic.name} has {actual[topic.name].partitions} partitions, kafka.partitions says {topic.partitions}; "
        "a key would be looked for where it is not: correct the setting"
        for topic in topics
        if topic.name in actual and actual[topic.name].partitions != topic.partitions
    ]
    return [*other, f"no topic {', '.join(absent)}; run `switchboard topics apply`"] if absent else other


async def _plan(admin: TopicAdmin, settings: Settings, shorten: bool) -> list[Action]:
    topics = _topics(settings)
    return plan(topics, await admin.actual(topic.name for topic in topics), shorten)


def _raise_refusals(actions: list[Action]) -> None:
    if refused := refusals(actions):
        raise TopicsError("\n".join(["nothing was changed, because of", *refused]))


async def _settled(admin: TopicAdmin, settings: Settings, shorten: bool) -> None:
    """Wait until the broker shows every topic as wanted, also those that somebody else created meanwhile."""
    deadline = asyncio.get_running_loop().time() + _SETTLE_S
    while behind := [one for one in await _plan(admin, settings, shorten) if one.kind != "in step"]:
        _raise_refusals(behind)
        if asyncio.get_running_loop().time() > deadline:
            names = ", ".join(action.topic.name for action in behind)
            raise TopicsError(f"the broker took the changes but does not show them: {names}; run `plan` again")
        await asyncio.sleep(_POLL_S)


@app.command("plan")
def show_plan(shorten_retention: ShortenRetention = False) -> None:
    """Show what `apply` would do, and why. Changes nothing.

    Exit code: 0 nothing to do, 2 something to do, 1 refused or impossible.
    """
    actions = _run(lambda settings: planned(settings, shorten_retention))
    _print(actions)
    if refusals(actions):
        raise typer.Exit(1)
    if any(action.changes for action in actions):
        raise typer.Exit(2)


@app.command("apply")
def apply_plan(shorten_retention: ShortenRetention = False) -> None:
    """Create missing topics and set what differs; keys that are not ours stay, and nothing is deleted.

    Partition counts never change in place: such a topic is refused, and then nothing is changed at all.
    Exit code: 0 all in step, 1 refused or impossible.
    """
    done = _run(lambda settings: ensure(settings, shorten_retention))
    console = Console(highlight=False)
    for line in done or ["all topics are in step"]:
        console.print(Text(line), soft_wrap=True)


def _run(work: Callable[[Settings], Coroutine[Any, Any, Any]]) -> Any:
    """Run `work` with the settings; its refusal is told on stderr, and the exit code is 1."""
    # It logs each address that it cannot reach; the error says it once.
    logging.getLogger("aiokafka").setLevel(logging.CRITICAL)
    try:
        return asyncio.run(work(config.load()))
    except ConfigError as error:
        Console(stderr=True, highlight=False).print(Text(str(error)), style="red", soft_wrap=True)
        raise typer.Exit(1) from None


def _print(actions: list[Action]) -> None:
    table = Table("topic", "state", "what and why")
    for action in actions:
        table.add_row(action.topic.name, Text(action.kind, _STYLES[action.kind]), "\n".join(action.why))
    Console(highlight=False).print(table)
