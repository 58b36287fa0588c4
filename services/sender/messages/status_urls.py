"""The URL that Twilio is to call with a message's status: it carries the command and the contact, signed."""

from services.domain.clock import later
from services.domain.messages.callback import RETRIES, callback_query
from services.domain.messages.callback_keys import SPREADS_S
from services.domain.messages.commands import CommandAccepted
from services.runtime.clock import now
from services.runtime.tenants.derived import Derived
from services.runtime.tenants.live import Tenants
from services.runtime.tenants.settings import TenantSettings


class StatusUrls:
    """Signed by a key that this process has known for as long as it takes each ingress to read it."""

    def __init__(self, tenants: Tenants, public_url: str) -> None:
        self._tenants = tenants
        self._public_url = public_url
        self._rings = Derived(tenants, lambda _, tenant: tenant.callback_ring)
        # By tenant and key, since when it is known here.
        self._known: dict[tuple[str, bytes], str] = {}
        self._meet(frozenset(tenants))
        tenants.listen(self._meet)

    def of(self, tenant: TenantSettings, command: CommandAccepted) -> str:
        """`tenant`: the command's."""
        moment, name = now(), command.tenant

        def spread(key: bytes) -> bool:
            return self._known.get((name, key), moment) <= later(moment, -SPREADS_S)

        signer = (self._rings.get(name) or tenant.callback_ring).signing(moment, spread)
        query = callback_query(signer, command.command_id, command.contact)
        return f"{self._public_url}/twilio/{name}/status?{query}{RETRIES}"

    def _meet(self, names: frozenset[str]) -> None:
        moment = now()
        for name in names:
            tenant = self._tenants.get(name)
            for key in tenant.callback_ring.all if tenant is not None else ():
                self._known.setdefault((name, key), moment)
