"""The sessions fold: the 24 hours in which WhatsApp and Messenger let us write freely, per contact and sender of ours.

Any message of the person opens or extends the window. The state says until when; that it is over is read off the
clock by whoever asks, and told by a timer. A message of ours that Twilio ended with 63016 is the better witness: the
window was closed when it was made, and stays so until they write after that.

The state is a set of messages' ends, refusals, and timers that have come: any order of the facts gives the same. What
is over is remembered for 30 days from the last message, as long as the log keeps it: a replay then opens nothing
again. That is one small row for each person who wrote in that time. What is replayed later still, or was older when
it came, is told again, as of its own time.
"""

from collections.abc import Iterable, Mapping
from typing import Literal, NamedTuple

import msgspec
from msgspec.structs import replace

from services.domain.addresses import WINDOWED
from services.domain.clock import later
from services.domain.due import Due
from services.domain.errors import explain
from services.domain.identity import derived_event_id
from services.domain.messages.events import InboundReceived, OutcomeReached, parameter
from services.domain.messages.windows import WINDOW_S, Refusal, Sessions, Window, open_windows

CLOSING_S = 3_600.0
# From a window's end.
REMEMBER_S = 29 * 86_400.0
# A row is written whole; a window beyond them is not remembered, so that only a template may go. Of windows that are
# over the latest are.
MOST_SENDERS = 64
# Messages of ours that came too late; the gate lets few of them go. The latest stay.
MOST_REFUSALS = 16

Change = Literal["opened", "extended", "closing", "expired"]


class SessionChanged(msgspec.Struct, frozen=True, kw_only=True):
    """A window changed (`twilio.sessions.v1`, keyed by contact, compacted): which, how, and all that are open.

    `closing`: an hour is left. `expired` before `until`: Twilio said so, with 63016. `windows`: sender → until.
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
        case InboundReceived() if event.from_.partition(":")[0] in WINDOWED:
            return _heard(state, event)
        case OutcomeReached():
            return _ended(state, event)
        case Due() if state is not None:
            return _due(state, event)
        case _:
            return state, []


def due(state: Sessions) -> str | None:
    """When the row wants to be woken next."""
    return min([*map(_next, state.windows.values()), *map(_forgotten_at, state.refusals.values())], default=None)


def _next(window: Window) -> str:
    if window.over:
        return later(window.until, REMEMBER_S)
    return window.until if window.closing_told else later(window.until, -CLOSING_S)


def _forgotten_at(refusal: Refusal) -> str:
    return later(refusal.at, WINDOW_S + REMEMBER_S)


def _heard(state: Sessions | None, event: InboundReceived) -> tuple[Sessions | None, list[SessionChanged]]:
    said_at = event.sent_at or event.received_at
    until = later(said_at, WINDOW_S)
    known = state or Sessions(tenant=event.tenant, contact=event.contact)
    before = known.windows.get(event.to)
    # Of two messages of one moment the greater id: any choice that no order of arrival changes.
    if before is not None and (before.until, before.message_sid) >= (until, event.message_sid):
        return state, []
    opening = before is None or before.over
    if opening and sum(not window.over for window in known.windows.values()) >= MOST_SENDERS:
        return state, []
    service = parameter(event.raw, "MessagingServiceSid") or None
    window = Window(until=until, message_sid=event.message_sid, service=service)
    if before is not None and before.until == until:
        window = replace(window, closing_told=before.closing_told, over=before.over)
    joined = replace(known, windows=dict(sorted({**known.windows, event.to: window}.items())))
    if (before is not None and before.until == until) or event.to not in open_windows(joined):
        return joined, []
    was_open = before is not None and event.to in open_windows(known)
    change: Change = "extended" if was_open and before is not None and said_at < before.until else "opened"
    return joined, [_changed(joined, event.to, change, _Told(event.received_at, event.event_id))]


def _ended(state: Sessions | None, event: OutcomeReached) -> tuple[Sessions | None, list[SessionChanged]]:
    """A message of ours came to an end: too late for its window, or after all in time."""
    sid = event.message_sid or event.event_id
    before = state.refusals.get(sid) if state else None
    if explain(event.error_code).tells != "window_closed":
        if state is None or before is None or event.status not in ("delivered", "read"):
            return state, []
        return _refusing(state, sid, replace(before, overruled=True), event)
    names = {event.sender, event.messaging_service_sid or ""} - {""}
    if not names:
        return state, []
    refusal = Refusal(at=event.created_at or event.at, names=tuple(sorted(names)))
    if before is not None:
        at, names = min(before.at, refusal.at), names | set(before.names)
        refusal = replace(before, at=at, names=tuple(sorted(names)))
    return _refusing(state or Sessions(tenant=event.tenant, contact=event.contact), sid, refusal, event)


def _refusing(
    state: Sessions, sid: str, refusal: Refusal, event: OutcomeReached
) -> tuple[Sessions, list[SessionChanged]]:
    latest = sorted({**state.refusals, sid: refusal}.items(), key=lambda item: (item[1].at, item[0]))
    joined = replace(state, refusals=dict(sorted(latest[-MOST_REFUSALS:])))
    before, after = open_windows(state), open_windows(joined)
    told = _Told(event.at, event.event_id)
    closed = [_changed(joined, name, "expired", told) for name in before if name not in after]
    return joined, closed + [_changed(joined, name, "opened", told) for name in after if name not in before]


def _due(state: Sessions, event: Due) -> tuple[Sessions | None, list[SessionChanged]]:
    derived = []
    for sender, window in state.windows.items():
        if window.over or _next(window) > event.at:
            continue
        ends = window.closing_told
        told = _Told(_next(window), f"{state.contact} {sender}")
        was_open = sender in open_windows(state)
        state = replace(state, windows={**state.windows, sender: replace(window, closing_told=True, over=ends)})
        # What a refusal has ended is told already. From the timer alone, so that whoever ticks tells the same event.
        if was_open:
            derived.append(_changed(state, sender, "expired" if ends else "closing", told))
    state = replace(
        state,
        windows=_remembered(state.windows, event.at),
        refusals={sid: one for sid, one in state.refusals.items() if _forgotten_at(one) > event.at},
    )
    return (state if state.windows or state.refusals else None), derived


def _remembered(windows: Mapping[str, Window], now: str) -> dict[str, Window]:
    """All that are not over, and the latest of the others."""
    ended = [(one.until, name) for name, one in windows.items() if one.over and _next(one) > now]
    kept = {name for _, name in sorted(ended)[-MOST_SENDERS:]}
    return _those(windows, [name for name, one in windows.items() if not one.over or name in kept])


def _those(windows: Mapping[str, Window], names: Iterable[str]) -> dict[str, Window]:
    return {name: windows[name] for name in sorted(names)}


def _changed(state: Sessions, sender: str, change: Change, told: _Told) -> SessionChanged:
    until = state.windows[sender].until
    return SessionChanged(
        event_id=derived_event_id(told.source, "session", f"{sender} {change} {until}"),
        tenant=state.tenant,
        contact=state.contact,
        at=told.at,
        sender=sender,
        change=change,
        until=until,
        windows=open_windows(state),
    )
