"""Refusals that tell a person's will: Twilio's, the network's, and those of WhatsApp, where no message says it."""

from services.domain.consent.scopes import scopes_of
from services.domain.messages.errors import explain

# They blocked the sender on its channel; they left its marketing on WhatsApp. WhatsApp keeps both, for one sender. Who
# writes to it again may be answered; templates need a new yes.
_LEFT = frozenset({63014, 63033})
LEFT = frozenset(f"twilio_{code}" for code in _LEFT)


def is_opt_out(code: int | None) -> bool:
    """Does this code say that the person wants no messages?"""
    return explain(code).tells == "opted_out"


def refused_scopes(code: int | None, sender: str, service: str | None) -> tuple[str, ...]:
    """What such a refusal stops. What WhatsApp keeps stops the sender alone: the service may have others, for SMS."""
    if code in _LEFT and sender:
        return scopes_of(sender, None)
    return scopes_of(sender, service)
