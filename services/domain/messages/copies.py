"""Media that people sent, and what became of their copies: one row per message, each medium for itself.

The fold remembers what is to be copied and tells once what came of it; whoever copies tells the fold. Settings are read
by that one alone. A message that is told again is the same row; an object's name follows from the message and the
place, so a copy that is made twice is one.
"""

from collections.abc import Iterable, Sequence
from typing import Literal

import msgspec
from msgspec.structs import replace

from services.domain.clock import later
from services.domain.due import Due
from services.domain.identity import derived_event_id
from services.domain.messages.events import InboundReceived, Parameters, parameter

# As long as the log keeps what people wrote: until then the same message may be told again.
REMEMBER_S = 31 * 86_400.0
# Twilio takes ten with a message; a form may say anything.
MOST = 10
_FIRST_WAIT_S, _LONGEST_WAIT_S = 15.0, 1800.0
# In a list's name.
OPEN = "open "

Outcome = Literal["stored", "refused", "infected", "gone"]


class MediumTold(msgspec.Struct, frozen=True, kw_only=True):
    """What became of a file that somebody sent (`twilio.media.v1`, keyed by contact).

    `place`: its number in the message, from 0. stored: it lies in `bucket` under `object_key`, with this type (by its
    content), size and digest. refused: it was not copied, `reason` says why. infected: `reason` is the virus's name.
    gone: Twilio has it no more. deleted: it was taken away at Twilio after it was stored.
    """

    event_type: Literal["medium"] = "medium"
    event_id: str
    tenant: str
    at: str
    contact: str
    account_sid: str
    message_sid: str
    place: int
    outcome: Literal["stored", "refused", "infected", "gone", "deleted"]
    reason: str | None = None
    declared_type: str | None = None
    content_type: str | None = None
    size: int | None = None
    sha256: str | None = None
    bucket: str | None = None
    object_key: str | None = None


class Medium(msgspec.Struct, frozen=True):
    """`url`: where it lies at Twilio; None: its list is to say; empty: that has it not. `end`: what came of it.
    `delete`: it is to be taken away.
    """

    url: str | None
    declared: str | None = None
    end: Outcome | None = None
    delete: bool = False


class Copies(msgspec.Struct, frozen=True, kw_only=True):
    """The media of one message. Key: `{MessageSid} {tenant}`.

    `again_at`: when it is tried again. `failed`: tries in a row that came to nothing.
    """

    tenant: str
    contact: str
    account_sid: str
    message_sid: str
    received_at: str
    media: tuple[Medium, ...]
    again_at: str
    failed: int = 0

    @property
    def is_open(self) -> bool:
        return any(one.end is None or one.delete for one in self.media)

    @property
    def is_unlisted(self) -> bool:
        return any(one.end is None and one.url is None for one in self.media)


class MediaFound(msgspec.Struct, frozen=True, kw_only=True):
    """Where a message's media lie, by Twilio's list. It is remembered before one of them is taken away: the list is
    shorter then, and its places are others.
    """

    tenant: str
    message_sid: str
    at: str
    urls: tuple[str, ...]


class Copied(msgspec.Struct, frozen=True, kw_only=True):
    """A copy came to an end. `told`: what is told of it; None: nothing (the tenant wants none). `delete`: at Twilio."""

    tenant: str
    message_sid: str
    at: str
    place: int
    outcome: Outcome
    delete: bool = False
    told: MediumTold | None = None


class TakenAway(msgspec.Struct, frozen=True, kw_only=True):
    """Twilio has a medium no more, as it was asked to."""

    tenant: str
    message_sid: str
    at: str
    place: int


class CopyFailed(msgspec.Struct, frozen=True, kw_only=True):
    """A try came to nothing: somebody was away."""

    tenant: str
    message_sid: str
    at: str


FACTS = (InboundReceived, MediaFound, Copied, TakenAway, CopyFailed, Due)


def row_key(event: InboundReceived | MediaFound | Copied | TakenAway | CopyFailed | Copies) -> str:
    return f"{event.message_sid} {event.tenant}"


def tenant_of(key: str) -> str:
    return key.partition(" ")[2]


def due(row: Copies) -> str:
    """It is forgotten when the log has forgotten its message."""
    return later(row.received_at, REMEMBER_S)


def lists(row: Copies) -> Iterable[str]:
    return (f"{OPEN}{row.again_at}",) if row.is_open else ()


def fold(
    state: Copies | None, event: InboundReceived | MediaFound | Copied | TakenAway | CopyFailed | Due
) -> tuple[Copies | None, Sequence[MediumTold]]:
    match event:
        case InboundReceived():
            return (state if state is not None else _asked(event)), ()
        case Due():
            return None, _given_up(state, event.at)
        case _ if state is None:
            return None, ()
        case MediaFound():
            return _found(state, event.urls), ()
        case Copied():
            return _copied(state, event)
        case TakenAway():
            return _taken_away(state, event)
        case CopyFailed():
            wait_s = min(_FIRST_WAIT_S * 2 ** min(state.failed, 20), _LONGEST_WAIT_S)
            return replace(state, failed=state.failed + 1, again_at=later(event.at, wait_s)), ()


def told_id(tenant: str, message_sid: str, place: int, outcome: str) -> str:
    """Of what is told: whoever makes it, it is one."""
    return derived_event_id(f"{tenant} {message_sid}", "medium", f"{place} {outcome}")


def _asked(event: InboundReceived) -> Copies | None:
    count = min(event.num_media, MOST)
    if count <= 0 or not event.message_sid:
        return None
    return Copies(
        tenant=event.tenant,
        contact=event.contact,
        account_sid=event.account_sid,
        message_sid=event.message_sid,
        received_at=event.received_at,
        media=tuple(_medium(event.raw, place) for place in range(count)),
        again_at=event.received_at,
    )


def _medium(raw: Parameters, place: int) -> Medium:
    # What was read from Twilio's lists has a count alone.
    url, declared = parameter(raw, f"MediaUrl{place}"), parameter(raw, f"MediaContentType{place}")
    return Medium(url or None, declared or None)


def _found(state: Copies, urls: Sequence[str]) -> Copies:
    urls = [*urls, *[""] * len(state.media)]
    media = (one if one.url is not None else replace(one, url=urls[place]) for place, one in enumerate(state.media))
    return replace(state, media=tuple(media))


def _copied(state: Copies, event: Copied) -> tuple[Copies, Sequence[MediumTold]]:
    if event.place >= len(state.media) or state.media[event.place].end is not None:
        return state, ()
    ended = replace(state.media[event.place], end=event.outcome, delete=event.delete)
    told = () if event.told is None else (event.told,)
    return replace(_with(state, event.place, ended), failed=0, again_at=event.at), told


def _taken_away(state: Copies, event: TakenAway) -> tuple[Copies, Sequence[MediumTold]]:
    if event.place >= len(state.media) or not state.media[event.place].delete:
        return state, ()
    left = replace(state.media[event.place], delete=False)
    told = told_of(state, event.place, "deleted", event.at)
    return replace(_with(state, event.place, left), failed=0, again_at=event.at), (told,)


def _with(state: Copies, place: int, medium: Medium) -> Copies:
    return replace(state, media=(*state.media[:place], medium, *state.media[place + 1 :]))


def told_of(
    row: Copies,
    place: int,
    outcome: Literal["stored", "refused", "infected", "gone", "deleted"],
    at: str,
    reason: str | None = None,
) -> MediumTold:
    return MediumTold(
        event_id=told_id(row.tenant, row.message_sid, place, outcome),
        tenant=row.tenant,
        at=at,
        contact=row.contact,
        account_sid=row.account_sid,
        message_sid=row.message_sid,
        place=place,
        outcome=outcome,
        reason=reason,
        declared_type=row.media[place].declared,
    )


def _given_up(state: Copies | None, at: str) -> Sequence[MediumTold]:
    if state is None:
        return ()
    why = "it could not be copied for as long as the log keeps its message"
    return [told_of(state, place, "refused", at, why) for place, one in enumerate(state.media) if one.end is None]
