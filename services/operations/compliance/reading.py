"""What a tenant's accounts have registered, as Twilio lists it. Each account whole, or none of them."""

from collections.abc import AsyncIterator, Mapping, Sequence
from typing import Any

from services.contract.compliance import COMPLIANCE
from services.domain.compliance.events import MOST_NUMBERS, MOST_REGISTRATIONS, ComplianceStated
from services.domain.compliance.listing import Listed, changes, emptied, stated
from services.domain.compliance.registry import told_of
from services.operations.calling import TwilioError
from services.operations.paging import Answers, Host, Place, whole
from services.operations.senders import POOLS
from services.operations.synced import Synced
from services.runtime.tenants.settings import TenantSettings

# Of the account's numbers: the list, its key, and what a number is called there.
_NUMBERS = (
    ("IncomingPhoneNumbers", "incoming_phone_numbers", "phone_number"),
    ("SMS/ShortCodes", "short_codes", "short_code"),
)


async def listed(name: str, tenant: TenantSettings, answers: Answers, at: str) -> list[ComplianceStated]:
    """Of the tenant's account and its subaccounts, each by its own lists.

    Raises TwilioError where any list cannot be read whole, or is longer than what finds room.
    """
    accounts = (tenant.account_sid, *tenant.subaccounts)
    return [await _Account(name, sid, answers).stated(at) for sid in accounts]


class _Account:
    def __init__(self, tenant: str, sid: str, answers: Answers) -> None:
        self._tenant, self._sid, self._answers = tenant, sid, answers

    async def stated(self, at: str) -> ComplianceStated:
        services = [str(one.get("sid")) for one in await self._some("/v1/Services", "services")]
        before = await self._members(services)
        campaigns: list[Mapping[str, Any]] = []
        for service in services:
            campaigns += await self._some(f"/v1/Services/{service}/Compliance/Usa2p", "compliance")
        if len(campaigns) > MOST_REGISTRATIONS:
            raise self._too_many()
        found = Listed(
            await self._some("/v1/a2p/BrandRegistrations", "data"),
            campaigns,
            await self._some("/v1/Tollfree/Verifications", "verifications"),
            await self._numbers(),
            await self._members(services),
        )
        if before != found.services:
            # A number that moved while they were read, one after the other, may be missing in both.
            raise TwilioError(f"numbers of account {self._sid} moved between services while it was read; run it again")
        return stated(self._tenant, self._sid, found, at)

    async def _numbers(self) -> Sequence[str]:
        found: list[str] = []
        for collection, key, field in _NUMBERS:
            path = f"/2010-04-01/Accounts/{self._sid}/{collection}.json"
            found += [str(one.get(field)) for one in await self._some(path, key, MOST_NUMBERS, "api")]
        if len(found) > MOST_NUMBERS:
            raise self._too_many()
        return found

    async def _members(self, services: Sequence[str]) -> dict[str, list[str]]:
        found = {service: sorted([one async for one in self._members_of(service)]) for service in services}
        if sum(map(len, found.values())) > MOST_NUMBERS:
            raise self._too_many()
        return found

    async def _members_of(self, service: str) -> AsyncIterator[str]:
        """Everyone in the pools of a service."""
        for pool, (key, field) in POOLS.items():
            for one in await self._some(f"/v1/Services/{service}/{pool}", key, MOST_NUMBERS):
                if one.get(field):
                    yield str(one[field])

    async def _some(
        self, path: str, key: str, most: int | None = None, host: Host = "messaging"
    ) -> list[Mapping[str, Any]]:
        """All of a list that finds room."""
        found, limit = list[Mapping[str, Any]](), MOST_REGISTRATIONS if most is None else most
        async for one in whole(self._answers, Place(self._tenant, self._sid, host), path, key):
            if len(found) == limit:
                raise self._too_many()
            found.append(one)
        return found

    def _too_many(self) -> TwilioError:
        return TwilioError(
            f"account {self._sid} of tenant {self._tenant} has more than {MOST_NUMBERS} numbers, or more than "
            f"{MOST_REGISTRATIONS} services, brands, campaigns or verifications: more than one record holds; leave "
            "the tenant out, and give its settings registration: told (docs/compliance.md)"
        )


SYNCED = Synced(
    "compliance",
    COMPLIANCE,
    ComplianceStated,
    listed,
    changes,
    emptied,
    "registration",
    "list the registrations with US carriers",
    told_of,
)
