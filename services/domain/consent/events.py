"""What the log holds about consent: the evidence, and the answer."""

from typing import Literal

import msgspec

from services.domain.consent.commands import Action


class ConsentRecorded(msgspec.Struct, frozen=True, kw_only=True, tag_field="event_type", tag="consent_recorded"):
    """Evidence (`twilio.consent.v1`, keyed by contact, kept for ever): who said yes or no, when, where and how.

    `at` is what it counts from: when it was said if that is `exact`, else when we heard of it; of a yes by command when
    it was said to be given. `given_at`: what the command says of that, as evidence. `mark` tells one
    statement from another: the MessageSid, or the id of the fact. `evidence` is the id of the fact that first said it.
    `place`: where in the message it stood: body, button_payload, list_id, …
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
    releases: bool = True
    place: str | None = None
    word: str | None = None
    message_sid: str | None = None
    command_id: str | None = None
    stated_source: str | None = None
    address: str | None = None
    given_at: str | None = None
    ip: str | None = None
    user_agent: str | None = None
    proof: str | None = None


class OptOutSuspected(msgspec.Struct, frozen=True, kw_only=True, tag_field="event_type", tag="opt_out_suspected"):
    """A message looks like an opt-out and is no keyword (`twilio.consent.v1`, keyed by contact): a person decides.

    `scopes`, `at`, `exact`, `mark`, `evidence`: as in `ConsentRecorded`. Its text stands in the message alone.
    """

    event_id: str
    tenant: str
    contact: str
    at: str
    exact: bool
    scopes: list[str]
    message_sid: str | None
    mark: str
    evidence: str


class LinkRecorded(msgspec.Struct, frozen=True, kw_only=True, tag_field="event_type", tag="link_recorded"):
    """Two contacts became one person (`twilio.consent.v1`, keyed by `contact`): a no of `linked` holds here too.

    `evidence` is the id of the fact that named both.
    """

    event_id: str
    tenant: str
    contact: str
    linked: str
    at: str
    evidence: str


class HoldRecorded(msgspec.Struct, frozen=True, kw_only=True, tag_field="event_type", tag="hold_recorded"):
    """A hold was placed, or in which way it was released (`twilio.consent.v1`, keyed by contact).

    `hold`: the position of the record that could not be read; `earlier`: also those before it that are one hold.
    `evidence` is the id of the fact.
    """

    event_id: str
    tenant: str
    contact: str
    hold: str
    at: str
    what: Literal["placed", "retried", "dropped", "released"]
    earlier: bool = False
    evidence: str


class DeactivationRecorded(
    msgspec.Struct, frozen=True, kw_only=True, tag_field="event_type", tag="deactivation_recorded"
):
    """A carrier took the number back on a day (`twilio.consent.v1`, keyed by contact): no yes counts from before `at`.

    `evidence` is the id of the fact.
    """

    event_id: str
    tenant: str
    contact: str
    date: str
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
