"""Refusals that tell a person's will: Twilio's, the network's, and those of WhatsApp, where no message says it."""

from services.domain.consent.refusals import LEFT
from services.domain.consent.scopes import scopes_of
from services.domain.errors import explain


def is_opt_out(code: int | None) -> bool:
    """Does this code say that the person wants no messages?"""
    return explain(code).tells == "opted_out"


def source_of(code: int | None) -> str:
    """What the mark of such a refusal names as its source."""
    return f"twilio_{code}"


def refused_scopes(code: int | None, sender: str, service: str | None) -> tuple[str, ...]:
    """What such a refusal stops. What WhatsApp keeps stops the sender alone: the service may have others, for SMS."""
    if source_of(code) in LEFT and sender:
        return scopes_of(sender, None)
    return scopes_of(sender, service)
