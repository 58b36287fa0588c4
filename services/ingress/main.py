"""How ingress is put together, and in which order it starts and ends."""

import asyncio
import logging
from functools import partial

from services.contract.topics import INBOUND, STATUS
from services.ingress import metrics, producer
from services.ingress.app import make_server
from services.ingress.durable import DurableLog
from services.ingress.spool import Spool
from services.runtime import http
from services.runtime.config import Settings

_log = logging.getLogger(__name__)


async def run(settings: Settings, stop: asyncio.Event) -> None:
    """Serve webhooks until told to stop. Raises ConfigError, PortTaken; an absent broker is no error."""
    ingress = settings.ingress
    spool = Spool(ingress.spool)
    connect = partial(producer.connect, settings.kafka, (INBOUND.name, STATUS.name))
    log = DurableLog(connect, spool, ingress.produce_deadline_s)
    metrics.SPOOL_BYTES.set_function(lambda: spool.size)
    metrics.SPOOL_AGE.set_function(lambda: spool.oldest_age_s)

    def detail() -> dict[str, object]:
        return {
            "kafka": log.trouble or "connected",
            "spool_bytes": spool.size,
            "spool_oldest_seconds": round(spool.oldest_age_s, 3),
        }

    server = await http.serve(make_server(settings, log, detail), ingress.host, ingress.port, "ingress.port")
    _log.info("ingress listens on %s, as %s", server.url, settings.public_url)
    # The log outlives the server: requests under way still need it.
    ended = asyncio.Event()
    keeping = asyncio.create_task(log.run(ended))
    try:
        await stop.wait()
    finally:
        await server.close()
        ended.set()
        await keeping
