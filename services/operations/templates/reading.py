"""A tenant's content templates, as Twilio lists them and as the log knows them. All of them or none."""

from collections import defaultdict
from itertools import islice

from services.contract import codec
from services.contract.templates import TEMPLATES
from services.domain.templates.events import TemplateStated
from services.domain.templates.listing import MOST_TEMPLATES, stated
from services.operations.calling import PAGE_SIZE, TwilioError, accounts, asking
from services.operations.log import LogReader, check, readable
from services.runtime.config import KafkaSettings, TwilioSettings
from services.runtime.tenants.settings import TenantSettings

# By tenant, then by content sid.
Known = dict[str, dict[str, TemplateStated]]


def listed(name: str, tenant: TenantSettings, twilio: TwilioSettings, at: str) -> list[TemplateStated]:
    """Those of the account that the tenant sends from: a template is its account's alone.

    Raises TwilioError where the list cannot be read whole, or is longer than what finds room.
    """
    account = next(one for one in accounts(name, tenant, twilio) if one.main)
    with asking(account, "list the content templates"):
        pages = account.client.content.v1.content_and_approvals.stream(page_size=PAGE_SIZE)
        found = [
            stated(
                name,
                {
                    "sid": one.sid,
                    "friendly_name": one.friendly_name,
                    "language": one.language,
                    "types": one.types,
                    "approval_requests": one.approval_requests,
                    "date_updated": one.date_updated.isoformat() if one.date_updated else None,
                },
                at,
            )
            for one in islice(pages, MOST_TEMPLATES + 1)
        ]
    if len(found) > MOST_TEMPLATES:
        raise TwilioError(
            f"account {account.sid} of tenant {name} has more than {MOST_TEMPLATES} content templates, more than a "
            "sender can hold; delete those that nobody sends"
        )
    return found


async def known(kafka: KafkaSettings) -> Known:
    """What the log holds of every tenant's. Raises LogError."""
    await check(kafka, [TEMPLATES.name])
    found: Known = defaultdict(dict)
    with readable(kafka):
        async with LogReader(kafka, None) as log:
            async for records in log.batches(TEMPLATES, lambda _done, _total: None):
                for record in records:
                    tenant, _, sid = (record.key or b"").decode("utf-8", "replace").partition("|")
                    found[tenant].pop(sid, None)
                    if record.value is not None:
                        found[tenant][sid] = codec.decode(record.value, TemplateStated)
    return found
