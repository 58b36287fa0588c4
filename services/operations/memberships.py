"""Which sender is in which Messaging Service: what Twilio's lists change of what the log knows, and writing it."""

import asyncio
from collections.abc import Sequence
from typing import NamedTuple

from services.contract import codec
from services.contract.partition import partition_of
from services.contract.senders import SENDERS
from services.domain.senders.events import SendersStated, key_of
from services.domain.senders.listing import Change, changes, is_emptied, joined
from services.operations.calling import TwilioError
from services.operations.senders import known, listed
from services.operations.writing import FactWriter, Outgoing
from services.runtime.clock import CLOCK, now
from services.runtime.config import Settings
from services.runtime.sections.kafka import KafkaSettings
from services.runtime.tenants.opening import tenants_of


class Stated(NamedTuple):
    """What is so of one tenant now, and what is news in it."""

    after: SendersStated
    changes: list[Change]


async def read(settings: Settings, tenant: str | None, allow_empty: bool) -> list[Stated]:
    """Of a tenant, or of all: every list is read before anything is returned. Raises TwilioError, LogError.

    `allow_empty`: a list of nothing is believed, where there were senders before.
    """
    if settings.clock_skew_file is not None:
        CLOCK.follow(settings.clock_skew_file)
    tenants = tenants_of(settings)
    if tenant is not None and tenant not in tenants:
        raise TwilioError(f"no tenant {tenant!r}; the settings know: {', '.join(tenants) or 'none'}")
    before_of = await known(settings.kafka)
    found = []
    for name in [tenant] if tenant else list(tenants):
        at = now()
        seen = await asyncio.to_thread(listed, name, tenants[name], settings.twilio)
        before = before_of.get(name)
        if is_emptied(before, seen) and not allow_empty:
            raise TwilioError(
                f"Twilio lists no sender and no service of tenant {name}, where there were some; check its "
                "credentials, or say --allow-empty if that is the truth"
            )
        # Of the moment when it was asked for: what changed meanwhile is in the next list for sure.
        after = joined(before, name, seen, at)
        found.append(Stated(after, changes(before, after)))
    return found


async def write(kafka: KafkaSettings, stated: Sequence[Stated]) -> None:
    """State it: every worker knows it within a second. Raises LogError."""
    async with FactWriter(kafka) as writer:
        await writer.write([_record(kafka, one.after) for one in stated], lambda: None)


def _record(kafka: KafkaSettings, stated: SendersStated) -> Outgoing:
    key = key_of(stated).encode()
    return Outgoing(
        SENDERS.name, partition_of(key, kafka.partitions), key, codec.encode(stated), codec.headers(SENDERS.name)
    )
