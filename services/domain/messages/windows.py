"""Windows as they are kept, and as they are read: may one write freely by a sender, or by a service?"""

from collections.abc import Collection, Mapping
from typing import NamedTuple

import msgspec

from services.domain.clock import later

WINDOW_S = 86_400.0


class Window(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """Free until `until`. `service`: the Messaging Service through which the person wrote, if any.

    `closing_told`, `over`: the timers that have come.
    """

    until: str
    message_sid: str
    service: str | None = None
    closing_told: bool = False
    over: bool = False


class Refusal(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """A message of ours ended with 63016. `at`: when it was made, as far as known: the earliest that was heard.

    `names`: our sender, and the Messaging Service that sent it. `overruled`: it arrived after all.
    """

    at: str
    names: tuple[str, ...]
    overruled: bool = False


class Sessions(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """The windows of a contact by our sender (`whatsapp:+1415…`), those that are over too. Key: contact.

    `refusals`: by MessageSid.
    """

    tenant: str
    contact: str
    windows: dict[str, Window] = {}
    refusals: dict[str, Refusal] = {}


class Seen(NamedTuple):
    """What a gate sees. `until`: of the window that counts, by `sender`.

    `refused_at`: when the message was made that Twilio ended with 63016, where nothing but that stands against it.
    `unknown`: senders with an open window of which nobody knows whether they are in the service.
    """

    until: str | None = None
    sender: str | None = None
    refused_at: str | None = None
    unknown: tuple[str, ...] = ()


def open_windows(state: Sessions | None) -> dict[str, str]:
    """Sender → until, of windows that no timer and no refusal has ended."""
    if state is None:
        return {}
    return {
        sender: window.until
        for sender, window in state.windows.items()
        if not window.over and refused_at(state, window, sender) is None
    }


def seen(state: Sessions | None, sender: str | None, service: str | None, members: Mapping[str, bool]) -> Seen:
    """The window that lets one write freely from this sender, or through this service, which chooses its own.

    `members`: sender → whether it is in the service, where that is known.
    """
    if state is None:
        return Seen()
    if sender is not None:
        return _best(state, {sender: state.windows[sender]} if sender in state.windows else {}, (sender,))
    inside, unknown = {}, []
    for name, window in state.windows.items() if service else ():
        # Their own message named the service: nothing says it better.
        if window.service == service or members.get(name):
            inside[name] = window
        elif name not in members and not window.over and refused_at(state, window, name) is None:
            unknown.append(name)
    found = _best(state, inside, (service or "",))
    return found._replace(unknown=tuple(unknown))


def _best(state: Sessions, windows: Mapping[str, Window], names: Collection[str]) -> Seen:
    """The longest of some windows, those first that were not refused. `names`: by which it would be sent."""
    refused = {name: refused_at(state, window, name, *names) for name, window in windows.items()}
    ranked = sorted(windows, key=lambda name: (refused[name] is None, windows[name].until, name))
    if not ranked:
        return Seen()
    best = ranked[-1]
    return Seen(windows[best].until, best, refused[best])


def refused_at(state: Sessions, window: Window, *names: str) -> str | None:
    """When the latest message was made that came too late by one of these names, if they have not written since."""
    said_at = later(window.until, -WINDOW_S)
    late = [
        one.at
        for one in state.refusals.values()
        if not one.overruled and one.at >= said_at and not set(names).isdisjoint(one.names)
    ]
    return max(late, default=None)
