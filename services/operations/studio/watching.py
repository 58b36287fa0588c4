"""Saying whether the executions of a flow are read, and which are."""

from services.contract import codec
from services.contract.studio import FLOWS
from services.domain.identity import raw_event_id
from services.domain.studio.events import FlowWatched
from services.operations.backfill.injection import inject
from services.operations.log import LogReader, check, readable
from services.runtime.clock import now
from services.runtime.sections.kafka import KafkaSettings


def statement(tenant: str, account_sid: str, flow_sid: str, watched: bool, by: str) -> FlowWatched:
    """The fact, as of now."""
    at = now()
    content = (flow_sid, str(watched), at, by)
    return FlowWatched(
        event_id=raw_event_id("flow_watched", tenant, [part.encode() for part in content]),
        tenant=tenant,
        at=at,
        account_sid=account_sid,
        flow_sid=flow_sid,
        watched=watched,
        by=by,
    )


async def say(kafka: KafkaSettings, said: FlowWatched) -> None:
    """Write it, acknowledged. Raises LogError."""
    await inject(kafka, [said], lambda: None)


async def watched(kafka: KafkaSettings) -> dict[str, frozenset[str]]:
    """By tenant the flows that are read, by the latest word on each. Raises LogError."""
    await check(kafka, [FLOWS.name])
    latest: dict[str, FlowWatched] = {}
    with readable(kafka):
        async with LogReader(kafka, None) as log:
            async for records in log.batches(FLOWS, lambda _done, _total: None):
                said = [codec.decode(one.value, FlowWatched) for one in records if one.value is not None]
                for one in said:
                    latest[one.key] = max(one, latest.get(one.key, one), key=lambda word: (word.at, word.event_id))
    tenants = {one.tenant for one in latest.values()}
    return {
        name: frozenset(one.flow_sid for one in latest.values() if one.tenant == name and one.watched)
        for name in tenants
    }
