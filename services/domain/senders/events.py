"""What the log holds of our senders (`twilio.senders.v1`)."""

from typing import Literal

import msgspec

# A value is written whole, and a record has less than a megabyte.
MOST_MEMBERSHIPS = 2000

Kind = Literal[
    "long_code", "toll_free", "short_code", "alphanumeric", "whatsapp", "rcs", "messenger", "instagram", "line"
]


class Span(msgspec.Struct, frozen=True, kw_only=True):
    """Twilio listed it at both ends, and at least daily between them."""

    first: str
    last: str


class Membership(msgspec.Struct, frozen=True, kw_only=True):
    """A sender is, or was, in a Messaging Service.

    `since`: the first that is known of it. `last`: the day of the latest webhook, or the latest list. `ended`: the
    first list without it. `spans`: when lists had it; of webhooks there are none.
    """

    since: str
    last: str
    ended: str | None = None
    spans: list[Span] = []


class KnownSender(msgspec.Struct, frozen=True, kw_only=True):
    """An address of ours, and its Messaging Services by sid, former ones too."""

    kind: Kind
    services: dict[str, Membership] = {}


class SendersStated(msgspec.Struct, frozen=True, kw_only=True):
    """All that one part of us knows of a tenant's senders (keyed by tenant and part, compacted).

    `part`: `list` (Twilio's own lists), or `inbound-3`, `status-3`: what webhooks named, by the partition of their
    facts. A reader joins the parts. `senders`: by address, with a channel but for SMS. `services`: those that a list
    had, also without members. `full`: there were more than find room; then what is unknown may be in any service.
    """

    event_type: Literal["senders_stated"] = "senders_stated"
    event_id: str
    tenant: str
    part: str
    at: str
    senders: dict[str, KnownSender]
    services: list[str] = []
    full: bool = False


LIST = "list"


def key_of(event: SendersStated) -> str:
    """`acme|status-3`: each key has one writer, so no part overwrites another's knowledge."""
    return f"{event.tenant}|{event.part}"
