"""Which facts the log lacks, given what Twilio lists and what the log holds. Pure: no clock, no I/O."""

from collections.abc import Collection, Iterable
from typing import Literal, NamedTuple

from msgspec.structs import replace

from services.domain.consent.hearing import Heard, Message, hear
from services.domain.consent.keywords import NO_WORDS, Words
from services.domain.contact import contact_key
from services.domain.errors import explain
from services.domain.identity import raw_event_id
from services.domain.messages.at_twilio import MessageAtTwilio, furtherance, is_masked, parameters, status_fact
from services.domain.messages.events import InboundReceived, StatusReceived
from services.domain.messages.ladder import FINAL

# What is lacking: a message to us, Twilio's own date of a STOP or START, or how far a message of ours is.
Kind = Literal["inbound", "date", "status"]


class Asker(NamedTuple):
    """For whom facts are made: the tenant, the secret of its contact keys, and its own words for STOP and START."""

    tenant: str
    contact_secret: bytes
    words: Words = NO_WORDS


class Lacking(NamedTuple):
    """A fact that the log lacks. `at`: Twilio's date of the message; `before`: the status that the log has."""

    kind: Kind
    at: str
    event: InboundReceived | StatusReceived
    before: str | None = None


class Held:
    """What the log holds of one tenant's messages: no more of each than the comparison needs.

    Facts may be added in any order and any number.
    """

    def __init__(self, asker: Asker) -> None:
        self._asker = asker
        self._heard: set[str] = set()
        self._dated: set[str] = set()
        # STOP and START alone need a date, so only these are kept whole.
        self._undated: dict[str, InboundReceived] = {}
        self._furthest: dict[str, str] = {}

    def hear(self, fact: InboundReceived) -> None:
        """A message to us is on the log."""
        if fact.tenant != self._asker.tenant:
            return
        self._heard.add(fact.message_sid)
        if fact.sent_at is not None:
            self._dated.add(fact.message_sid)
        elif fact.heard is not None and fact.heard.says in ("stop", "start"):
            self._undated[fact.message_sid] = fact

    def tell(self, tenant: str, message_sid: str, status: str) -> None:
        """A status of a message of ours is on the log."""
        if tenant == self._asker.tenant:
            self._furthest[message_sid] = max(self._furthest.get(message_sid, ""), status, key=furtherance)

    def has(self, message_sid: str) -> bool:
        """Is a message to us on the log?"""
        return message_sid in self._heard

    def undated(self, message_sid: str) -> InboundReceived | None:
        """The STOP or START with this id, if the log knows only when we heard of it."""
        return None if message_sid in self._dated else self._undated.get(message_sid)

    def furthest(self, message_sid: str) -> str:
        """The furthest status of a message of ours on the log, or nothing."""
        return self._furthest.get(message_sid, "")

    def ended(self, message_sid: str) -> bool:
        return self.furthest(message_sid) in FINAL


def lacking(asker: Asker, listed: Iterable[MessageAtTwilio], held: Held, now: str) -> list[Lacking]:
    """The facts that the log lacks, by Twilio's dates. Their ids depend on what they state alone."""
    # A message may be listed twice: pages move while they are read.
    messages = {message.sid: message for message in listed}
    found = [one for message in messages.values() if (one := _of(asker, message, held, now))]
    return sorted(found, key=lambda one: (one.at, one.event.message_sid))


def unattributed(listed: Iterable[MessageAtTwilio], held: Held) -> list[MessageAtTwilio]:
    """Messages to us that the log lacks and that nobody can be named for: Twilio masks who wrote."""
    messages = {message.sid: message for message in listed}
    found = [one for one in messages.values() if one.inbound and is_masked(one.from_) and not held.has(one.sid)]
    return sorted(found, key=lambda one: (one.at, one.sid))


def says_no_or_yes(asker: Asker, message: MessageAtTwilio) -> bool:
    """Is this a STOP or START, something that may have been one, or a message that Twilio refused for an opt-out?"""
    if not message.inbound:
        return explain(message.error_code).tells == "opted_out"
    heard = _heard(asker, message)
    return heard is not None and heard.says in ("stop", "start", "suspected")


def unrecorded(asker: Asker, listed: Iterable[MessageAtTwilio], recorded: Collection[str], now: str) -> list[Lacking]:
    """The facts whose messages stand in no evidence of consent, by Twilio's dates. `recorded`: MessageSids."""
    messages = {
        one.sid: one for one in listed if one.sid not in recorded and not (one.inbound and is_masked(one.from_))
    }
    found = [
        Lacking("inbound", one.at, _inbound(asker, one, now))
        if one.inbound
        else Lacking("status", one.at, _status(asker, one, now))
        for one in messages.values()
    ]
    return sorted(found, key=lambda one: (one.at, one.event.message_sid))


def _of(asker: Asker, message: MessageAtTwilio, held: Held, now: str) -> Lacking | None:
    if not message.inbound:
        before = held.furthest(message.sid)
        if not message.status or furtherance(message.status) <= furtherance(before):
            return None
        return Lacking("status", message.at, _status(asker, message, now), before or None)
    if not held.has(message.sid):
        # Of a masked address no contact may be derived: it would be nobody's, or a stranger's.
        return None if is_masked(message.from_) else Lacking("inbound", message.at, _inbound(asker, message, now))
    undated = held.undated(message.sid)
    return Lacking("date", message.at, _dated(asker, undated, message.at)) if undated else None


def _status(asker: Asker, message: MessageAtTwilio, now: str) -> StatusReceived:
    return status_fact(asker.tenant, asker.contact_secret, message, now)


def _inbound(asker: Asker, message: MessageAtTwilio, now: str) -> InboundReceived:
    return InboundReceived(
        event_id=_inbound_id(asker, message.sid, message.at),
        tenant=asker.tenant,
        received_at=now,
        contact=contact_key(asker.tenant, message.from_, asker.contact_secret),
        account_sid=message.account_sid,
        message_sid=message.sid,
        from_=message.from_,
        to=message.to,
        body=message.body,
        num_media=message.num_media,
        heard=_heard(asker, message),
        sent_at=message.at,
        provenance="backfill",
        raw=parameters(message) | {"Body": message.body, "NumMedia": str(message.num_media)},
    )


def _heard(asker: Asker, message: MessageAtTwilio) -> Heard | None:
    if message.body or message.num_media:
        return hear(Message(to=message.to, body=message.body), asker.words)
    # A text that was redacted may have been a STOP.
    return Heard(says="suspected", by="body")


def _dated(asker: Asker, fact: InboundReceived, at: str) -> InboundReceived:
    """The same fact with Twilio's date: its words, and what Twilio understood, are as the webhook told them."""
    event_id = _inbound_id(asker, fact.message_sid, at)
    return replace(fact, event_id=event_id, sent_at=at, provenance="backfill", idempotency_token=None)


def _inbound_id(asker: Asker, sid: str, at: str) -> str:
    return raw_event_id("twilio_inbound_backfill", asker.tenant, (sid.encode(), at.encode()))
