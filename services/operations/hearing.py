"""What would come of a message to us if it came now: what it says of consent, which rule it is for, what is answered.

Nothing is produced, and nobody is asked.
"""

from typing import NamedTuple

from services.domain.consent.hearing import Heard, Message, hear
from services.domain.messages.events import InboundReceived, KeywordHeard
from services.runtime.clock import now
from services.runtime.policy import replies, words_of
from services.runtime.tenants.settings import TenantSettings


class Coming(NamedTuple):
    """`heard`: of consent. `told`: what stands on twilio.keywords.v1. `reply`: what ingress answers."""

    heard: Heard | None
    told: KeywordHeard | None
    reply: str | None


def tried(name: str, tenant: TenantSettings, text: str, sender: str, to: str) -> Coming:
    """What comes of a text that this address writes to one of ours."""
    heard = hear(Message(to=to, body=text), words_of(tenant.consent))
    event = InboundReceived(
        event_id="",
        tenant=name,
        received_at=now(),
        contact="",
        account_sid=tenant.account_sid,
        message_sid="",
        from_=sender,
        to=to,
        body=text,
        num_media=0,
        heard=heard,
        raw={},
    )
    rules = replies(tenant)
    return Coming(heard, rules.heard(event), rules.to(event))
