"""Explicit consent: what a producer may state, what intake makes of it, and how two addresses of one person join."""

from typing import Literal

import msgspec

Action = Literal["opt_in", "opt_out"]


class RecordConsent(msgspec.Struct, frozen=True, kw_only=True):
    """The public command (`twilio.consent.commands.v1`, any key): somebody said yes or no, with the proof of it.

    `sender` or `messaging_service_sid` narrows it to one of ours; without them it is for the whole tenant.
    `given_at`: ISO 8601 with a zone, when they said so; default: when the command was produced.
    """

    command_id: str
    tenant: str
    address: str
    action: Action
    event_type: Literal["record_consent"] = "record_consent"
    sender: str | None = None
    messaging_service_sid: str | None = None
    given_at: str | None = None
    source: str | None = None
    ip: str | None = None
    user_agent: str | None = None
    proof: str | None = None


class ConsentAccepted(msgspec.Struct, frozen=True, kw_only=True, tag_field="event_type", tag="consent_accepted"):
    """A valid, normalised statement of consent (`twilio.outbound.accepted.v1`, keyed by contact).

    `given_at` is never later than `accepted_at`. `scope`: see `scopes`.
    """

    event_id: str
    tenant: str
    command_id: str
    contact: str
    accepted_at: str
    given_at: str
    action: Action
    scope: str
    address: str
    source: str | None = None
    ip: str | None = None
    user_agent: str | None = None
    proof: str | None = None


class Mark(msgspec.Struct, frozen=True, kw_only=True):
    """One yes or no. `exact`: `at` is when it was said, not when we heard of it. `evidence` is an event id."""

    at: str
    evidence: str
    source: str
    exact: bool = False
    consents: bool = False


class SharedMark(msgspec.Struct, frozen=True, kw_only=True):
    """A mark of a linked contact: `id` tells marks of one message apart from another's."""

    id: str
    action: Action
    scope: str
    mark: Mark


class ContactLinked(msgspec.Struct, frozen=True, kw_only=True, tag_field="event_type", tag="contact_linked"):
    """Two contact keys are one person (`twilio.outbound.accepted.v1`, keyed by `contact`).

    Told to `contact`: that `linked` is the same person, and what they said there. What holds for one holds for both.
    """

    event_id: str
    tenant: str
    contact: str
    linked: str
    at: str
    marks: list[SharedMark]
