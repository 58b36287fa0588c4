"""The worker's composition: the fold, the copier, operations and links."""

import asyncio
from functools import partial

from services.contract.fold import MEDIA_APP
from services.contract.media import COPIES_FOLD
from services.media.copier import Copier
from services.media.copying import Copying
from services.media.counting import MEDIA
from services.media.fetching import Fetching
from services.media.links import routes
from services.media.scanning import Scanner
from services.media.storage import Storage
from services.media.topology import FOLDS
from services.runtime.config import Settings
from services.runtime.folding.app import fold_app
from services.runtime.folding.health import reasons
from services.runtime.folding.lifetime import run_app
from services.runtime.http import operations, serve
from services.runtime.line import Line
from services.runtime.metrics import FOLDING
from services.runtime.section import ConfigError
from services.runtime.strangers import Strangers, Where, loopback_too
from services.runtime.tenants.live import Tenants
from services.runtime.urls import is_twilio


async def run(settings: Settings, tenants: Tenants, stop: asyncio.Event) -> None:
    """Run until `stop`. Raises what crashed the app, and ConfigError where no bucket is named."""
    media = settings.media
    if not media.storage.bucket:
        raise ConfigError("media.storage.bucket: this worker copies into a bucket; name it")
    line = Line(media.timeout_s, 2 * media.at_once)
    # A Twilio that is played on this machine leads to this machine.
    strangers = Strangers(media.timeout_s, Where() if is_twilio(settings.twilio.api) else loopback_too(Where()))
    storage = Storage(media.storage, media.timeout_s)
    scanner = Scanner(media.clamav, media.timeout_s) if media.clamav else None
    copying = Copying(media, Fetching(line, strangers, settings.twilio.api, media.max_bytes), storage, scanner)
    copier = Copier(copying, tenants, media.at_once)
    app = fold_app(MEDIA_APP, FOLDS, settings.kafka, media, {COPIES_FOLD.name: copier})
    health = operations(
        partial(reasons, app), degraded=lambda: [*tenants.troubles(), *copier.troubles()], own=[FOLDING, MEDIA]
    )
    health.add_routes(routes(media, storage))
    server = await serve(health, media.host, media.port, "media.port")
    working: asyncio.Task[None] | None = None

    async def work() -> None:
        try:
            await copier.run()
        except Exception as error:
            # Without it nothing would be copied any more.
            await app.crash(error)

    try:
        working = asyncio.create_task(work())
        await run_app(app, stop)
    finally:
        if working is not None:
            working.cancel()
        await server.close()
        await line.close()
        await strangers.close()
