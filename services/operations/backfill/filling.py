"""One backfill: for whom, of which time, what is lacking, and its injection."""

from datetime import timedelta
from typing import NamedTuple

from services.contract.consent import CONSENT
from services.contract.messages import INBOUND, SENT, STATUS
from services.domain.clock import later
from services.operations.backfill.compare import Comparison, compare, compare_opt_outs
from services.operations.backfill.errors import BackfillError
from services.operations.backfill.injection import inject
from services.operations.backfill.lacking import Asker
from services.operations.backfill.listing import Account
from services.operations.backfill.window import Window, window
from services.operations.log import check, heed_stop, readable
from services.operations.progress import Progress
from services.operations.whose import recognised
from services.runtime.clock import CLOCK, now
from services.runtime.config import Settings
from services.runtime.replying import words_of
from services.runtime.tenants.opening import tenants_of
from services.runtime.tenants.settings import TenantSettings

# What Twilio keeps messages for; it lists no older ones.
_THIRTEEN_MONTHS_S = 400 * 86_400.0
# Evidence of consent is kept for ever.
_FOR_EVER = timedelta(days=36_500)
_KEPT = min(topic.retention for topic in (INBOUND, STATUS) if topic.retention)


class Wanted(NamedTuple):
    """What a person asks for. `opt_outs`: only STOPs, STARTs and what was refused for them."""

    tenant: str
    since: str | None = None
    until: str | None = None
    opt_outs: bool = False


class Backfill:
    """One backfill, and how many facts it injected, however it ends. `prepare` makes it."""

    def __init__(
        self, settings: Settings, tenant: TenantSettings, asker: Asker, window: Window, opt_outs: bool
    ) -> None:
        self._settings = settings
        self._asker = asker
        self._account = Account(asker.tenant, tenant, settings.twilio.api)
        self._look = compare_opt_outs if opt_outs else compare
        self.tenant = tenant
        self.window = window
        self.injected = 0

    async def compare(self, progress: Progress) -> Comparison:
        """What the log lacks now. Raises BackfillError and LogError."""
        with readable(self._settings.kafka):
            found = await self._look(self._settings, self._account, self._asker, self.window, progress)
        heed_stop()
        return found

    async def inject(self, found: Comparison, progress: Progress) -> None:
        """Write what was found lacking. Raises LogError; what was written stays: a fact is the same fact next time."""
        total = len(found.lacking)

        def acknowledged() -> None:
            self.injected += 1
            progress("injected", self.injected, total)

        await inject(self._settings.kafka, [one.event for one in found.lacking], acknowledged)


async def prepare(settings: Settings, wanted: Wanted) -> Backfill:
    """Raises BackfillError, TimeError, and ConfigError where Kafka does not answer, or knows the tenant otherwise."""
    if settings.clock_skew_file is not None:
        CLOCK.follow(settings.clock_skew_file)
    tenant, asked = _tenant(settings, wanted.tenant), _window(wanted)
    await check(settings.kafka, [topic.name for topic in (INBOUND, STATUS, SENT, CONSENT)])
    secret = await recognised(settings.kafka, wanted.tenant, tenant)
    asker = Asker(wanted.tenant, secret, words_of(tenant.consent))
    return Backfill(settings, tenant, asker, asked, wanted.opt_outs)


def _tenant(settings: Settings, name: str) -> TenantSettings:
    tenants = tenants_of(settings)
    if name not in tenants:
        raise BackfillError(f"no tenant {name!r}; the settings know: {', '.join(tenants) or 'none'}")
    return tenants[name]


def _window(wanted: Wanted) -> Window:
    if wanted.opt_outs:
        return window(wanted.since or later(now(), -_THIRTEEN_MONTHS_S), wanted.until, now(), _FOR_EVER)
    return window(wanted.since, wanted.until, now(), _KEPT)
