"""What a sender of ours is called, and of what kind it is."""

from services.domain.addresses import judge
from services.domain.consent.scopes import sender_scope
from services.domain.senders.events import Kind

_SCOPE = "sender:"
_NUMBERS_AND_NAMES = frozenset({"phone", "short_code", "name", "agent", "id"})
_CHANNELS: dict[str, Kind] = {
    "whatsapp": "whatsapp", "rcs": "rcs", "messenger": "messenger", "instagram": "instagram", "line": "line",
}  # fmt: skip
_KINDS: dict[str, Kind] = {"phone": "long_code", "short_code": "short_code", "agent": "rcs"}


def name_of(address: str) -> str | None:
    """The one name of a sender by SMS, MMS and RCS, and of another by WhatsApp; None for what is none of ours.

    As scopes of consent have it, but for their first word: `+14155550100`, `whatsapp:+14155550100`, `rcs:acme_agent`.
    What Twilio has masked is nobody's name.
    """
    if judge(address).kind not in _NUMBERS_AND_NAMES:
        return None
    return sender_scope(address).removeprefix(_SCOPE)


def scope_of(name: str) -> str:
    """The scope of a sender by its name."""
    return f"{_SCOPE}{name}"


def kind_of(name: str) -> Kind:
    """What a sender is, by its name."""
    found = judge(name)
    if found.toll_free and not found.channel:
        return "toll_free"
    return _CHANNELS.get(found.channel) or _KINDS.get(found.kind, "alphanumeric")


def family(name: str) -> str:
    """Where an opt-out of it holds: SMS, MMS and RCS are one (Twilio, since 2026-03-16), other channels each alone."""
    channel, colon, _ = name.partition(":")
    return channel if colon and channel != "rcs" else "sms"
