"""Messages by WhatsApp, for tests to be read as histories; and which windows they leave open. Shares nothing with the
fold: it joins one message at a time and waits for timers; this takes the latest message of each sender, and a clock.
"""

from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from typing import Any, NamedTuple

from services.domain.messages.events import InboundReceived, OutcomeReached, Parameters

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


def ended(hour: float, sid: str = "SM9", sender: str = SENDER, made: float | None = None, **other: Any) -> Any:
    """A message of ours ended with 63016 at `hour`; it was made then, or at `made`."""
    fields: dict[str, Any] = {"tenant": "acme", "contact": CONTACT, "command_id": None, "status": "undelivered"}
    made_at = at(hour if made is None else made)
    fields |= {"event_id": f"{sid} {hour} {made_at}", "error_code": 63016, "created_at": made_at}
    return OutcomeReached(at=at(hour), message_sid=sid, sender=sender, **fields | other)


class Open(NamedTuple):
    """A window that is not over."""

    until: str
    message_sid: str
    service: str | None


Fact = InboundReceived | OutcomeReached


def windows(facts: Iterable[Fact], now: str) -> dict[str, Open]:
    """Sender → its window, by a clock that stands at `now`."""
    facts, clock = list(facts), datetime.fromisoformat(now)
    return {
        sender: Open(_text(until), message_sid, service)
        for sender, (until, message_sid, service) in _latest(facts).items()
        if until > clock and not _came_too_late(facts, sender, until - timedelta(days=1))
    }


def remembered(facts: Iterable[Fact], now: str) -> dict[str, str]:
    """Sender → when its last window ends or ended, for 30 days from the message that opened it."""
    clock = datetime.fromisoformat(now)
    return {
        sender: _text(until) for sender, (until, _, _) in _latest(facts).items() if clock < until + timedelta(days=29)
    }


def _came_too_late(facts: list[Fact], name: str, wrote_at: datetime) -> bool:
    """Was a message of ours, made when they had written last or after that, refused as too late?"""
    mine = [one for one in facts if isinstance(one, OutcomeReached)]
    in_time = {one.message_sid for one in mine if one.error_code is None}
    made: dict[str, datetime] = {}
    for one in mine:
        if one.error_code == 63016 and name in (one.sender, one.messaging_service_sid):
            moment = datetime.fromisoformat(one.created_at or one.at)
            made[one.message_sid] = min(moment, made.get(one.message_sid, moment))
    return any(moment >= wrote_at for sid, moment in made.items() if sid not in in_time)


def _latest(facts: Iterable[Fact]) -> dict[str, tuple[datetime, str, str | None]]:
    """Sender → the end, the message and the service of its last window."""
    latest: dict[str, tuple[datetime, str, str | None]] = {}
    for one in facts:
        if isinstance(one, InboundReceived) and one.from_.startswith("whatsapp:"):
            said_at = datetime.fromisoformat(one.received_at if one.sent_at is None else one.sent_at)
            service = one.raw.get("MessagingServiceSid")
            told = (said_at + timedelta(days=1), one.message_sid, str(service) if service else None)
            latest[one.to] = max(latest.get(one.to, told), told, key=lambda window: window[:2])
    return latest


def _text(moment: datetime) -> str:
    return moment.isoformat(timespec="milliseconds").replace("+00:00", "Z")
