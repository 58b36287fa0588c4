"""The two ends of a good run, made by hand: the log, and what Twilio saw."""

import json
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

from services.contract.consent import CONSENT, CONSENT_COMMANDS, SUPPRESSION
from services.contract.messages import DELIVERABILITY, DELIVERY, INBOUND, MESSAGES, OUTCOMES, SESSIONS, STATUS
from services.contract.outbound import RESULTS
from services.demo.log import Entry, Log
from services.demo.rows import Ends, Row
from services.demo.script import Command
from services.demo.settings import ACCOUNTS, ACME_SMS, ACME_WHATSAPP, CONFIRM_START, CONFIRM_STOP
from services.demo.twilio import Created, Posted, TwilioSide, content

AT = datetime(2026, 1, 1, tzinfo=UTC)
NOW = AT + timedelta(hours=25)
LIVED = ("queued", "sending", "sent", "delivered")
# Contact keys of who takes part: they write by WhatsApp, by SMS, and on paper.
PEOPLE = {"w": "acme +11", "s": "acme +22", "p": "acme +33"}
MALFORMED = Command("bad", b"{", "rejected", malformed=True)
REFUSED = Command("refused", b"{}", "failed", 21211)
PAPER = Command(
    "paper",
    b'{"tenant":"acme","address":"+33","action":"opt_out","given_at":"2020-01-01T00:00:00Z","proof":"a letter"}',
    "recorded",
    topic=CONSENT_COMMANDS.name,
)
COMMANDS = (
    Command("one", b"{}", "sent"),
    Command("two", b"{}", "sent", ambiguous=True),
    REFUSED,
    MALFORMED,
    PAPER,
    Command("late", b"{}", "blocked", rule="suppressed"),
    Command("outside", b"{}", "blocked", rule="window_closed"),
)
ANSWERS = {sid: {"status": "delivered", "error_code": None} for sid in ("SM1", "SM2", "SM3", "SM4")}


def entry(topic: str, key: str, **event: Any) -> Entry:
    return Entry(topic, key.encode(), json.dumps(event).encode(), 0, event)


def result(command_id: str, step: str, **more: Any) -> Entry:
    fields = {
        "code": None,
        "category": None,
        "reason": None,
        "message_sid": None,
        "execution_sid": None,
        "terminal": True,
        "event_id": f"{command_id} {step}",
        **more,
    }
    return entry(RESULTS.name, command_id, command_id=command_id, step=step, **fields)


def blocked(command_id: str, rule: str) -> Entry:
    return result(command_id, "blocked", category=rule)


def posted(sid: str, status: str, code: int | None = None) -> Posted:
    return Posted("status", sid, status, content({"MessageSid": sid, "MessageStatus": status}), code, True, AT)


def written(sid: str, sender: str, to: str, body: str, at: datetime = AT, **more: str) -> Posted:
    """The webhook of an inbound message."""
    fields = {"AccountSid": ACCOUNTS["acme"], "From": sender, "To": to, "Body": body, "MessageSid": sid, **more}
    return Posted("inbound", sid, "received", content(fields), None, True, at)


def told(one: Posted, **more: Any) -> Entry:
    """The log's record of a webhook."""
    topic = {"status": STATUS, "inbound": INBOUND}[one.kind].name
    fields = {"event_id": f"id of {one.content}", "received_at": "t1", "idempotency_token": "x", **more}
    return entry(topic, one.sid, message_sid=one.sid, raw=json.loads(one.content), **fields)


def state(topic: str, sid: str, status: str = "delivered", code: int | None = None) -> Entry:
    fields = {"message_sid": sid, "status": status, "error_code": code, "event_id": f"{topic} {sid} {status}"}
    return entry(topic, sid, tenant="acme", **fields)


def counted(minute: str, part: int, event_id: str = "", **reached: int) -> Entry:
    none = {"sent": 0, "delivered": 0, "read": 0, "failed": 0}
    fields = {"tenant": "acme", "minute": minute, "part": part, **none, **reached}
    return entry(DELIVERABILITY.name, "acme|US", event_id=f"{minute} {part} {reached}{event_id}", **fields)


def evidence(contact: str, action: str, source: str, name: str, proof: str | None = None) -> Entry:
    fields = {"contact": contact, "action": action, "source": source, "proof": proof}
    return entry(CONSENT.name, contact, event_id=f"evidence {name}", **fields)


def suppression(contact: str, name: str, **scopes: str) -> Entry:
    """`scopes`: of our senders by the name of their constants, else as they are; each with its source."""
    named = {"sms": f"sender:{ACME_SMS}", "whatsapp": f"sender:{ACME_WHATSAPP}"}
    suppressed = {named.get(scope, scope): {"source": source} for scope, source in scopes.items()}
    return entry(SUPPRESSION.name, contact, contact=contact, suppressed=suppressed, event_id=f"suppression {name}")


def session(contact: str, change: str, name: str = "") -> Entry:
    fields = {"contact": contact, "sender": ACME_WHATSAPP, "change": change}
    return entry(SESSIONS.name, contact, event_id=f"session {contact} {change}{name}", **fields)


STOP_WHATSAPP = written("SM7", "whatsapp:+11", ACME_WHATSAPP, "STOP")
STOP_SMS = written("SM8", "+22", ACME_SMS, "STOP")
START_WHATSAPP = written("SM9", "whatsapp:+11", ACME_WHATSAPP, "START", AT + timedelta(minutes=2))
WEBHOOKS = [
    *(posted(sid, status) for sid in ("SM1", "SM2", "SM3", "SM4") for status in LIVED),
    STOP_WHATSAPP,
    STOP_SMS,
    START_WHATSAPP,
]
CREATED = (
    Created("SM1", "one", LIVED),
    Created("SM2", "two", LIVED),
    Created("SM3", "confirm-1", LIVED, "whatsapp:+11", CONFIRM_STOP),
    Created("SM4", "confirm-2", LIVED, "whatsapp:+11", CONFIRM_START),
)


def records() -> list[Entry]:
    """The log of that run.

    Two messages delivered, one of them after doubt; one command refused, one malformed, two blocked. Two people write
    STOP, one of them START; one opts out on paper.
    """
    return [
        result("one", "accepted", terminal=False),
        result("one", "sent", message_sid="SM1"),
        result("two", "ambiguous", terminal=False),
        result("two", "sent", message_sid="SM2", reason="settled by a status callback"),
        result("confirm-1", "sent", message_sid="SM3"),
        result("confirm-2", "sent", message_sid="SM4"),
        result("refused", "failed", code=21211, category="address"),
        result("bad", "rejected", category="command"),
        result("paper", "recorded"),
        blocked("late", "suppressed"),
        blocked("outside", "window_closed"),
        Entry(MESSAGES.dead, b"bad", b"{", 0, {}),
        *(told(one) for one in WEBHOOKS),
        told(WEBHOOKS[0], received_at="t2"),
        *(state(DELIVERY.name, sid, status) for sid in ANSWERS for status in ("sent", "delivered")),
        *(state(OUTCOMES.name, sid) for sid in ANSWERS),
        counted("10:00", 0, sent=1),
        counted("10:00", 0, delivered=1),
        counted("10:00", 1, delivered=1),
        counted("10:01", 1, delivered=2),
        evidence("w", "opt_out", "keyword", "1"),
        evidence("s", "opt_out", "keyword", "2"),
        evidence("w", "opt_in", "keyword", "3"),
        evidence("p", "opt_out", "command", "4", "a letter"),
        suppression("w", "1", whatsapp="keyword"),
        suppression("s", "2", sms="keyword"),
        suppression("p", "3", tenant="command"),
        suppression("w", "4"),
        *(session("w", change) for change in ("opened", "extended", "closing", "expired")),
    ]


def ends(entries: list[Entry] | None = None, **more: Any) -> Ends:
    log = Log()
    for one in records() if entries is None else entries:
        log.add(one)
    # The first callback was delivered twice.
    side = TwilioSide(CREATED, (*WEBHOOKS, WEBHOOKS[0]), (), windows_enforced=True, now=NOW)
    return replace(Ends(COMMANDS, side, log, ANSWERS, PEOPLE), **more)


def side(**more: Any) -> TwilioSide:
    """Twilio's end, with something otherwise."""
    return replace(ends().twilio, **more)


def red(rows: list[Row]) -> dict[str, tuple[str, ...]]:
    return {row.what: row.wrong for row in rows if not row.ok}


def without(*unwanted: Entry) -> list[Entry]:
    kept = records()
    for one in unwanted:
        kept.remove(one)
    return kept
