"""`switchboard poller`."""

import asyncio
from collections import Counter
from collections.abc import Mapping
from functools import partial
from typing import Any

from services.cli.serve.start import needs_topics, serve, worker
from services.domain.syncs import ListName
from services.operations.backfill.reconciling import reconcile
from services.operations.compliance.reading import SYNCED as COMPLIANCE
from services.operations.fenced import Overtaken
from services.operations.known import Known
from services.operations.prices.reading import SYNCED as PRICES
from services.operations.synced import Party, Synced, Unread, Wanted, sync_one
from services.operations.templates.reading import SYNCED as TEMPLATES
from services.poller import main, syncing
from services.poller.answers import Answers
from services.runtime.config import Settings
from services.runtime.sections.kafka import KafkaSettings
from services.runtime.tenants.live import Tenants
from services.runtime.tenants.settings import TenantSettings

_LISTS: Mapping[ListName, Synced[Any]] = {one.name: one for one in (TEMPLATES, PRICES, COMPLIANCE)}


def poller() -> None:
    """Read Twilio where it does not tell: callbacks that never came, its lists, and once a day all messages."""
    serve("poller", worker(_run), partial(needs_topics, "poller"))


async def _run(settings: Settings, tenants: Tenants, stop: asyncio.Event) -> None:
    async with Known(settings.kafka, [one.topic for one in _LISTS.values()]) as log:
        hands = main.Hands(partial(reconcile, settings), partial(_sync, settings.kafka, log))
        await main.run(settings, tenants, stop, hands)


async def _sync(
    kafka: KafkaSettings, log: Known, name: ListName, tenant: str, settings: TenantSettings, answers: Answers
) -> syncing.Synced:
    """What the command does for one tenant."""
    try:
        found = await sync_one(kafka, log, _LISTS[name], Party(tenant, settings, answers), Wanted(tenant))
    except Overtaken:
        return syncing.Synced(overtaken=True)
    if isinstance(found, Unread):
        return syncing.Synced(emptied=found.why)
    told = _LISTS[name].told(found.listed) if found.changes else None
    return syncing.Synced(Counter(change.kind for change in found.changes), told)
