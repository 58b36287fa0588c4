"""A tenant's content templates, as Twilio lists them. All of them or none."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from services.contract.templates import TEMPLATES
from services.domain.templates.events import TemplateStated
from services.domain.templates.listing import MOST_TEMPLATES, changes, stated
from services.operations.calling import TwilioError
from services.operations.paging import Answers, Place, whole
from services.operations.synced import Synced, emptied
from services.runtime.tenants.settings import TenantSettings


async def listed(name: str, tenant: TenantSettings, answers: Answers, at: str) -> list[TemplateStated]:
    """Those of the account that the tenant sends from: a template is its account's alone.

    Raises TwilioError where the list cannot be read whole, or is longer than what finds room.
    """
    place = Place(name, tenant.account_sid, "content")
    found: list[TemplateStated] = []
    async for one in whole(answers, place, "/v1/ContentAndApprovals", "contents"):
        if len(found) == MOST_TEMPLATES:
            raise TwilioError(
                f"account {tenant.account_sid} of tenant {name} has more than {MOST_TEMPLATES} content templates, more "
                "than a sender can hold; delete those that nobody sends"
            )
        found.append(stated(name, {**one, "date_updated": _moment(one)}, at))
    return found


def _moment(one: Mapping[str, Any]) -> str | None:
    """One moment has one spelling here, so that it is the same fact however Twilio writes it."""
    told = one.get("date_updated")
    try:
        return datetime.fromisoformat(str(told)).isoformat() if told else None
    except ValueError:
        return str(told)


SYNCED = Synced(
    "templates",
    TEMPLATES,
    TemplateStated,
    listed,
    changes,
    emptied,
    "content template",
    "list the content templates",
)
