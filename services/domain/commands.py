"""What public commands of all products have in common: whom one is for, when it may go, and what it is known by.

Each function adds what is wrong to `faults`, a sentence each.
"""

import hashlib
import re
from typing import NamedTuple, Protocol

import msgspec

from services.domain.addresses import Address, judge, our_sender
from services.domain.clock import later, parse, to_iso
from services.domain.contact import bare, contact_key
from services.domain.identity import Place, raw_event_id
from services.domain.recipients import recipient
from services.domain.sids import COMMAND_ID, MESSAGING_SERVICE

# As far ahead as Twilio itself schedules messages.
MAX_AHEAD_DAYS = 35

# Channels that an address names, at Twilio.
NAMED_CHANNELS = frozenset({"whatsapp", "rcs", "messenger"})
_SENDERS = {
    "rcs": "RCS sends from an agent, such as rcs:acme_agent",
    "messenger": "Messenger sends from a page, such as messenger:103400000000001",
}
_ID_RULE = "1 to 128 visible ASCII characters"
_LABEL = re.compile(r"[\x21-\x7e]{1,64}")
_DIGEST = re.compile(r"[0-9a-f]{32}")


class Named(Protocol):
    """A command, by the names that it gives itself."""

    @property
    def tenant(self) -> str: ...
    @property
    def command_id(self) -> str: ...


class Timed(Protocol):
    """A command that is to go between two moments."""

    @property
    def not_before(self) -> str | None: ...
    @property
    def not_after(self) -> str | None: ...


class OfSomebody(Named, Protocol):
    """A command that names a person by their address or by their contact key."""

    @property
    def to(self) -> str | None: ...
    @property
    def contact(self) -> str | None: ...


class Times(NamedTuple):
    """From when on it may go, None for now, and until when."""

    not_before: str | None
    not_after: str


def check_names(command_id: str, label: str | None, faults: list[str]) -> None:
    if not COMMAND_ID.fullmatch(command_id):
        faults.append(f"command_id: {_ID_RULE}")
    if label is not None and not _LABEL.fullmatch(label):
        faults.append("label: 1 to 64 visible ASCII characters")


def on_channel(channel: str, name: str) -> str:
    """An address as Twilio is given it."""
    return f"{channel}:{name}" if channel in NAMED_CHANNELS else name


def key_of(tenant: str, whom: Address, secret: bytes) -> str:
    """The contact key of a recipient. Each channel's own ids are its own."""
    return contact_key(tenant, whom.canonical if whom.kind == "id" else whom.name, secret)


def recipient_of(to: str, channel: str, region: str | None, faults: list[str]) -> Address:
    """Whom it is for; nobody, where that is a fault. `region`: whose national numbers are understood."""
    found = recipient(to, channel, region)
    if isinstance(found, Address):
        return found
    faults.append(f"to: {found}")
    return judge("")


def sender_of(from_: str | None, channel: str, faults: list[str]) -> str | None:
    """Our address, as Twilio is given it."""
    if from_ is None:
        return None
    if MESSAGING_SERVICE.fullmatch(bare(from_)):
        faults.append("from: this is a Messaging Service; name it in messaging_service_sid")
        return None
    sender, named = our_sender(from_, channel), judge(from_).channel
    if named in NAMED_CHANNELS and named != channel:
        # Of a route: else an agent's name would be taken for an alphanumeric one.
        faults.append(f"from: a sender of {named}, and the message goes by {channel}")
        return None
    if sender is None:
        other = "neither E.164, a short code nor an alphanumeric sender; WhatsApp sends from a number"
        faults.append(f"from: {_SENDERS.get(channel, other)}")
        return None
    return on_channel(channel, sender)


def times_of(command: Timed, lifetime: float, at: str, since: str, faults: list[str]) -> Times:
    """`lifetime`: in seconds, of a command that says nothing of it; from `since` on, or from its not_before."""
    not_before = _time("not_before", command.not_before, faults)
    not_after = _time("not_after", command.not_after, faults)
    if not_before is not None and not_before > later(at, MAX_AHEAD_DAYS * 86_400):
        faults.append(f"not_before: more than {MAX_AHEAD_DAYS} days ahead; produce it nearer to its time")
    if not_after is not None and not_after > later(at, (MAX_AHEAD_DAYS + 1) * 86_400):
        faults.append(
            f"not_after: more than {MAX_AHEAD_DAYS + 1} days ahead, those of not_before and one to send it in; "
            "give an earlier one, or produce it nearer to its time"
        )
    if not_before is not None and not_after is not None and not_after <= not_before:
        faults.append("not_after: not later than not_before, which leaves no time to send it in")
    not_before = not_before if not_before is not None and not_before > at else None
    return Times(not_before, not_after or later(not_before or since, lifetime))


def contact_of(command: OfSomebody, secret: bytes, faults: list[str]) -> str:
    """The contact whose command it is about."""
    if (command.to is None) == (command.contact is None):
        faults.append("to, contact: give one of them")
    if command.contact is not None:
        prefix, _, digest = command.contact.rpartition("|")
        if prefix != command.tenant or not _DIGEST.fullmatch(digest):
            faults.append("contact: as the command's results give it, {tenant}| and 32 hex digits")
        return command.contact
    address = command.to or ""
    whom = judge(address)
    by_messenger = whom.kind == "id" and whom.channel == "messenger" and "+" not in whom.name
    if command.to is not None and whom.kind not in ("phone", "scoped_id") and not by_messenger:
        faults.append("to: the address that the command was for: E.164, a business-scoped id or messenger: and an id")
    return contact_key(command.tenant, address, secret)


def fingerprint(command: Named) -> str:
    """The digest of all that it says. Where its type leaves out what says nothing, that is not in it: that a later
    release knows more fields changes no command's."""
    return hashlib.sha256(msgspec.json.encode(command, order="sorted")).hexdigest()


def event_id(kind: str, command: Named, contact: str, at: str, place: Place) -> str:
    """Where and when it was produced are content too: a command produced twice is two facts."""
    return event_id_of(kind, command, contact, (at, place), fingerprint(command))


def event_id_of(kind: str, command: Named, contact: str, written: tuple[str, Place], printed: str) -> str:
    """The same where its fingerprint is known. `written`: when, and where."""
    at, place = written
    said = (contact, command.command_id, printed, at, f"{place.partition}@{place.offset}")
    return raw_event_id(kind, command.tenant, [one.encode() for one in said])


def _time(name: str, said: str | None, faults: list[str]) -> str | None:
    try:
        return None if said is None else to_iso(parse(said))
    except ValueError:
        faults.append(f"{name}: not ISO 8601 with a zone; write it as 2026-02-21T18:22:11Z")
        return None
