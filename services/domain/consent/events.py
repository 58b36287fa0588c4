"""What the log holds about consent: the evidence, and the answer."""

from typing import Literal

import msgspec

from services.domain.consent.commands import Action


class ConsentRecorded(msgspec.Struct, frozen=True, kw_only=True, tag_field="event_type", tag="consent_recorded"):
    """Evidence (`twilio.consent.v1`, keyed by contact, kept for ever): who said yes or no, when, where and how.

    `at` is what it counts from: when it was said if that is `exact`, else when we heard of it. `mark` tells one
    statement from another: the MessageSid, or the id of the fact. `evidence` is the id of the fact that first said it.
    """

    event_id: str
    tenant: str
    contact: str
    at: str
    exact: bool
    action: Action
    scopes: list[str]
    source: str
    mark: str
    # Of what was written before it was named here: nothing.
    evidence: str = ""
    consents: bool
    word: str | None = None
    message_sid: str | None = None
    command_id: str | None = None
    stated_source: str | None = None
    address: str | None = None
    ip: str | None = None
    user_agent: str | None = None
    proof: str | None = None


class LinkRecorded(msgspec.Struct, frozen=True, kw_only=True, tag_field="event_type", tag="link_recorded"):
    """Two contacts became one person (`twilio.consent.v1`, keyed by `contact`): what `linked` says holds here too.

    `evidence` is the id of the fact that named both.
    """

    event_id: str
    tenant: str
    contact: str
    linked: str
    at: str
    evidence: str


class Suppression(msgspec.Struct, frozen=True, kw_only=True):
    """Why we may not write: since when, by which evidence, and what kind of it."""

    since: str
    evidence: str
    source: str


class SuppressionChanged(msgspec.Struct, frozen=True, kw_only=True):
    """May we write? (`twilio.suppression.v1`, keyed by contact, compacted.) The whole answer, by scope; empty: yes."""

    event_type: Literal["suppression_changed"] = "suppression_changed"
    event_id: str
    tenant: str
    contact: str
    at: str
    suppressed: dict[str, Suppression]
