"""Send commands: what a producer may ask for, and what intake makes of it.

A command's identity is tenant + contact + command id.
"""

from collections.abc import Sequence
from typing import Literal

import msgspec

from services.domain.messages.segments import Encoding
from services.domain.spend.estimating import Estimate

# Of the sender's products.
KIND = "message"

Channel = Literal["sms", "mms", "whatsapp", "rcs", "messenger"]
Purpose = Literal["marketing", "utility", "authentication"]
# What Twilio's OpenAPI of September 2026 lists for these parameters.
ContentRetention = Literal["retain", "discard"]
AddressRetention = Literal["retain", "obfuscate"]
TrafficType = Literal["free"]
RiskCheck = Literal["enable", "disable"]
MediaFallback = Literal["link"]
Intent = Literal[
    "otp",
    "notifications",
    "marketing",
    "fraud",
    "security",
    "customercare",
    "delivery",
    "education",
    "polling",
    "announcements",
    "events",
]


class NamedTemplate(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True, forbid_unknown_fields=True):
    """A content template by its name. `language`: this very one; left out, one that fits the recipient's country."""

    name: str
    language: str | None = None


class SendMessage(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True, rename={"from_": "from"}):
    """The public command (`twilio.outbound.messages.v1`, any key). Everything but the first three is optional.

    `not_before`, `not_after`: ISO 8601 with a zone; the message is not sent before, or after it. Without the latter a
    command lives for the configured time, from `not_before` where that is given. `urgent`: goes before others of its
    tenant. `label`: the producer's own name for what it belongs to, so that all of it can be paused. `purpose`: where
    it is left out, that of the template's category, marketing for one that is not known, and utility else.
    `although_unreachable`: try it also where the number is left alone, for nothing reached it lately.
    `template`: by name, in place of `content_sid`. With a text or a medium beside it, by WhatsApp, that goes while the
    window is open, and the template when it is not. `fallback_from`: whence the SMS comes where a service's RCS sender
    reaches nobody. `media_fallback`: what goes where the media are not taken: the text with a link in place of them, by
    the same channel (of an MMS that is an SMS). `media_link`: that link; left out, the media's own URLs. The fields
    from `max_price` on go to Twilio as they are.
    """

    command_id: str
    tenant: str
    to: str
    event_type: Literal["send_message"] = "send_message"
    from_: str | None = None
    messaging_service_sid: str | None = None
    fallback_from: str | None = None
    channel: Channel | None = None
    body: str | None = None
    media_urls: list[str] = []
    content_sid: str | None = None
    template: NamedTemplate | None = None
    content_variables: dict[str, str] = {}
    not_before: str | None = None
    not_after: str | None = None
    urgent: bool = False
    label: str | None = None
    purpose: Purpose | None = None
    although_unreachable: bool = False
    media_fallback: MediaFallback | None = None
    media_link: str | None = None
    max_price: float | None = None
    provide_feedback: bool | None = None
    validity_period: int | None = None
    attempt: int | None = None
    force_delivery: bool | None = None
    smart_encoded: bool | None = None
    application_sid: str | None = None
    content_retention: ContentRetention | None = None
    address_retention: AddressRetention | None = None
    persistent_action: list[str] = []
    traffic_type: TrafficType | None = None
    shorten_urls: bool | None = None
    send_as_mms: bool | None = None
    message_intent: Intent | None = None
    risk_check: RiskCheck | None = None


class Options(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """Parameters of Twilio's create call that Switchboard only passes on."""

    max_price: float | None = None
    provide_feedback: bool | None = None
    validity_period: int | None = None
    attempt: int | None = None
    force_delivery: bool | None = None
    smart_encoded: bool | None = None
    application_sid: str | None = None
    content_retention: ContentRetention | None = None
    address_retention: AddressRetention | None = None
    persistent_action: list[str] = []
    traffic_type: TrafficType | None = None
    shorten_urls: bool | None = None
    send_as_mms: bool | None = None
    message_intent: Intent | None = None
    risk_check: RiskCheck | None = None


class CommandAccepted(
    msgspec.Struct, frozen=True, kw_only=True, rename={"from_": "from"}, tag_field="event_type", tag="send_accepted"
):
    """A valid, normalised command (`twilio.outbound.accepted.v1`, keyed by contact).

    `sequence` is the offset of the command as it was produced: with `accepted_at` it orders those of a contact.
    `not_before` is null where it may go at once.
    `to` and `from` are as Twilio's API wants them. `fingerprint` is the digest of all that the producer asked for:
    the same command id with another one is a defect of the producer. `confirms`: it answers a STOP or START.
    `segments`, `encoding`: of a text by SMS, as it stands; of a template's as it was known. `estimate`: what it costs
    at most, as far as that was known. `purpose_said`: the producer did; else a template's category says it, where it is
    known. `towards`: what the number begins with, of the tenant's destinations that have a rate; else empty.
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
    segments: int | None = None
    encoding: Encoding | None = None
    not_before: str | None = None
    label: str | None = None
    purpose: Purpose = "utility"
    template: NamedTemplate | None = None
    purpose_said: bool = True
    fallback_from: str | None = None
    estimate: Estimate | None = None
    although_unreachable: bool = False
    towards: str = ""
    media_fallback: MediaFallback | None = None
    media_link: str | None = None

    @property
    def has_template(self) -> bool:
        return self.content_sid is not None or self.template is not None

    @property
    def text_with_link(self) -> str:
        """What goes in place of the media."""
        return with_link(self.body, self.media_link, self.media_urls)

    @property
    def kind(self) -> str:
        return KIND

    @property
    def order_key(self) -> str:
        return self.contact

    @property
    def sender(self) -> str:
        """What is rate-limited: the number it is sent from, or the Messaging Service that picks one."""
        return self.from_ or self.messaging_service_sid or ""


def with_link(body: str | None, link: str | None, media_urls: Sequence[str]) -> str:
    """A text, and under it the link, else the media's own."""
    return "\n".join((*([body] if body else []), *([link] if link else media_urls)))


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


class RescheduleMessage(msgspec.Struct, frozen=True, kw_only=True):
    """A command that still waits is to go at another time (`twilio.outbound.messages.v1`, any key).

    `not_before`, `not_after`: as of a message, from now on; without the latter the command keeps its own. Whom the
    command was for says `to`, an address, or `contact`, the key in its results.
    """

    event_type: Literal["reschedule_message"] = "reschedule_message"
    command_id: str
    tenant: str
    not_before: str
    by: str
    to: str | None = None
    contact: str | None = None
    not_after: str | None = None
    note: str | None = None


class CancelMessage(msgspec.Struct, frozen=True, kw_only=True):
    """A command that still waits is not to be sent any more (`twilio.outbound.messages.v1`, any key).

    Whom the command was for says `to`, an address, or `contact`, the key in its results. One that comes before the
    command it names is remembered.
    """

    event_type: Literal["cancel_message"] = "cancel_message"
    command_id: str
    tenant: str
    by: str
    to: str | None = None
    contact: str | None = None
    note: str | None = None
