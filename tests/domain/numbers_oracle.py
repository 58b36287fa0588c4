"""What reached a number and what did not, for tests to be read as histories; and what follows from that. Shares nothing
with the fold: it takes all facts at once, sorts them by time, and walks through them as a clerk would.
"""

from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from typing import Any, NamedTuple

from services.domain.messages.events import InboundReceived, OutcomeReached
from services.domain.messages.lines import NumberLookedUp
from services.domain.reachability import PhoneLine

CONTACT = "acme|c0ffee"
_START = datetime(2026, 2, 1, 12, tzinfo=UTC)
NOBODY_THERE = {30003, 30005, 30046, 63024}
TAKES_NO_TEXT = {30006, 21614, 30011, 21635}

Fact = InboundReceived | OutcomeReached | NumberLookedUp


def at(hour: float) -> str:
    return _text(_START + timedelta(hours=hour))


def ended(hour: float, sid: str, channel: str, code: int | None = None, **other: Any) -> OutcomeReached:
    """How a message of ours ended, heard at `hour`: without a code it was delivered."""
    fields: dict[str, Any] = {"status": "undelivered" if code else "delivered", "command_id": None, "tenant": "acme"}
    fields |= {"event_id": f"{sid} {hour} {channel} {code}", "contact": CONTACT, "sender": "+14155550100"}
    fields |= {"channel": channel}
    return OutcomeReached(at=at(hour), message_sid=sid, error_code=code, **fields | other)


def wrote(hour: float, sid: str, channel: str) -> InboundReceived:
    prefix = "whatsapp:" if channel == "whatsapp" else ""
    return InboundReceived(
        event_id=f"in {sid} {hour} {channel}", tenant="acme", received_at=at(hour), contact=CONTACT, account_sid="AC1",
        message_sid=sid, from_=f"{prefix}+14155550123", to=f"{prefix}+14155550100", body="hello",
        num_media=int(channel == "mms"), raw={},
    )  # fmt: skip


def looked_up(hour: float, kind: str | None = "landline", carrier: str | None = "Bell") -> NumberLookedUp:
    line = PhoneLine(at=at(hour), type=kind, carrier=carrier, error=None if kind else 60600)
    return NumberLookedUp(
        event_id=f"line {hour} {kind} {carrier}", tenant="acme", contact=CONTACT, at=at(hour), line=line
    )


class Alone(NamedTuple):
    """A number is left alone: by the failure of that code at the end, until then."""

    until: str
    codes: tuple[int, ...]


def left(facts: Iterable[Fact]) -> list[tuple[str, str, int]]:
    """When, by what and with which code messages failed, each the last time, if nothing came through after that.

    That nobody was there and that a number takes no texts are two failures of one message.
    """
    facts = list(facts)
    latest: dict[tuple[str, bool], tuple[str, int, str]] = {}
    for one in facts:
        if isinstance(one, OutcomeReached) and one.status in ("undelivered", "failed") and _counts(one):
            told = (one.at, one.error_code or 0, one.channel or "")
            which = one.message_sid or one.event_id, one.error_code in NOBODY_THERE
            latest[which] = max(latest.get(which, told), told)
    through = _all_through(facts)
    return sorted(
        (moment, channel, code)
        for moment, code, channel in latest.values()
        if not any(moment <= when and _reaches(by, channel, code) for when, by in through)
    )


def landline(facts: Iterable[Fact]) -> str | None:
    """Since when it is known as a landline at which nothing arrived by text since, by the last look."""
    facts = list(facts)
    looks = [one for one in facts if isinstance(one, NumberLookedUp)]
    last = max(looks, key=lambda one: (one.at, one.line.type or "", one.line.carrier or ""), default=None)
    if last is None or last.line.type != "landline":
        return None
    return None if any(when >= last.at and by in ("sms", "mms") for when, by in _all_through(facts)) else last.at


def _all_through(facts: Iterable[Fact]) -> list[tuple[str, str]]:
    return [reached for one in facts for reached in _through(one)]


def alone(
    failures: Iterable[tuple[str, str, int]], channel: str, rule: tuple[int, float, float, float]
) -> Alone | None:
    """Until when a channel is left alone, by these failures: `rule` is so many, within days, for days, a landline's."""
    many, within, rest, landline = rule
    mine = sorted(one for one in failures if _reaches(channel, one[1], one[2]))
    found = []
    nobody: list[tuple[str, int]] = []
    for moment, _, code in mine:
        if code in TAKES_NO_TEXT:
            found.append(Alone(_later(moment, landline), (code,)))
            continue
        if nobody and nobody[-1][0][:13] == moment[:13]:
            nobody.pop()
        nobody.append((moment, code))
    for end in range(many, len(nobody) + 1):
        run = nobody[end - many : end]
        if datetime.fromisoformat(run[0][0]) + timedelta(days=within) >= datetime.fromisoformat(run[-1][0]):
            found.append(Alone(_later(run[-1][0], rest), tuple(sorted({code for _, code in run}))))
    return max(found, key=lambda one: one.until, default=None)


def _counts(one: OutcomeReached) -> bool:
    return one.error_code in NOBODY_THERE or (one.error_code in TAKES_NO_TEXT and one.channel in ("sms", "mms"))


def _through(one: Fact) -> list[tuple[str, str]]:
    """When and by what something came through."""
    if isinstance(one, NumberLookedUp):
        return []
    if isinstance(one, InboundReceived):
        by = "whatsapp" if one.from_.startswith("whatsapp:") else "mms" if one.num_media else "sms"
        return [(one.received_at, by)]
    return [(max(one.at, one.overruled_at or ""), one.channel or "")] if one.status == "delivered" else []


def _reaches(by: str, channel: str, code: int) -> bool:
    """Does what comes through by one channel come through, for such a failure, by another?"""
    texts = {"sms", "mms"}
    if by == channel:
        return True
    return {by, channel} == texts and (code in NOBODY_THERE or channel == "sms")


def _later(moment: str, days: float) -> str:
    return _text(datetime.fromisoformat(moment) + timedelta(days=days))


def _text(moment: datetime) -> str:
    return moment.isoformat(timespec="milliseconds").replace("+00:00", "Z")
