"""The agent of a fold: each batch that Faust's stream brings goes to the partition that folds it."""

from collections.abc import Awaitable, Callable
from typing import Any

from services.runtime.folding.consumer import RecordBatch
from services.runtime.folding.runner import Runner


def agent_of(runner: Runner) -> Callable[[Any], Awaitable[None]]:
    """What Faust runs for the topics of a fold."""

    async def agent(stream: Any) -> None:
        # Acknowledged is what is folded, by offset; Faust would acknowledge what it handed out.
        stream.enable_acks = False
        async for event in stream.events():
            batch: RecordBatch = event.value
            # One of an earlier assignment has no owner: who has its partition now fetches it again.
            if (partition := runner.owner(batch.topic, batch.partition, batch.epoch)) is not None:
                await partition.accept(batch.topic, batch.records, batch.upto)

    return agent
