"""Our senders by WhatsApp as Twilio lists them: one that is offline is paused, so that it is out of its pools, until it
is online again; how good WhatsApp takes it to be is told.

The pause is one by a fault: a person's stands before it, and its end ends no other. It is told again and again, for it
ends by itself some hours later, where nobody looks any more.
"""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import msgspec

from services.domain.clock import later, seconds_between
from services.domain.identity import derived_event_id
from services.domain.outbox.pauses import PauseEnded, PausePlaced, of_sender

# It is not there for anybody, says Twilio; every other state is on the way to one.
OFFLINE, _ONLINE = "OFFLINE", "ONLINE"
OUT_S = 6 * 3600.0
_TOLD_AGAIN_S = 600.0
_MOST = 500


class Health(msgspec.Struct, frozen=True, kw_only=True):
    """One sender as the list has it. `reasons`: why it is offline."""

    status: str
    quality: str | None = None
    limit: str | None = None
    reasons: tuple[str, ...] = ()

    @property
    def offline(self) -> bool:
        return self.status == OFFLINE


class SendersRead(msgspec.Struct, frozen=True, kw_only=True):
    """What Twilio's list says of a tenant's senders (the poller's own event; never on the log)."""

    tenant: str
    at: str
    keys: tuple[str, ...]
    senders: dict[str, Health]


class Watched(msgspec.Struct, frozen=True, kw_only=True):
    """What was last read of a tenant's senders, by address; `out`: since when a pause was last told. Key: tenant."""

    tenant: str
    senders: dict[str, Health] = {}
    out: dict[str, str] = {}


def fold(state: Watched | None, event: SendersRead) -> tuple[Watched, Sequence[PausePlaced | PauseEnded]]:
    """Note what is listed; tell who is out, and who is back."""
    known = state or Watched(tenant=event.tenant)
    told: list[PausePlaced | PauseEnded] = []
    out = dict(known.out)
    for sender, health in event.senders.items():
        since = out.get(sender)
        if health.offline and (since is None or seconds_between(since, event.at) >= _TOLD_AGAIN_S):
            out[sender] = event.at
            told += [_placed(event, sender, health, key) for key in event.keys]
        elif since is not None and health.status.startswith(_ONLINE):
            del out[sender]
            told += [_ended(event, sender, key) for key in event.keys]
    # Who is listed no more is nobody's sender, or the list was not whole: it is known for as long as its pause stands.
    out = {sender: at for sender, at in out.items() if seconds_between(at, event.at) < OUT_S}
    return Watched(tenant=event.tenant, senders=event.senders, out=out), told


def worse(before: Health | None, after: Health) -> bool:
    """Did WhatsApp's opinion of a sender fall?"""
    return before is not None and _rank(after.quality) < _rank(before.quality)


def read(senders: Sequence[Mapping[str, Any]]) -> dict[str, Health]:
    """The list's items by address; what names none is passed over."""
    found = {sender: _health(one) for one in senders if (sender := _text(one.get("sender_id"))) is not None}
    return dict(sorted(found.items())[:_MOST])


_RANKS = {"LOW": 0, "RED": 0, "MEDIUM": 1, "YELLOW": 1, "HIGH": 2, "GREEN": 2}


def _rank(quality: str | None) -> int:
    return _RANKS.get((quality or "").upper(), 2)


def _health(one: Mapping[str, Any]) -> Health:
    told = one.get("properties")
    properties: Mapping[str, Any] = told if isinstance(told, Mapping) else {}
    return Health(
        status=_text(one.get("status")) or "",
        quality=_text(properties.get("quality_rating")),
        limit=_text(properties.get("messaging_limit")),
        reasons=tuple(_reasons(one.get("offline_reasons"))),
    )


def _reasons(listed: Any) -> Iterator[str]:
    """Twilio's code and words for each, a few."""
    for one in listed[:3] if isinstance(listed, list) else ():
        if isinstance(one, Mapping):
            yield f"{one.get('code') or ''} {_text(one.get('message')) or ''}".strip()


def _text(found: Any) -> str | None:
    return found[:200] if isinstance(found, str) and found else None


def _placed(event: SendersRead, sender: str, health: Health, key: str) -> PausePlaced:
    why = "; ".join(health.reasons) or "Twilio does not say why"
    return PausePlaced(
        event_id=derived_event_id(f"{event.tenant} {sender} {event.at}", "offline", key),
        key=key,
        tenant=event.tenant,
        scope=of_sender(event.tenant, sender),
        at=event.at,
        by="Twilio",
        note=f"WhatsApp's sender is offline: {why}. See to it in Twilio's console",
        cause="sender",
        sent_at=event.at,
        until=later(event.at, OUT_S),
    )


def _ended(event: SendersRead, sender: str, key: str) -> PauseEnded:
    return PauseEnded(
        event_id=derived_event_id(f"{event.tenant} {sender} {event.at}", "online", key),
        key=key,
        tenant=event.tenant,
        scope=of_sender(event.tenant, sender),
        at=event.at,
        by="Twilio",
        note="WhatsApp's sender is online again",
        cause="sender",
    )
