"""What messages cost in a time, by what Twilio charged for each: sums of the log's facts."""

from collections.abc import Sequence
from decimal import Decimal
from typing import Literal, NamedTuple

from services.contract import codec
from services.contract.messages import COSTS
from services.domain.messages.costs import CostStated
from services.operations.log import LogReader, check, readable
from services.operations.times import milliseconds
from services.runtime.sections.kafka import KafkaSettings

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


class Sums:
    """What is added, by these names and by currency. Of each message its id alone is kept.

    Its first statement counts: a second one is of who had forgotten the command, and knows no label.
    """

    def __init__(self, by: Sequence[By]) -> None:
        self._by = by
        self._sums: dict[tuple[tuple[str, ...], str], Total] = {}
        self._counted: set[str] = set()

    def add(self, one: CostStated) -> None:
        if one.event_id in self._counted:
            return
        self._counted.add(one.event_id)
        names = tuple(str(getattr(one, name) or "") for name in self._by)
        before = self._sums.get((names, one.currency), Total(names, 0, 0, Decimal(0), one.currency))
        self._sums[names, one.currency] = Total(
            names, before.messages + 1, before.segments + (one.segments or 0), before.price + one.price, one.currency
        )

    def totals(self) -> list[Total]:
        """The dearest first, currency by currency."""
        return sorted(self._sums.values(), key=lambda total: (total.currency, -total.price, total.names))


async def summed(kafka: KafkaSettings, asked: Asked, by: Sequence[By]) -> list[Total]:
    """The costs, each message's once. Raises LogError."""
    await check(kafka, [COSTS.name])
    sums = Sums(by)
    # A cost is told after its message was sent, so nothing before that time is of it.
    since_ms = milliseconds(asked.since)
    with readable(kafka):
        async with LogReader(kafka, since_ms) as log:
            async for records in log.batches(COSTS, lambda _done, _total: None):
                for record in records:
                    one = codec.decode(record.value, CostStated)
                    if asked.since <= one.sent_at < asked.until and asked.tenant in (None, one.tenant):
                        sums.add(one)
    return sums.totals()
