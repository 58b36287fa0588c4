"""What Twilio's list of content templates changes of what the log knows; and writing that, and nothing else."""

import asyncio
from collections.abc import Iterable
from typing import NamedTuple

from services.contract import codec
from services.contract.partition import partition_of
from services.contract.templates import TEMPLATES
from services.domain.templates.events import TemplateStated, key_of
from services.domain.templates.listing import Change, changes
from services.operations.calling import TwilioError
from services.operations.templates.reading import known, listed
from services.operations.writing import FactWriter, Outgoing
from services.runtime.clock import CLOCK, now
from services.runtime.config import KafkaSettings, Settings
from services.runtime.tenants.opening import tenants_of


class Compared(NamedTuple):
    """Of one tenant: what Twilio lists, and what is news in it."""

    tenant: str
    listed: list[TemplateStated]
    changes: list[Change]


async def compare(settings: Settings, tenant: str | None, allow_empty: bool) -> list[Compared]:
    """Of a tenant, or of all: every list is read before anything is returned. Raises TwilioError, LogError.

    `allow_empty`: a list of nothing is believed, where there were templates before.
    """
    if settings.clock_skew_file is not None:
        CLOCK.follow(settings.clock_skew_file)
    tenants = tenants_of(settings)
    if tenant is not None and tenant not in tenants:
        raise TwilioError(f"no tenant {tenant!r}; the settings know: {', '.join(tenants) or 'none'}")
    before = await known(settings.kafka)
    found = []
    for name in [tenant] if tenant else list(tenants):
        one = await asyncio.to_thread(listed, name, tenants[name], settings.twilio, now())
        was = before.get(name, {})
        if was and not one and not allow_empty:
            raise TwilioError(
                f"Twilio lists no content template of tenant {name}, where there were {len(was)}; check its "
                "credentials, or say --allow-empty if that is the truth"
            )
        found.append(Compared(name, one, changes(was, one)))
    return found


async def write(kafka: KafkaSettings, found: Iterable[Compared]) -> None:
    """State what is news; what is gone ends with a tombstone. Raises LogError."""
    records = [_record(kafka, change) for one in found for change in one.changes]
    if records:
        async with FactWriter(kafka) as writer:
            await writer.write(records, lambda: None)


def _record(kafka: KafkaSettings, change: Change) -> Outgoing:
    key = key_of(change.template).encode()
    value = None if change.kind == "gone" else codec.encode(change.template)
    return Outgoing(TEMPLATES.name, partition_of(key, kafka.partitions), key, value, codec.headers(TEMPLATES.name))
