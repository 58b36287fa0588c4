"""Which rates a message keeps: its sender's, and its destination's where that has one."""

from services.domain.compliance.registry import NOTHING_KNOWN, Registry
from services.domain.messages.commands import CommandAccepted
from services.domain.messages.routing import is_service
from services.domain.senders.names import kind_of
from services.runtime.tenants.sections.routing import RateLimitSettings
from services.sender.paces import RateLimit


def limits(stated: RateLimitSettings, sender: str, towards: str, registry: Registry = NOTHING_KNOWN) -> list[RateLimit]:
    """By a tenant's settings of this moment; where they name neither the sender nor its kind, by its US campaign."""
    kept = [_of_sender(stated, sender, registry)]
    if (most := stated.destinations.get(towards)) is not None:
        kept.append(RateLimit(f"towards {towards}", most))
    return kept


def units(command: CommandAccepted) -> int:
    """What it counts: Twilio counts the segments of an SMS."""
    return command.segments or 1


def _of_sender(stated: RateLimitSettings, sender: str, registry: Registry) -> RateLimit:
    of = f"sender {sender}"
    if (own := stated.senders.get(sender)) is not None:
        return RateLimit(of, own)
    kind = None if is_service(sender) else stated.kinds.get(kind_of(sender))
    if kind is None and (pace := registry.pace(sender)) is not None:
        # All numbers of a campaign share what it sends.
        return RateLimit(f"campaign {pace.campaign}", pace.a_second)
    return RateLimit(of, stated.each if kind is None else kind, usual=True)
