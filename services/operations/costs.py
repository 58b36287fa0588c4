"""What messages cost in a time, by what Twilio charged for each: sums of the log's facts."""

from collections.abc import Iterable, Sequence
from decimal import Decimal
from typing import Literal, NamedTuple

from services.contract import codec
from services.contract.messages import COSTS
from services.domain.messages.costs import CostStated
from services.operations.log import LogReader, check, readable
from services.operations.times import milliseconds
from services.runtime.config import KafkaSettings

By = Literal["tenant", "country", "channel", "label", "template"]


class Asked(NamedTuple):
    """Messages sent from `since` up to, not including, `until`; of one tenant, or of all."""

    since: str
    until: str
    tenant: str | None = None


class Total(NamedTuple):
    """What messages of one kind cost together. `names`: in the order that was asked for; empty: none, or not known."""

    names: tuple[str, ...]
    messages: int
    segments: int
    price: Decimal
    currency: str


async def stated(kafka: KafkaSettings, asked: Asked) -> list[CostStated]:
    """The costs, each message's once. Raises LogError."""
    await check(kafka, [COSTS.name])
    found: dict[str, CostStated] = {}
    # A cost is told after its message was sent, so nothing before that time is of it.
    since_ms = milliseconds(asked.since)
    with readable(kafka):
        async with LogReader(kafka, since_ms) as log:
            async for records in log.batches(COSTS, lambda _done, _total: None):
                for record in records:
                    one = codec.decode(record.value, CostStated)
                    if asked.since <= one.sent_at < asked.until and asked.tenant in (None, one.tenant):
                        found[one.event_id] = one
    return list(found.values())


def totals(costs: Iterable[CostStated], by: Sequence[By]) -> list[Total]:
    """Sums by these names and by currency, the dearest first."""
    sums: dict[tuple[tuple[str, ...], str], Total] = {}
    for one in costs:
        names = tuple(str(getattr(one, name) or "") for name in by)
        before = sums.get((names, one.currency), Total(names, 0, 0, Decimal(0), one.currency))
        sums[names, one.currency] = Total(
            names, before.messages + 1, before.segments + (one.segments or 0), before.price + one.price, one.currency
        )
    return sorted(sums.values(), key=lambda total: (total.currency, -total.price, total.names))
