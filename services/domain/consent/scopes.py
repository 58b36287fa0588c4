"""How far an opt-out reaches: one sender of ours, a Messaging Service, or the whole tenant.

As text: `sender:+14155550100`, `sender:whatsapp:+14155550100`, `service:MG…`, `tenant`.
"""

import re

from services.domain.contact import bare, canonical

TENANT = "tenant"
_MESSAGING_SERVICE = re.compile(r"MG[0-9a-fA-F]{32}")


def sender_scope(sender: str) -> str:
    """The scope of an address of ours, as Twilio writes it, or of a Messaging Service."""
    if _MESSAGING_SERVICE.fullmatch(sender):
        return service_scope(sender)
    prefix = sender.strip().removesuffix(bare(sender)).lower().replace(" ", "")
    # A number is one sender by SMS and MMS, another by WhatsApp.
    channel = "" if prefix in ("sms:", "mms:") else prefix
    return f"sender:{channel}{canonical(sender)}"


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
