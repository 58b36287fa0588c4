"""Send commands: what a producer may ask for, what intake makes of it, and what it tells back.

A command's identity is tenant + contact + command id. Of its results exactly one is `terminal`.
"""

from typing import Literal

import msgspec

from services.domain.messages.gate import Receipt

Channel = Literal["sms", "mms", "whatsapp"]
StepName = Literal[
    "accepted",
    "duplicate",
    "attempted",
    "retrying",
    "ambiguous",
    "sent",
    "failed",
    "blocked",
    "expired",
    "rejected",
    "recorded",
]
TERMINAL: frozenset[StepName] = frozenset({"sent", "failed", "blocked", "expired", "rejected", "recorded"})


class SendMessage(msgspec.Struct, frozen=True, kw_only=True, rename={"from_": "from"}):
    """The public command (`twilio.outbound.messages.v1`, any key). Everything but the first three is optional.

    `not_after`: ISO 8601 with a zone; the message is not sent after it. `urgent`: goes before others of its tenant.
    The fields from `max_price` on go to Twilio as they are.
    """

    command_id: str
    tenant: str
    to: str
    event_type: Literal["send_message"] = "send_message"
    from_: str | None = None
    messaging_service_sid: str | None = None
    channel: Channel | None = None
    body: str | None = None
    media_urls: list[str] = []
    content_sid: str | None = None
    content_variables: dict[str, str] = {}
    not_after: str | None = None
    urgent: bool = False
    max_price: float | None = None
    provide_feedback: bool | None = None
    validity_period: int | None = None
    attempt: int | None = None
    force_delivery: bool | None = None
    smart_encoded: bool | None = None
    application_sid: str | None = None


class Options(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """Parameters of Twilio's create call that Switchboard only passes on."""

    max_price: float | None = None
    provide_feedback: bool | None = None
    validity_period: int | None = None
    attempt: int | None = None
    force_delivery: bool | None = None
    smart_encoded: bool | None = None
    application_sid: str | None = None


class CommandAccepted(
    msgspec.Struct, frozen=True, kw_only=True, rename={"from_": "from"}, tag_field="event_type", tag="send_accepted"
):
    """A valid, normalised command (`twilio.outbound.accepted.v1`, keyed by contact).

    `sequence` is the offset of the command as it was produced: with `accepted_at` it orders those of a contact.
    `to` and `from` are as Twilio's API wants them. `fingerprint` is the digest of all that the producer asked for:
    the same command id with another one is a defect of the producer. `confirms`: it answers a STOP or START.
    """

    event_id: str
    tenant: str
    command_id: str
    contact: str
    accepted_at: str
    sequence: int
    not_after: str
    fingerprint: str
    channel: Channel
    country: str | None
    to: str
    from_: str | None
    messaging_service_sid: str | None
    body: str | None
    media_urls: list[str]
    content_sid: str | None
    content_variables: dict[str, str]
    urgent: bool
    options: Options
    confirms: Literal["stop", "start"] | None = None

    @property
    def sender(self) -> str:
        """What is rate-limited: the Messaging Service, or the number it is sent from."""
        return self.messaging_service_sid or self.from_ or ""


class ResolveAmbiguous(msgspec.Struct, frozen=True, kw_only=True):
    """A person found out how an ambiguous command ended (`twilio.outbound.messages.v1`, any key).

    Whom the command was for says `to`, an address, or `contact`, the key in its results. `sent` needs the MessageSid
    that was found; `not_sent` ends it as failed: nothing is sent again for it, a new command may be.
    """

    event_type: Literal["resolve_ambiguous"] = "resolve_ambiguous"
    command_id: str
    tenant: str
    outcome: Literal["sent", "not_sent"]
    by: str
    to: str | None = None
    contact: str | None = None
    message_sid: str | None = None
    note: str | None = None


class ResolutionAccepted(msgspec.Struct, frozen=True, kw_only=True, tag_field="event_type", tag="resolution_accepted"):
    """A valid resolution (`twilio.outbound.accepted.v1`, keyed by contact)."""

    event_id: str
    tenant: str
    command_id: str
    contact: str
    accepted_at: str
    outcome: Literal["sent", "not_sent"]
    by: str
    message_sid: str | None = None
    note: str | None = None


class CommandResult(msgspec.Struct, frozen=True, kw_only=True):
    """One step of a command (`twilio.outbound.results.v1`, keyed by command id)."""

    event_type: Literal["command_result"] = "command_result"
    event_id: str
    tenant: str
    command_id: str
    contact: str | None
    at: str
    step: StepName
    terminal: bool
    attempt: int = 0
    message_sid: str | None = None
    code: int | None = None
    category: str | None = None
    remedy: str | None = None
    reason: str | None = None
    errors: list[str] = []
    receipt: Receipt | None = None
