"""Does a message fit the campaign that it goes by? Told is only what the campaign's own words rule out.

Use cases are The Campaign Registry's, as Twilio names them. Those that are for anything (MIXED, LOW_VOLUME,
SOLE_PROPRIETOR), the special ones, and names that are new rule nothing out.
"""

import re
from collections.abc import Iterable

import phonenumbers

from services.domain.compliance.concerns import Concern, Kind
from services.domain.compliance.events import Campaign

_NO_MARKETING = frozenset(
    {
        "2FA", "ACCOUNT_NOTIFICATION", "CUSTOMER_CARE", "DELIVERY_NOTIFICATION", "FRAUD_ALERT", "HIGHER_EDUCATION",
        "POLLING_VOTING", "PUBLIC_SERVICE_ANNOUNCEMENT", "SECURITY_ALERT",
    }
)  # fmt: skip
# A scheme, or a host with a top-level domain that is not a number; `e.g.` and `3.5` are none.
_LINK = re.compile(r"https?://\S|\bwww\.\S|\b[a-z0-9-]+(?:\.[a-z0-9-]+)*\.[a-z]{2,24}/\S?", re.IGNORECASE)


def misfits(campaign: Campaign, purpose: str, body: str, *, shortens: bool, blocks: bool) -> list[Concern]:
    """`shortens`: Twilio makes links of its own in it. `blocks`: the tenant wants none of it to go."""
    called = f"campaign {campaign.sid} ({campaign.usecase or 'no use case'})"
    return [
        Concern(kind=kind, told=f"{called}: {told}", blocks=blocks)
        for kind, told in _found(campaign, purpose, body, shortens)
    ]


def _found(campaign: Campaign, purpose: str, body: str, shortens: bool) -> Iterable[tuple[Kind, str]]:
    if not _fits(campaign.usecase, purpose):
        yield "purpose", f"the command's purpose is {purpose}, which it is not registered for"
    if campaign.links is False and (shortens or _LINK.search(body)):
        yield "link", "it is registered without links, and the text has one"
    if campaign.phones is False and has_phone(body):
        yield "phone", "it is registered without phone numbers, and the text has one"


def _fits(usecase: str, purpose: str) -> bool:
    if purpose == "marketing":
        return usecase not in _NO_MARKETING
    if usecase == "2FA":
        return purpose == "authentication"
    return not (usecase == "MARKETING" and purpose == "authentication")


def has_phone(body: str) -> bool:
    """Whether a text holds a phone number, as somebody in the US writes it."""
    # Most texts have too few digits for one, and looking is dear.
    if sum(map(str.isdigit, body)) < 7:
        return False
    return phonenumbers.PhoneNumberMatcher(body, "US").has_next()
