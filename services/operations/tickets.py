"""Tickets that were given up: which there are, and that they are to be tried again."""

import msgspec
from aiokafka import ConsumerRecord

from services.contract import codec
from services.contract.codec import DecodeError
from services.contract.messages import TICKETS
from services.contract.partition import partition_of
from services.domain.identity import derived_event_id
from services.domain.messages.tickets import TicketEnded, TicketRetried
from services.operations.log import LogReader, check, readable
from services.operations.writing import FactWriter, Outgoing
from services.runtime.clock import now
from services.runtime.sections.kafka import KafkaSettings


class Wanted(msgspec.Struct, frozen=True, kw_only=True):
    """Which tickets are meant; None: all. `names`: as `given_up` tells their `keyword_event_id`."""

    tenant: str | None = None
    desk: str | None = None
    names: frozenset[str] = frozenset()

    def fits(self, ended: TicketEnded) -> bool:
        return (
            self.tenant in (None, ended.tenant)
            and self.desk in (None, ended.desk)
            and (not self.names or ended.keyword_event_id in self.names)
        )


async def given_up(kafka: KafkaSettings, wanted: Wanted) -> list[TicketEnded]:
    """Those that nobody has had tried again since, the oldest first. Raises LogError."""
    await check(kafka, [TICKETS.name])
    ended: dict[str, TicketEnded] = {}
    retried: set[str] = set()

    def take(record: ConsumerRecord) -> None:
        try:
            fact = codec.decode(record.value, TICKETS.event)
        except DecodeError:
            # Whoever wrote it, it ends nothing.
            return
        if isinstance(fact, TicketRetried):
            retried.add(fact.ended_event_id)
        else:
            ended[fact.keyword_event_id] = fact

    with readable(kafka):
        async with LogReader(kafka, None) as log:
            await log.read([TICKETS.name], take, lambda _done, _total: None)
    open_ = (one for one in ended.values() if one.outcome == "given_up" and one.event_id not in retried)
    return sorted((one for one in open_ if wanted.fits(one)), key=lambda one: (one.at, one.event_id))


async def retry(kafka: KafkaSettings, tickets: list[TicketEnded], by: str) -> None:
    """Have them tried again, each once, whoever asks how often. Raises LogError."""
    async with FactWriter(kafka) as writer:
        await writer.write([_outgoing(kafka, _retried(one, by)) for one in tickets], lambda: None)


def _retried(ended: TicketEnded, by: str) -> TicketRetried:
    at = now()
    return TicketRetried(
        event_id=derived_event_id(ended.event_id, "ticket", f"retried {at} {by}"),
        tenant=ended.tenant,
        contact=ended.contact,
        at=at,
        keyword_event_id=ended.keyword_event_id,
        ended_event_id=ended.event_id,
        by=by,
    )


def _outgoing(kafka: KafkaSettings, fact: TicketRetried) -> Outgoing:
    key = TICKETS.key(fact).encode()
    return Outgoing(
        TICKETS.name, partition_of(key, kafka.partitions), key, codec.encode(fact), codec.headers(TICKETS.name)
    )
