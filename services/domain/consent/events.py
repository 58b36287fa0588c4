"""What the log holds about consent: the evidence, and the answer."""

from typing import Literal

import msgspec

from services.domain.consent.commands import Action


class ConsentRecorded(msgspec.Struct, frozen=True, kw_only=True):
    """Evidence (`twilio.consent.v1`, keyed by contact, kept for ever): who said yes or no, when, where and how.

    `at` is what it counts from: when it was said if that is `exact`, else when we heard of it. `mark` tells one
    statement from another: the MessageSid, or the id of the fact.
    """

    event_type: Literal["consent_recorded"] = "consent_recorded"
    event_id: str
    tenant: str
    contact: str
    at: str
    exact: bool
    action: Action
    scopes: list[str]
    source: str
    mark: str
    consents: bool
    word: str | None = None
    message_sid: str | None = None
    command_id: str | None = None
    stated_source: str | None = None
    address: str | None = None
    ip: str | None = None
    user_agent: str | None = None
    proof: str | None = None


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
