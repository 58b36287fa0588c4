"""Which rates a message keeps: its sender's, and its destination's where that has one."""

from services.domain.messages.commands import CommandAccepted
from services.domain.messages.routing import is_service
from services.domain.senders.names import kind_of
from services.runtime.tenants.settings import RateLimitSettings
from services.sender.paces import RateLimit


def limits(stated: RateLimitSettings, sender: str, towards: str) -> list[RateLimit]:
    """By a tenant's settings of this moment."""
    kept = [RateLimit(f"sender {sender}", _of_sender(stated, sender))]
    if (most := stated.destinations.get(towards)) is not None:
        kept.append(RateLimit(f"towards {towards}", most))
    return kept


def units(command: CommandAccepted) -> int:
    """What it counts: Twilio counts the segments of an SMS."""
    return command.segments or 1


def _of_sender(stated: RateLimitSettings, sender: str) -> float:
    if (own := stated.senders.get(sender)) is not None:
        return own
    return stated.each if is_service(sender) else stated.kinds.get(kind_of(sender), stated.each)
