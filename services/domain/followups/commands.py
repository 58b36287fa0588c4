"""Commands about a message that exists: what a producer may ask for, and what intake makes of it.

A command's identity is tenant + contact + command id.
"""

from typing import Literal

import msgspec

from services.domain.contact import parts

# Of the sender's products.
KIND = "follow-up"

Action = Literal["feedback", "redact", "delete", "typing"]
FeedbackOutcome = Literal["confirmed", "unconfirmed"]


class FollowUp(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """The public command (`twilio.outbound.followups.v1`, any key): what is to be done about one message.

    Whose message it is says `to`, an address, or `contact`, the key in results. Which it is says `of_command`, the
    command that created it, or `message_sid`. `outcome`: of a feedback, whether the person did what the message asked
    for. `redact` empties its text; `delete` takes its media and then itself away; `typing` shows the person of an
    inbound message by WhatsApp or RCS that an answer is on its way; WhatsApp marks it as read.
    """

    command_id: str
    tenant: str
    action: Action
    event_type: Literal["follow_up"] = "follow_up"
    to: str | None = None
    contact: str | None = None
    of_command: str | None = None
    message_sid: str | None = None
    outcome: FeedbackOutcome | None = None
    not_before: str | None = None
    not_after: str | None = None
    label: str | None = None


class FollowUpAccepted(msgspec.Struct, frozen=True, kw_only=True, tag_field="event_type", tag="follow_up_accepted"):
    """A valid command (`twilio.outbound.accepted.v1`, keyed by contact). `to` is empty where only the key was given."""

    event_id: str
    tenant: str
    command_id: str
    contact: str
    accepted_at: str
    sequence: int
    not_after: str
    fingerprint: str
    action: Action
    to: str
    of_command: str | None = None
    message_sid: str | None = None
    outcome: FeedbackOutcome | None = None
    not_before: str | None = None
    label: str | None = None

    @property
    def kind(self) -> str:
        return KIND

    @property
    def order_key(self) -> str:
        """An order of their own: none of them waits for a message of the contact, and no message for one of them."""
        return f"{self.contact}|{KIND}"

    @property
    def channel(self) -> str:
        """Typing is WhatsApp's or RCS'; all else is nothing that anybody gets."""
        if self.action != "typing":
            return ""
        return "rcs" if "rcs" in parts(self.to).channels else "whatsapp"

    @property
    def sender(self) -> str:
        """One lane for all of a tenant's."""
        return ""

    @property
    def towards(self) -> str:
        """Only messages have rates by destination."""
        return ""

    @property
    def urgent(self) -> bool:
        return False

    @property
    def country(self) -> None:
        return None

    @property
    def from_(self) -> None:
        return None

    @property
    def messaging_service_sid(self) -> None:
        return None

    @property
    def fallback_from(self) -> None:
        return None
