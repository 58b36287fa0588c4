"""What `switchboard backfill --apply` does, where nobody watches: the poller once a day, `dev` all the time."""

from collections import Counter
from collections.abc import Awaitable, Callable

from services.operations.backfill.compare import compare
from services.operations.backfill.injection import inject
from services.operations.backfill.lacking import Asker
from services.operations.backfill.listing import Account
from services.operations.backfill.window import Window
from services.runtime.config import Settings
from services.runtime.replying import words_of
from services.runtime.tenants.settings import TenantSettings


async def reconcile(
    settings: Settings, name: str, tenant: TenantSettings, span: tuple[str, str], turn: Callable[[], Awaitable[None]]
) -> Counter[str]:
    """Write what the log lacks of what Twilio lists from one time to another: how many facts, by kind.

    `turn` returns when one more call may be made. Raises BackfillError, LogError and aiokafka's KafkaError; what was
    written by then stays, and is the same fact next time.
    """
    asker = Asker(name, tenant.contact_secret.get_secret_value().encode(), words_of(tenant.consent))
    account = Account(name, tenant, settings.twilio.api, turn)
    found = await compare(settings, account, asker, Window(*span), _unshown)
    written: Counter[str] = Counter()
    kinds = iter([one.kind for one in found.lacking])
    await inject(settings.kafka, [one.event for one in found.lacking], lambda: written.update((next(kinds),)))
    return written


def _unshown(_name: str, _done: int, _total: int | None) -> None:
    """Bars would run through a log."""
