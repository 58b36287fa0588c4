"""What a tenant's accounts have registered, as Twilio lists it. Each account whole, or none of them."""

from collections.abc import Iterable, Iterator, Mapping
from itertools import islice
from typing import Any

from services.contract.compliance import COMPLIANCE
from services.domain.compliance.events import MOST_NUMBERS, MOST_REGISTRATIONS, ComplianceStated
from services.domain.compliance.listing import Listed, changes, stated
from services.operations.calling import PAGE_SIZE, Account, TwilioError, accounts, asking
from services.operations.senders import members_of, numbers_of
from services.operations.synced import Synced
from services.runtime.sections.twilio import TwilioSettings
from services.runtime.tenants.settings import TenantSettings

_BRAND = (
    "sid", "status", "brand_type", "brand_score", "identity_status", "mock", "errors", "failure_reason",
)  # fmt: skip
_CAMPAIGN = (
    "sid", "messaging_service_sid", "campaign_status", "brand_registration_sid", "us_app_to_person_usecase",
    "has_embedded_links", "has_embedded_phone", "rate_limits", "mock", "errors",
)  # fmt: skip
_VERIFICATION = ("sid", "tollfree_phone_number", "status", "error_code", "rejection_reason")


def listed(name: str, tenant: TenantSettings, twilio: TwilioSettings, at: str) -> list[ComplianceStated]:
    """Of the tenant's account and its subaccounts, each by its own lists.

    Raises TwilioError where any list cannot be read whole, or is longer than what finds room.
    """
    return [_account(account, at) for account in accounts(name, tenant, twilio)]


def _account(account: Account, at: str) -> ComplianceStated:
    messaging = account.client.messaging.v1
    with asking(account, "list the registrations with US carriers"):
        services = list(_some(account, messaging.services.stream(page_size=PAGE_SIZE), MOST_REGISTRATIONS))
        before = _members(account, services)
        campaigns = [one for service in services for one in service.us_app_to_person.stream(page_size=PAGE_SIZE)]
        found = Listed(
            _told(account, messaging.brand_registrations.stream(page_size=PAGE_SIZE), _BRAND),
            _told(account, campaigns, _CAMPAIGN),
            _told(account, messaging.tollfree_verifications.stream(page_size=PAGE_SIZE), _VERIFICATION),
            [address for address, _ in _some(account, numbers_of(account.client), MOST_NUMBERS)],
            _members(account, services),
        )
    if before != found.services:
        # A number that moved while they were read, one after the other, may be missing in both.
        raise TwilioError(f"numbers of account {account.sid} moved between services while it was read; run it again")
    return stated(account.tenant, account.sid, found, at)


def _members(account: Account, services: Iterable[Any]) -> dict[str, list[str]]:
    found = {service.sid: sorted(address for address, _ in members_of(service) if address) for service in services}
    if sum(map(len, found.values())) > MOST_NUMBERS:
        raise _too_many(account)
    return found


def _told(account: Account, found: Iterable[Any], fields: Iterable[str]) -> list[Mapping[str, Any]]:
    found = _some(account, found, MOST_REGISTRATIONS)
    return [{field: getattr(one, field) for field in fields} for one in found]


def _some(account: Account, found: Iterable[Any], most: int) -> Iterator[Any]:
    """All of a list that finds room."""
    for count, one in enumerate(islice(found, most + 1)):
        if count == most:
            raise _too_many(account)
        yield one


def _too_many(account: Account) -> TwilioError:
    return TwilioError(
        f"account {account.sid} of tenant {account.tenant} has more than {MOST_NUMBERS} numbers, or more than "
        f"{MOST_REGISTRATIONS} services, brands, campaigns or verifications: more than one record holds; leave the "
        "tenant out, and give its settings registration: told (docs/compliance.md)"
    )


SYNCED = Synced(COMPLIANCE, ComplianceStated, listed, changes, "registration")
