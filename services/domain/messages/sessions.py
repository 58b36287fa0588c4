"""The sessions fold: the 24 hours in which WhatsApp lets us write freely, per contact and sender of ours.

Any message of the person opens or extends the window. The state says until when; that it is over is read off the
clock by whoever asks, and told by a timer. When it was over is remembered for 30 days from the last message, as long
as the log keeps it: a replay then opens nothing again. That is one small row for each person who wrote in that time.
What is replayed later still, or was older when it came, is told again, as of its own time.
"""

from typing import Literal, NamedTuple

import msgspec
from msgspec.structs import replace

from services.domain.clock import later
from services.domain.due import Due
from services.domain.identity import derived_event_id
from services.domain.messages.events import InboundReceived, parameter

WINDOW_S = 86_400.0
CLOSING_S = 3_600.0
# From a window's end.
REMEMBER_S = 29 * 86_400.0
# A row is written whole; a window beyond them is not remembered, so that only a template may go. Of windows that are
# over the latest are.
MOST_SENDERS = 64

Change = Literal["opened", "extended", "closing", "expired"]


class Window(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """Free until `until`. `service`: the Messaging Service through which the person wrote, if any."""

    until: str
    message_sid: str
    service: str | None = None
    closing_told: bool = False


class Sessions(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """The windows of a contact by our sender (`whatsapp:+1415…`). Key: contact.

    `over`: sender → until when its last window was, of those whose end is told. None of them is in `windows`.
    """

    tenant: str
    contact: str
    windows: dict[str, Window]
    over: dict[str, str] = {}


class SessionChanged(msgspec.Struct, frozen=True, kw_only=True):
    """A window changed (`twilio.sessions.v1`, keyed by contact, compacted): which, how, and all that are open.

    `closing`: an hour is left. `windows`: sender → until.
    """

    event_type: Literal["session_changed"] = "session_changed"
    event_id: str
    tenant: str
    contact: str
    at: str
    sender: str
    change: Change
    until: str
    windows: dict[str, str]


class _Told(NamedTuple):
    """When a change is told, and the id of what tells it."""

    at: str
    source: str


def fold(state: Sessions | None, event: msgspec.Struct) -> tuple[Sessions | None, list[SessionChanged]]:
    """Join a message, or tell what has become due. Everything else that contacts are told changes nothing."""
    match event:
        case InboundReceived() if event.from_.startswith("whatsapp:"):
            return _heard(state, event)
        case Due() if state is not None:
            return _due(state, event)
        case _:
            return state, []


def due(state: Sessions) -> str | None:
    """When the row wants to be woken next."""
    times = [*map(_next, state.windows.values()), *map(_forgotten_at, state.over.values())]
    return min(times, default=None)


def open_until(state: Sessions | None, sender: str | None, service: str | None) -> str | None:
    """Until when one may write freely from this sender, or through this Messaging Service, which chooses its own."""
    windows = state.windows if state else {}
    if sender:
        return windows[sender].until if sender in windows else None
    return max((window.until for window in windows.values() if service and window.service == service), default=None)


def _next(window: Window) -> str:
    return window.until if window.closing_told else later(window.until, -CLOSING_S)


def _forgotten_at(until: str) -> str:
    return later(until, REMEMBER_S)


def _heard(state: Sessions | None, event: InboundReceived) -> tuple[Sessions | None, list[SessionChanged]]:
    said_at = event.sent_at or event.received_at
    until = later(said_at, WINDOW_S)
    known = state or Sessions(tenant=event.tenant, contact=event.contact, windows={})
    before = known.windows.get(event.to)
    # Of two messages of one moment the greater id: any choice that no order of arrival changes.
    if before is not None and (before.until, before.message_sid) >= (until, event.message_sid):
        return state, []
    if before is None and (until <= known.over.get(event.to, "") or len(known.windows) >= MOST_SENDERS):
        return state, []
    service = parameter(event.raw, "MessagingServiceSid") or None
    window = Window(until=until, message_sid=event.message_sid, service=service)
    if before is not None and before.until == until:
        window = replace(window, closing_told=before.closing_told)
    over = {sender: ended for sender, ended in known.over.items() if sender != event.to}
    joined = replace(known, windows=dict(sorted({**known.windows, event.to: window}.items())), over=over)
    if before is not None and before.until == until:
        return joined, []
    change: Change = "extended" if before is not None and said_at < before.until else "opened"
    return joined, [_changed(joined, event.to, window, change, _Told(event.received_at, event.event_id))]


def _due(state: Sessions, event: Due) -> tuple[Sessions | None, list[SessionChanged]]:
    derived = []
    for sender, window in state.windows.items():
        if _next(window) > event.at:
            continue
        change: Change = "expired" if window.closing_told else "closing"
        left = {name: kept for name, kept in state.windows.items() if name != sender}
        over = state.over
        if change == "closing":
            left = dict(sorted({**left, sender: replace(window, closing_told=True)}.items()))
        else:
            over = _latest({**over, sender: window.until})
        state = replace(state, windows=left, over=over)
        # From the timer alone, so that whoever ticks, and whenever, tells the same event.
        source = f"{state.contact} {sender}"
        derived.append(_changed(state, sender, window, change, _Told(_next(window), source)))
    over = {sender: until for sender, until in state.over.items() if _forgotten_at(until) > event.at}
    state = replace(state, over=over)
    return (state if state.windows or state.over else None), derived


def _latest(over: dict[str, str]) -> dict[str, str]:
    by_time = sorted(over.items(), key=lambda item: (item[1], item[0]))
    return dict(sorted(by_time[-MOST_SENDERS:]))


def _changed(state: Sessions, sender: str, window: Window, change: Change, told: _Told) -> SessionChanged:
    return SessionChanged(
        event_id=derived_event_id(told.source, "session", f"{sender} {change} {window.until}"),
        tenant=state.tenant,
        contact=state.contact,
        at=told.at,
        sender=sender,
        change=change,
        until=window.until,
        windows={name: kept.until for name, kept in state.windows.items()},
    )
