"""The rates of a lane. Twilio knows accounts: tenants that send from one share what it lets through."""

from collections.abc import Iterable
from typing import NamedTuple

from services.runtime.tenants.live import Tenants
from services.runtime.tenants.settings import TenantSettings
from services.sender.lanes import LaneName
from services.sender.outbound import Products
from services.sender.paces import RateLimit

# Of a tenant that is not known here: nothing of it goes, and it is asked now and then.
_OF_NOBODY = 1.0


class LaneRates(NamedTuple):
    """`partitions`: of every topic; a worker has the share of those that it owns."""

    products: Products
    tenants: Tenants
    partitions: int

    def of(self, lane: LaneName, owned: int) -> list[RateLimit]:
        """All that a lane keeps, by whose they are: an account's at a host, of a product."""
        tenant = self.tenants.get(lane.account.tenant)
        if tenant is None:
            account = lane.account.tenant
            kept: Iterable[RateLimit] = (RateLimit(lane.sender, _OF_NOBODY),)
        else:
            account, kept = tenant.account_sid, self._stated(lane, tenant)
        share = max(1, owned) / self.partitions
        return [
            RateLimit((account, lane.account.host, lane.kind, one.of), one.a_second * share, one.even) for one in kept
        ]

    def _stated(self, lane: LaneName, tenant: TenantSettings) -> Iterable[RateLimit]:
        limits, own = self.products[lane.kind].limits, lane.account.tenant
        kept = limits(own, tenant, lane.sender, lane.towards)
        sharing = self.tenants.of_account(tenant.account_sid)
        if len(sharing) == 1:
            return kept
        least = {one.of: one for one in kept}
        for name in sharing:
            other = self.tenants[name]
            if name == own or (other.allowed_senders and lane.sender not in other.allowed_senders):
                continue
            for one in limits(name, other, lane.sender, lane.towards):
                if one.of not in least or _before(one) < _before(least[one.of]):
                    least[one.of] = one
        return least.values()


def _before(one: RateLimit) -> tuple[bool, float]:
    """Of several tenants' words the least counts; what is usual only where nobody names the sender."""
    return one.usual, one.a_second
