"""How far an opt-out reaches: one sender of ours, a Messaging Service, or the whole tenant.

As text: `sender:+14155550100`, `sender:whatsapp:+14155550100`, `service:MG…`, `tenant`. Beside them
stands `held`, which nobody said: something of theirs could not be read.
"""

from services.domain.contact import canonical, parts
from services.domain.sids import MESSAGING_SERVICE

TENANT = "tenant"
HELD = "held"


def sender_scope(sender: str) -> str:
    """The scope of an address of ours, as Twilio writes it, or of a Messaging Service."""
    if MESSAGING_SERVICE.fullmatch(sender):
        return service_scope(sender)
    channels, _ = parts(sender)
    name = canonical(sender)
    # A number is one sender by SMS, MMS and RCS, another by WhatsApp.
    return f"sender:{'whatsapp:' if 'whatsapp' in channels else ''}{name}"


def service_scope(messaging_service_sid: str) -> str:
    return f"service:{messaging_service_sid}"


def scopes_of(sender: str | None, messaging_service_sid: str | None) -> tuple[str, ...]:
    """The scopes that a message stands in, besides `tenant`: of its sender and its Messaging Service."""
    named = []
    if sender:
        named.append(sender_scope(sender))
    if messaging_service_sid:
        named.append(service_scope(messaging_service_sid))
    return tuple(dict.fromkeys(named))
