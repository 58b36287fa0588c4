"""Explicit consent: what a producer may state, what intake makes of it, and how two addresses of one person join."""

from typing import Literal

import msgspec

# What a person says; and what somebody decides of a message of theirs that looked like a no.
Action = Literal["opt_in", "opt_out", "dismiss"]
# Beside them, what only looks like a no.
Statement = Literal["opt_in", "opt_out", "dismiss", "suspected"]


class RecordConsent(msgspec.Struct, frozen=True, kw_only=True):
    """The public command (`twilio.consent.commands.v1`, any key): somebody said yes or no, with the proof of it.

    `sender` or `messaging_service_sid` narrows it to one of ours; without them it is for the whole tenant.
    `given_at`: ISO 8601 with a zone, when they said so; default: when the command was produced. It is evidence: a no
    counts from when it was taken whatever its date, and a yes that is dated earlier only from there. `dismiss` names by
    its `message_sid` what was suspected and is no opt-out.
    """

    command_id: str
    tenant: str
    address: str
    action: Action
    event_type: Literal["record_consent"] = "record_consent"
    sender: str | None = None
    messaging_service_sid: str | None = None
    given_at: str | None = None
    message_sid: str | None = None
    source: str | None = None
    ip: str | None = None
    user_agent: str | None = None
    proof: str | None = None


class ConsentAccepted(msgspec.Struct, frozen=True, kw_only=True, tag_field="event_type", tag="consent_accepted"):
    """A valid, normalised statement of consent (`twilio.outbound.accepted.v1`, keyed by contact).

    `accepted_at`: when we took it, by no producer's clock; a no counts from there. `given_at` is never later; a yes
    counts from it. `scope`: see `scopes`.
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
    message_sid: str | None = None
    source: str | None = None
    ip: str | None = None
    user_agent: str | None = None
    proof: str | None = None


class Mark(msgspec.Struct, frozen=True, kw_only=True):
    """One yes or no. `exact`: `at` is when it was said, not when we heard of it. `evidence` is an event id.

    `releases`: a yes that lifts a no; one that whoever keeps the block does not hear lifts nothing.
    """

    at: str
    evidence: str
    source: str
    exact: bool = False
    consents: bool = False
    releases: bool = True


class SharedMark(msgspec.Struct, frozen=True, kw_only=True):
    """A mark of a linked contact: `id` tells marks of one message apart from another's."""

    id: str
    action: Statement
    scope: str
    mark: Mark


class MessageDated(msgspec.Struct, frozen=True, kw_only=True, tag_field="event_type", tag="message_dated"):
    """Twilio's own date of a message that was heard of within a minute of its contrary (`twilio.outbound.accepted.v1`).

    `marks`: what the message says, each with that date. `at`: when it was fetched.
    """

    event_id: str
    tenant: str
    contact: str
    at: str
    message_sid: str
    marks: list[SharedMark]


class ContactLinked(msgspec.Struct, frozen=True, kw_only=True, tag_field="event_type", tag="contact_linked"):
    """Two contact keys are one person (`twilio.outbound.accepted.v1`, keyed by `contact`).

    Told to `contact`: that `linked` is the same person, and what was said there. A no of one holds for both. A yes is
    among `marks` only where its own webhook named both.
    """

    event_id: str
    tenant: str
    contact: str
    linked: str
    at: str
    marks: list[SharedMark]
