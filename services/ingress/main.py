"""How ingress is put together, and in which order it starts and ends."""

import asyncio
import gc
import logging
from contextlib import AsyncExitStack
from pathlib import Path

from services.ingress import metrics, producer
from services.ingress.app import make_server
from services.ingress.durable import DurableLog
from services.ingress.producer import Producer
from services.ingress.receiving import Webhooks
from services.ingress.spool import Spool
from services.ingress.stamp import Stamp
from services.runtime.callbacks import uncallable
from services.runtime.config import Settings
from services.runtime.http import operations, serve
from services.runtime.tenants.live import Tenants

_log = logging.getLogger(__name__)


async def run(settings: Settings, tenants: Tenants, stop: asyncio.Event, stamp: Stamp | None = None) -> None:
    """Serve webhooks until told to stop. Raises ConfigError, PortTaken; an absent broker is no error.

    `stamp`: asked before anything goes to Kafka, whether the tenants are those that the log knows.
    """
    ingress = settings.ingress
    spool = Spool(ingress.spool)

    async def connect() -> Producer:
        await tenants.settled.wait()
        if stamp is not None:
            await stamp.vouch(tenants, spool)
        return await producer.connect(settings.kafka, webhooks.topics)

    log = DurableLog(connect, spool, ingress.produce_deadline_s)
    webhooks = Webhooks(settings, tenants, log)
    # What was set aside of a tenant may be right by its new settings.
    tenants.listen(lambda changed: log.anew() if changed & spool.held().keys() else None)
    metrics.SPOOL_BYTES.set_function(lambda: spool.size)
    metrics.HELD_BYTES.set_function(lambda: sum(spool.held().values()))
    metrics.SPOOL_AGE.set_function(lambda: spool.oldest_age_s)

    def detail() -> dict[str, object]:
        return {
            "kafka": log.trouble or "connected",
            "spool_bytes": spool.size,
            "spool_oldest_seconds": round(spool.oldest_age_s, 3),
        }

    async with AsyncExitStack() as stack:
        health = operations(
            lambda: [*log.unready(), *([] if tenants.settled.is_set() else [_COMPARED])],
            detail,
            lambda: [*uncallable(settings), *tenants.troubles(), *_held(spool, ingress.spool.directory)],
            [metrics.INGRESS],
        )
        asked = await serve(health, ingress.operations_host, ingress.operations_port, "ingress.operations_port")
        stack.push_async_callback(asked.close)
        server = await serve(make_server(settings, webhooks), ingress.host, ingress.port, "ingress.port")
        _log.info("ingress listens on %s, as %s; operations on %s", server.url, settings.public_url, asked.url)
        # The log outlives the server: requests under way still need it.
        ended = asyncio.Event()
        keeping = asyncio.create_task(log.run(ended))
        # Modules and settings stay: to look for garbage among them too held up all webhooks for 20 ms now and then.
        gc.freeze()
        try:
            await stop.wait()
        finally:
            await server.close()
            ended.set()
            await keeping


_COMPARED = "some tenants are not held against the log yet, and are answered 503; it goes on by itself"


def _held(spool: Spool, directory: Path) -> list[str]:
    return [
        f"{name}: {size:,} bytes of its facts are set aside in {directory}: they are not keyed by the contact_secret "
        "that the log knows, or that is not known yet. Put it right first. What is set aside then too was taken by a "
        f"wrong one: have `switchboard backfill --tenant {name}` fetch it, and remove *.{name}.held there"
        for name, size in spool.held().items()
    ]
