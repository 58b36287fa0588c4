"""What Twilio's list of content templates changes of what the log knows; and writing that, and nothing else."""

import asyncio
from collections.abc import AsyncIterator, Mapping
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
from services.runtime.tenants.live import Tenants
from services.runtime.tenants.opening import tenants_of
from services.runtime.tenants.settings import TenantSettings

_UNUSABLE = "its settings cannot be used; `switchboard config check` says why"


class Compared(NamedTuple):
    """Of one tenant: what Twilio lists, and what is news in it."""

    tenant: str
    listed: list[TemplateStated]
    changes: list[Change]


class Unread(NamedTuple):
    """A tenant whose list could not be read, or is not believed: nothing of it changes."""

    tenant: str
    why: str


class Left(NamedTuple):
    """A tenant that the settings do not know, of which the log still holds so many templates."""

    tenant: str
    templates: int


async def compare(settings: Settings, tenant: str | None, allow_empty: bool) -> AsyncIterator[Compared | Unread | Left]:
    """Of a tenant, or of each in turn: what one cannot tell stops no other. Raises TwilioError, LogError.

    `allow_empty`: a list of nothing is believed, where there were templates before. Templates of a tenant that the
    settings do not know end only where it is named with this: other settings may know it, and what names its templates
    would be blocked.
    """
    if settings.clock_skew_file is not None:
        CLOCK.follow(settings.clock_skew_file)
    tenants = tenants_of(settings)
    before = await known(settings.kafka)
    if tenant is not None and tenant not in tenants:
        yield _ended(tenant, before.get(tenant, {}), tenants, allow_empty)
        return
    for name in [tenant] if tenant else list(tenants):
        yield await _compared(settings, name, tenants[name], before.get(name, {}), allow_empty)
    if tenant is None:
        for name, left in sorted(before.items()):
            if left and name not in tenants:
                yield Unread(name, _UNUSABLE) if tenants.awaited(name) else Left(name, len(left))


async def _compared(
    settings: Settings, name: str, tenant: TenantSettings, was: Mapping[str, TemplateStated], allow_empty: bool
) -> Compared | Unread:
    try:
        one = await asyncio.to_thread(listed, name, tenant, settings.twilio, now())
    except TwilioError as error:
        return Unread(name, str(error))
    if was and not one and not allow_empty:
        return Unread(
            name,
            f"Twilio lists no content template of tenant {name}, where there were {len(was)}; check its credentials, "
            "or say --allow-empty if that is the truth",
        )
    return Compared(name, one, changes(was, one))


def _ended(name: str, was: Mapping[str, TemplateStated], tenants: Tenants, allow_empty: bool) -> Compared:
    if tenants.awaited(name):
        raise TwilioError(f"{name}: {_UNUSABLE}")
    if was and allow_empty:
        return Compared(name, [], changes(was, []))
    ends = f"; --allow-empty ends the {len(was)} templates that the log holds of it" if was else ""
    raise TwilioError(f"no tenant {name!r}; the settings know: {', '.join(tenants) or 'none'}{ends}")


async def write(kafka: KafkaSettings, found: Compared) -> None:
    """State what is news; what is gone ends with a tombstone. Raises LogError."""
    records = [_record(kafka, change) for change in found.changes]
    if records:
        async with FactWriter(kafka) as writer:
            await writer.write(records, lambda: None)


def _record(kafka: KafkaSettings, change: Change) -> Outgoing:
    key = key_of(change.template).encode()
    value = None if change.kind == "gone" else codec.encode(change.template)
    return Outgoing(TEMPLATES.name, partition_of(key, kafka.partitions), key, value, codec.headers(TEMPLATES.name))
