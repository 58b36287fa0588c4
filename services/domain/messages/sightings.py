"""Which sender is in which service, by the webhooks that name both. Any order and repetition gives the same rows."""

from collections.abc import Callable

import msgspec
from msgspec.structs import replace

from services.domain.identity import derived_event_id
from services.domain.messages.events import InboundReceived, StatusReceived, parameter
from services.domain.senders.events import MOST_MEMBERSHIPS, KnownSender, Membership, SendersStated
from services.domain.senders.names import kind_of, name_of

# There the sender of the message is the person.
_INBOUND = frozenset({"receiving", "received"})
_DAY = 10

Event = InboundReceived | StatusReceived


class Sightings(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """What webhooks of one tenant named together, in one partition. Key: tenant and part."""

    tenant: str
    part: str
    senders: dict[str, KnownSender]
    full: bool = False


class Sighting:
    """The fold. `part` names the part of the log that an event lies in: `inbound-3`."""

    def __init__(self, part: Callable[[Event], str]) -> None:
        self._part = part

    def key(self, event: Event) -> str:
        return f"{event.tenant}|{self._part(event)}"

    def __call__(self, state: Sightings | None, event: Event) -> tuple[Sightings | None, list[SendersStated]]:
        """Note who was named together. Each pair is told when it is new, and once a day while it lasts."""
        found = _named(event)
        if found is None:
            return state, []
        sender, service, at = found
        known = state or Sightings(tenant=event.tenant, part=self._part(event), senders={})
        before = known.senders.get(sender) or KnownSender(kind=kind_of(sender))
        membership = _seen(before.services.get(service), at)
        if membership == before.services.get(service):
            return state, []
        if service not in before.services and _size(known) >= MOST_MEMBERSHIPS:
            joined = replace(known, full=True)
        else:
            services = dict(sorted({**before.services, service: membership}.items()))
            senders = {**known.senders, sender: replace(before, services=services)}
            joined = replace(known, senders=dict(sorted(senders.items())))
        return (
            (state, [])
            if joined == state
            else (joined, [stated(joined, derived_event_id(event.event_id, "senders", joined.part), at)])
        )


def _named(event: Event) -> tuple[str, str, str] | None:
    """Sender, service and when, where both are named."""
    service = parameter(event.raw, "MessagingServiceSid")
    if isinstance(event, InboundReceived):
        sender, at = name_of(event.to), event.sent_at or event.received_at
    elif event.provenance == "webhook" and event.message_status not in _INBOUND:
        sender, at = name_of(event.from_), event.received_at
    else:
        # A list says what a message was sent by, and not when we would have heard of it.
        return None
    return (sender, service, at) if sender and service else None


def _seen(before: Membership | None, at: str) -> Membership:
    day = f"{at[:_DAY]}T00:00:00.000Z"
    if before is None:
        return Membership(since=at, last=day)
    return replace(before, since=min(before.since, at), last=max(before.last, day))


def _size(state: Sightings) -> int:
    return sum(len(one.services) for one in state.senders.values())


def stated(state: Sightings, event_id: str, at: str) -> SendersStated:
    """A row as the log states it."""
    return SendersStated(
        event_id=event_id, tenant=state.tenant, part=state.part, at=at, senders=state.senders, full=state.full
    )
