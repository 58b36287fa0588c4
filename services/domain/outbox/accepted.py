"""What the log says of commands, in the order of each key: that one was accepted, canceled, or found out about."""

from typing import Literal, Protocol

import msgspec


class Accepted(Protocol):
    """A valid, normalised command of a product, as a fact of the log.

    `kind`: the product's name for it. `order_key`: those of one key go in order, one at a time; no blank in it.
    `sequence`: the offset of the command as it was produced; with `accepted_at` it orders those of a key.
    `fingerprint`: the digest of all that the producer asked for. `not_before` is None where it may go at once.
    `sender`, `towards`: whose lane it goes in, and the destination that has a rate of its own, if it goes to one; else
    empty. `label`: the producer's own name for what it belongs
    to. Times are ISO 8601 in UTC, milliseconds.
    """

    @property
    def kind(self) -> str: ...
    @property
    def event_id(self) -> str: ...
    @property
    def tenant(self) -> str: ...
    @property
    def command_id(self) -> str: ...
    @property
    def order_key(self) -> str: ...
    @property
    def accepted_at(self) -> str: ...
    @property
    def sequence(self) -> int: ...
    @property
    def fingerprint(self) -> str: ...
    @property
    def not_before(self) -> str | None: ...
    @property
    def not_after(self) -> str: ...
    @property
    def urgent(self) -> bool: ...
    @property
    def sender(self) -> str: ...
    @property
    def towards(self) -> str: ...
    @property
    def label(self) -> str | None: ...


class ResolutionAccepted(msgspec.Struct, frozen=True, kw_only=True, tag_field="event_type", tag="resolution_accepted"):
    """A valid resolution (`twilio.outbound.accepted.v1`, keyed by contact): how an ambiguous command ended.

    `sid`: of what was created, where it was.
    """

    event_id: str
    tenant: str
    command_id: str
    contact: str
    accepted_at: str
    outcome: Literal["sent", "not_sent"]
    by: str
    sid: str | None = None
    note: str | None = None

    @property
    def order_key(self) -> str:
        return self.contact


class RescheduleAccepted(msgspec.Struct, frozen=True, kw_only=True, tag_field="event_type", tag="reschedule_accepted"):
    """A valid reschedule (`twilio.outbound.accepted.v1`, keyed by contact): from when, and until when, it may go.

    `not_after`: None leaves the command its own.
    """

    event_id: str
    tenant: str
    command_id: str
    contact: str
    accepted_at: str
    by: str
    not_before: str | None = None
    not_after: str | None = None
    note: str | None = None

    @property
    def order_key(self) -> str:
        return self.contact


class CancelAccepted(msgspec.Struct, frozen=True, kw_only=True, tag_field="event_type", tag="cancel_accepted"):
    """A valid cancel (`twilio.outbound.accepted.v1`, keyed by contact)."""

    event_id: str
    tenant: str
    command_id: str
    contact: str
    accepted_at: str
    by: str
    note: str | None = None

    @property
    def order_key(self) -> str:
        return self.contact
