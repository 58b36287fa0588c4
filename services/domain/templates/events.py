"""What the log holds of content templates (`twilio.templates.v1`)."""

from typing import Literal

import msgspec

# What a placeholder's value becomes: a text, a whole URL or a part of one, a phone number, a coordinate, a code.
Use = Literal["text", "url", "url_part", "phone", "number", "code"]
STATES = frozenset({"unsubmitted", "received", "pending", "approved", "rejected", "paused", "disabled"})
# Types that WhatsApp takes in an open window alone (Twilio's page on 63016), and those that it takes approved alone.
ONLY_IN_SESSION = frozenset({"twilio/list-picker", "twilio/location"})
ONLY_APPROVED = frozenset({"whatsapp/authentication"})
# What WhatsApp has said, and nobody may send by it.
STOPPED = frozenset({"rejected", "paused", "disabled"})


class TemplateStated(msgspec.Struct, frozen=True, kw_only=True):
    """One content template of a tenant (keyed by tenant and content sid, compacted; a tombstone: it is gone).

    `name`: under which it was submitted to WhatsApp; before that its friendly name. `state`: of WhatsApp's approval,
    in Twilio's words: unsubmitted, received, pending, approved, rejected, paused, disabled, or one that is new.
    `reason`: why it was rejected. `category`: UTILITY, MARKETING or AUTHENTICATION. `types`: its content types.
    `placeholders`: name → what its value becomes. `body`: of `twilio/text`, else of its first type that has a text.
    `updated_at`: as Twilio says. `at`: when a list said so first.
    """

    event_type: Literal["template_stated"] = "template_stated"
    event_id: str
    tenant: str
    content_sid: str
    at: str
    name: str
    language: str
    state: str
    category: str | None = None
    reason: str | None = None
    types: list[str]
    placeholders: dict[str, list[Use]]
    body: str | None = None
    updated_at: str | None = None


def key_of(event: TemplateStated) -> str:
    """`acme|HX…`."""
    return f"{event.tenant}|{event.content_sid}"
