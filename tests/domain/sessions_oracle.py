"""Messages by WhatsApp, for tests to be read as histories; and which windows they leave open. Shares nothing with the
fold: it joins one message at a time and waits for timers; this takes the latest message of each sender, and a clock.
"""

from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from typing import Any, NamedTuple

from services.domain.messages.events import InboundReceived, Parameters

CONTACT = "acme|c0ffee"
SENDER, OTHER = "whatsapp:+14155550100", "whatsapp:+14155550199"
_START = datetime(2026, 2, 21, 18, tzinfo=UTC)


def at(hour: float) -> str:
    return (_START + timedelta(hours=hour)).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def wrote(
    hour: float = 0, sid: str = "SM1", to: str = SENDER, service: str | None = None, **other: Any
) -> InboundReceived:
    """A webhook that arrived at `hour`."""
    raw: Parameters = {"MessagingServiceSid": service} if service else {}
    fields: dict[str, Any] = {"event_id": f"webhook {sid}", "tenant": "acme", "contact": CONTACT, "account_sid": "AC1"}
    fields |= {"from_": "whatsapp:+14155550123", "body": "hello", "num_media": 0}
    return InboundReceived(received_at=at(hour), message_sid=sid, to=to, raw=raw, **fields | other)


def listed(hour: float = 0, sid: str = "SM1", to: str = SENDER, **other: Any) -> InboundReceived:
    """The same message as Twilio's own list has it, with its date; read long after."""
    return wrote(90, sid, to, sent_at=at(hour), provenance="backfill", event_id=f"backfill {sid}", **other)


class Open(NamedTuple):
    """A window that is not over."""

    until: str
    message_sid: str
    service: str | None
    closing: bool


def windows(messages: Iterable[InboundReceived], now: str) -> dict[str, Open]:
    """Sender → its window, by a clock that stands at `now`."""
    clock = datetime.fromisoformat(now)
    return {
        sender: Open(
            until.isoformat(timespec="milliseconds").replace("+00:00", "Z"),
            message_sid,
            service,
            until - timedelta(hours=1) <= clock,
        )
        for sender, (until, message_sid, service) in _latest(messages).items()
        if until > clock
    }


def over(messages: Iterable[InboundReceived], now: str) -> dict[str, str]:
    """Sender → when its last window ended, for 30 days from the message that opened it."""
    clock = datetime.fromisoformat(now)
    return {
        sender: until.isoformat(timespec="milliseconds").replace("+00:00", "Z")
        for sender, (until, _, _) in _latest(messages).items()
        if until <= clock < until + timedelta(days=29)
    }


def _latest(messages: Iterable[InboundReceived]) -> dict[str, tuple[datetime, str, str | None]]:
    """Sender → the end, the message and the service of its last window."""
    latest: dict[str, tuple[datetime, str, str | None]] = {}
    for one in messages:
        if one.from_.startswith("whatsapp:"):
            said_at = datetime.fromisoformat(one.received_at if one.sent_at is None else one.sent_at)
            service = one.raw.get("MessagingServiceSid")
            told = (said_at + timedelta(days=1), one.message_sid, str(service) if service else None)
            latest[one.to] = max(latest.get(one.to, told), told, key=lambda window: window[:2])
    return latest
