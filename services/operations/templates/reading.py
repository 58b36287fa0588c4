"""A tenant's content templates, as Twilio lists them. All of them or none."""

from itertools import islice

from services.contract.templates import TEMPLATES
from services.domain.templates.events import TemplateStated
from services.domain.templates.listing import MOST_TEMPLATES, changes, stated
from services.operations.calling import PAGE_SIZE, TwilioError, accounts, asking
from services.operations.synced import Synced
from services.runtime.sections.twilio import TwilioSettings
from services.runtime.tenants.settings import TenantSettings


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


SYNCED = Synced(TEMPLATES, TemplateStated, listed, changes, "content template")
