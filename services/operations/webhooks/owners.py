"""Whose an endpoint is where several tenants have its account. Pure.

As ingress tells it on the URL that they share: by the sender, which exactly one of them lists in `allowed_senders`;
else by the only one of them that lists none.
"""

from collections.abc import Mapping

from services.domain.contact import canonical, parts
from services.operations.webhooks.reading import Endpoint
from services.runtime.tenants.settings import TenantSettings

# In place of a tenant's name: the URL that all share.
SHARED = ""
_Sender = tuple[tuple[str, ...], str]


class Owners:
    """Of these tenants, in whatever state they are."""

    def __init__(self, tenants: Mapping[str, TenantSettings]) -> None:
        self._lists = {name: frozenset(map(_sender, one.allowed_senders)) for name, one in tenants.items()}
        self._by_account: dict[str, list[str]] = {}
        for name, one in tenants.items():
            for sid in {one.account_sid, *one.subaccounts}:
                self._by_account.setdefault(sid, []).append(name)

    def of_account(self, sid: str) -> tuple[str, ...]:
        """All tenants that have it."""
        return tuple(self._by_account.get(sid, ()))

    def of(self, endpoint: Endpoint) -> str | None:
        """The tenant whose it is; SHARED where ingress tells its members apart; None where nobody can tell."""
        names = self.of_account(endpoint.account)
        if len(names) < 2:
            return endpoint.tenant
        sender = _sender(endpoint.sid if endpoint.kind == "service" else endpoint.name)
        listing = [name for name in names if sender in self._lists[name]]
        others = [name for name in names if not self._lists[name]]
        if listing:
            return listing[0] if len(listing) == 1 else None
        if endpoint.kind == "service":
            return SHARED if len(others) < 2 else None
        return others[0] if len(others) == 1 else None


def _sender(address: str) -> _Sender:
    """In one spelling, on its channel: a number's WhatsApp may be another tenant's than its SMS."""
    return parts(address).channels, canonical(address)
