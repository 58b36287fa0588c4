"""A command as it is remembered: its row, when that wants to be woken, and how long it is kept."""

from typing import Any, Generic, Literal

import msgspec
from msgspec.structs import replace
from typing_extensions import TypeVar

from services.domain.clock import later
from services.domain.outbox.accepted import Accepted, CancelAccepted, RescheduleAccepted, ResolutionAccepted
from services.domain.spend.budgets import Spend

# How long a command id is known as used.
REMEMBER_DAYS = 30
# Of each id; a producer that gives all its commands one id must not make a row without end.
REMEMBER_OTHERS = 16

C_co = TypeVar("C_co", bound=Accepted, covariant=True, default=Accepted)


class End(msgspec.Struct, frozen=True):
    """How what was created ended: `status`, and the error that it stands with, the status that told it and when."""

    sid: str
    status: str
    error_code: int | None = None
    error_status: str | None = None
    error_at: str | None = None


class Entry(msgspec.Struct, Generic[C_co], frozen=True, kw_only=True, omit_defaults=True):
    """A command as the sender remembers it. Key: order key and command id.

    `C_co`: the accepted commands of all products. `kind`: its product's; empty, as its fingerprint, while only a cancel
    has come. `command` is dropped once it is settled; the fingerprint stays until `forget_at`, so that its id is known
    as used. `purpose`, `spend`: what its latest attempt was for, and what of a budget it took. `created_at`: since when
    it may have created something, once that is proven. What is deferred waits until `until`, or until what `condition`
    names is over; `released_at` is when it was over. `cancel`: what ends it should it ever wait again.
    """

    kind: str
    tenant: str
    command_id: str
    order_key: str
    fingerprint: str
    state: Literal["pending", "deferred", "attempted", "ambiguous", "settled"]
    command: C_co | None
    attempt: int = 0
    until: str | None = None
    condition: str | None = None
    released_at: str | None = None
    deadline: str | None = None
    sid: str | None = None
    created_at: str | None = None
    purpose: str | None = None
    spend: Spend | None = None
    forget_at: str | None = None
    ambiguous_at: str | None = None
    # Fingerprints of other contents that came under this id, each told once.
    others: tuple[str, ...] = ()
    # What it was told to wait for, each once; and the cancels that were answered.
    waited_for: tuple[str, ...] = ()
    cancel: CancelAccepted | None = None
    answered: tuple[str, ...] = ()
    # What is said to be created by this command, and nobody has looked up yet.
    claims: tuple[ResolutionAccepted, ...] = ()
    # Event ids of the same content, each answered; how far it has come, and how what it created ended.
    taken: tuple[str, ...] = ()
    last_step: str | None = None
    last_code: int | None = None
    end: End | None = None


def row_key(event: Any) -> str:
    """The key of the row that an event, or a row, belongs to: within its partition, `{order key} {command id}`."""
    return f"{event.order_key} {event.command_id or ''}"


def order_key_of(key: str) -> str:
    """The order key in a row's key. There is no blank in an order key; in a command id there may be."""
    return key.partition(" ")[0]


def due(entry: Entry) -> str | None:
    """A command that waits expires, or waits no more for a time; one that is settled is forgotten."""
    if entry.state in ("pending", "deferred") and entry.command is not None:
        # Valid until that very moment.
        end = later(entry.command.not_after, 0.001)
        return end if entry.until is None else min(end, entry.until)
    return entry.forget_at


def is_open(entry: Entry) -> bool:
    """Is it still to be sent, or just being sent?"""
    return entry.state in ("pending", "deferred", "attempted")


def settled(entry: Entry, at: str, sid: str | None = None) -> Entry:
    """The row of a command that has ended. `sid`: of what was created."""
    if sid is not None:
        entry = proven(entry, at)
    return replace(
        entry,
        state="settled",
        command=None,
        until=None,
        condition=None,
        released_at=None,
        cancel=None,
        deadline=None,
        ambiguous_at=None,
        claims=(),
        sid=sid,
        forget_at=later(at, REMEMBER_DAYS * 86_400),
    )


def proven(entry: Entry, at: str) -> Entry:
    """It has created something: then, or when its end became unknown."""
    return replace(entry, created_at=entry.created_at or entry.ambiguous_at or at)


def counts_from(entry: Entry) -> str | None:
    """When it may have reached somebody; None: it has not."""
    return entry.ambiguous_at or entry.created_at


def counted(entry: Entry) -> Spend | None:
    """What it counts for in its tenant's budgets: from its attempt on, unless that is known to have created nothing."""
    may_have_gone = entry.state in ("attempted", "ambiguous") or entry.created_at is not None
    return entry.spend if may_have_gone else None


def nameless(event: CancelAccepted | RescheduleAccepted) -> Entry:
    """The row of a command that has not come: of no product, and with nothing to carry out."""
    return Entry(
        kind="",
        tenant=event.tenant,
        command_id=event.command_id,
        order_key=event.order_key,
        fingerprint="",
        state="settled",
        command=None,
    )


def kept(known: tuple[str, ...], one: str) -> tuple[str, ...]:
    """The latest of what a row remembers, with one more."""
    return (*known, one)[-REMEMBER_OTHERS:]
