"""The broker's topics beside those of the registry: what is lacking, and bringing them in step. Nothing is deleted."""

import asyncio
from collections.abc import Iterable

from services.contract.plan import Action, Shape, Wanted, plan, refusals, wanted
from services.operations.topic_admin import TopicAdmin, TopicsError, connect, other_count
from services.runtime.config import Settings

# Brokers learn of a change one after the other.
_SETTLE_S = 15.0
_POLL_S = 0.1
_DONE = {"create": "created", "differs": "changed"}


def _topics(settings: Settings) -> list[Wanted]:
    kafka = settings.kafka
    return wanted(Shape(kafka.partitions, kafka.replication, kafka.min_insync_replicas), kafka.tenant_topics)


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


async def obstacles(settings: Settings, names: Iterable[str]) -> list[str]:
    """Why these topics cannot be worked with, a sentence each. Raises TopicsError.

    Only they are looked at: whoever asks may have no right to see others.
    """
    async with connect(settings.kafka) as admin:
        actual = await admin.partitions()
    wanted, told = sorted(names), settings.kafka.partitions
    absent = [name for name in wanted if name not in actual]
    counted: dict[int, list[str]] = {}
    for name in wanted:
        counted.setdefault(actual.get(name, told), []).append(name)
    other = [other_count(names, count, told) for count, names in counted.items() if count != told]
    if not absent:
        return other
    user = settings.kafka.sasl_username
    unseen = f"; if they are there, {user} has no right to see them (`switchboard topics acls`)" if user else ""
    return [*other, f"no topic {', '.join(absent)}; run `switchboard topics apply`{unseen}"]


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
