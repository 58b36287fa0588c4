"""`switchboard ingress`."""

from functools import partial

from services.cli.serve.start import Served, needs_tenants, serve
from services.ingress import main
from services.ingress.stamp import Stamp
from services.runtime.config import Settings
from services.runtime.tenants.known import KnownTenants

# A start of a few tenants is over by then, and a proxy in front goes to another ingress meanwhile. Of thousands, those
# that were compared need not wait for the others.
_WITHIN_S = 5.0


def ingress() -> None:
    """Take Twilio's webhooks in: verify, write to the log, acknowledge."""
    serve("ingress", _stamped, needs_tenants)


def _stamped(settings: Settings) -> Served:
    stamp = Stamp(KnownTenants(settings.kafka), settings.ingress.spool.directory)
    return Served(partial(main.run, stamp=stamp), stamp.compare, _WITHIN_S)
