"""Commands about messages that exist, put together."""

from services.domain.followups.effects import EFFECTS
from services.sender.followups.asking import ask
from services.sender.followups.calls import follow_up
from services.sender.outbound import Outbound, Parts
from services.sender.paces import RateLimit

# Of a tenant, beside its messages: ours, so that a great deletion leaves the account's concurrency to those.
_LIMITS = (RateLimit("account", 10.0),)


def outbound(parts: Parts) -> Outbound:
    """The product in a running sender."""
    return Outbound(
        effects=EFFECTS,
        host="api",
        ask=ask,
        request=lambda call: follow_up(call, parts.tenants.ones_own),
        limits=lambda *_: _LIMITS,
        holds_up_s=0.0,
        # Typing is Twilio's messaging host's, and a deletion is nothing that a text should wait for.
        apart="followups",
    )
