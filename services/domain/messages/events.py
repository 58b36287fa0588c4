"""What crosses the log about messages: facts in the past tense. Each type is one schema in `schemas/`.

Times are ISO 8601 in UTC with milliseconds (`2026-02-21T18:22:11.123Z`): comparing them as text is comparing
them as times. Addresses are as Twilio wrote them, with `whatsapp:`.
"""

from typing import Literal

import msgspec

from services.domain.consent.hearing import Heard

# Name → value, or the values of a name that was repeated.
Parameters = dict[str, str | list[str]]


# How a fact came to be known: Twilio told it, or it was read from Twilio's own lists later.
Provenance = Literal["webhook", "backfill"]


def parameter(raw: Parameters, name: str) -> str:
    """A parameter's value, the first of a name that was repeated, or nothing."""
    value = raw.get(name, "")
    return value if isinstance(value, str) else next(iter(value), "")


class InboundReceived(msgspec.Struct, frozen=True, kw_only=True, rename={"from_": "from"}):
    """Somebody wrote to us (`twilio.inbound.v1`, keyed by contact).

    `linked`: the contact keys of the other names that Twilio gave the same person. `sent_at`: Twilio's own date of the
    message, which webhooks do not tell. `heard`: what it says of consent, by the tenant's words when it was taken.
    """

    event_type: Literal["twilio_inbound"] = "twilio_inbound"
    event_id: str
    tenant: str
    received_at: str
    contact: str
    account_sid: str
    message_sid: str
    from_: str
    to: str
    body: str
    num_media: int
    linked: list[str] = []
    heard: Heard | None = None
    sent_at: str | None = None
    provenance: Provenance = "webhook"
    idempotency_token: str | None = None
    raw: Parameters


class MostCommands(msgspec.Struct, frozen=True, kw_only=True):
    """A command is made of a message, but of a person and rule no more than this in any hour, and in any day."""

    per_hour: int
    per_day: int


class KeywordHeard(msgspec.Struct, frozen=True, kw_only=True, rename={"from_": "from"}):
    """A message is what one of the tenant's rules is for (`twilio.keywords.v1`, keyed by contact).

    `rule`: its name in the settings. `values`: what stands at the places of its pattern. `replied`: it was answered by
    the rule's text. `ticket`: the desk that it is delivered to. `command`: a command is made of it. A webhook that
    comes twice is told twice, with one event id.
    """

    event_type: Literal["keyword_heard"] = "keyword_heard"
    event_id: str
    tenant: str
    received_at: str
    contact: str
    account_sid: str
    message_sid: str
    inbound_event_id: str
    rule: str
    values: dict[str, str] = {}
    from_: str
    to: str
    replied: bool = False
    ticket: str | None = None
    command: MostCommands | None = None


class StatusReceived(msgspec.Struct, frozen=True, kw_only=True, rename={"from_": "from"}):
    """Twilio told how far a message is (`twilio.status.v1`, keyed by MessageSid).

    `contact` and `command_id` come from the signed callback URL where we set it; else `contact` is that of `to`.
    """

    event_type: Literal["twilio_status"] = "twilio_status"
    event_id: str
    tenant: str
    received_at: str
    contact: str | None = None
    command_id: str | None = None
    account_sid: str
    message_sid: str
    message_status: str
    error_code: int | None = None
    from_: str
    to: str
    provenance: Provenance = "webhook"
    idempotency_token: str | None = None
    raw: Parameters


class MessageSent(msgspec.Struct, frozen=True, kw_only=True, rename={"from_": "from"}):
    """Twilio took a message of ours (`twilio.sent.v1`, keyed by MessageSid).

    `country` of the recipient; `label`: the command's; `template`: the name that it gave, or the content sid.
    `messaging_service_sid`: that the command named.
    """

    event_type: Literal["message_sent"] = "message_sent"
    event_id: str
    tenant: str
    sent_at: str
    contact: str
    command_id: str
    account_sid: str
    message_sid: str
    message_status: str
    from_: str
    to: str
    segments: int | None = None
    country: str | None = None
    label: str | None = None
    template: str | None = None
    messaging_service_sid: str | None = None


class Counted(msgspec.Struct, frozen=True, kw_only=True):
    """Under what a message is counted for deliverability. `error`: its code, where it failed with one."""

    minute: str
    country: str
    carrier: str
    channel: str
    sender: str
    reached: Literal["sent", "delivered", "read", "failed"]
    error: int | None = None


class DeliveryChanged(msgspec.Struct, frozen=True, kw_only=True, rename={"from_": "from"}):
    """A message went one step forward, or is counted elsewhere (`twilio.delivery.v1`, keyed by MessageSid).

    `known_at`: the latest arrival of what it rests on.
    """

    event_type: Literal["delivery_changed"] = "delivery_changed"
    event_id: str
    tenant: str
    at: str
    message_sid: str
    status: str
    previous_status: str | None
    final: bool
    error_code: int | None
    error_category: str | None
    remedy: str | None
    contact: str | None
    command_id: str | None
    from_: str
    to: str
    segments: int | None
    known_at: str
    counted_before: Counted | None
    counted_now: Counted | None


class OutcomeReached(msgspec.Struct, frozen=True, kw_only=True):
    """How a message ended, for its contact's gates and journeys (`twilio.outcomes.v1`, keyed by contact).

    Comes again if a later fact overrules the end: an `undelivered` message may yet be `delivered`. `created_at`, of
    one that came too late for its window (63016), or whose account or sender may send no more (30002, 30034): when it
    was made, or the earliest that was heard of it by then. `error_status`, `error_at`: with which status the error
    came, and when first. `channel`: by which it went: sms, mms, whatsapp, rcs …. `overruled_at`: of one that arrived
    after all, when the last failure was heard that this overrules.
    """

    event_type: Literal["outcome_reached"] = "outcome_reached"
    event_id: str
    tenant: str
    at: str
    contact: str
    command_id: str | None
    message_sid: str
    sender: str
    messaging_service_sid: str | None = None
    status: str
    error_code: int | None
    error_status: str | None = None
    error_at: str | None = None
    created_at: str | None = None
    channel: str | None = None
    overruled_at: str | None = None

    @property
    def order_key(self) -> str:
        """Of the command whose message it is."""
        return self.contact
