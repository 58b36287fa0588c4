"""What cannot be decoded is a dead letter with its bytes and reason, and nothing else is (README, "The promises")."""

from collections.abc import Mapping
from typing import Any

from services.checker.commands import is_object
from services.checker.facts import Fact, Facts, source_of
from services.checker.finding import Looking
from services.checker.holds import unplaced
from services.checker.topics import ACCEPTED, INBOUND, OUTCOMES, PUBLIC, RESULTS, SENT, STATUS, dead_of, shared

# A fact that has all of these can be decoded, if what else it has is of these.
_STATUS: Mapping[str, type] = {
    **dict.fromkeys(("event_type", "event_id", "tenant", "received_at", "account_sid", "message_sid"), str),
    **dict.fromkeys(("message_status", "from", "to"), str),
    "raw": dict,
}
_INBOUND: Mapping[str, type] = {
    **{name: type_ for name, type_ in _STATUS.items() if name != "message_status"},
    **dict.fromkeys(("contact", "body"), str),
    "num_media": int,
}
_FACTS = {STATUS: ("twilio_status", _STATUS), INBOUND: ("twilio_inbound", _INBOUND)}
_MORE: Mapping[str, type] = {
    **dict.fromkeys(("contact", "command_id", "sent_at", "idempotency_token"), str),
    "error_code": int,
}
_REASONS = frozenset({"undecodable", "too_large", "unfoldable", "defect"})
_NO_CUT = ("truncated-from-bytes", "truncated-key-from-bytes")


def look(facts: Facts) -> Looking:
    """Every letter, and every record of a public topic that is no command."""
    looking = Looking()
    sources = {
        fact.at: fact
        for topic in (*PUBLIC, INBOUND, STATUS, ACCEPTED, RESULTS, SENT, OUTCOMES)
        for fact in facts.of(topic)
    }
    for letter in facts.letters:
        looking.checked += 1
        _letter(looking, letter, sources.get(source_of(letter)))
    if facts.settled and facts.whole(ACCEPTED):
        looking.lost += [
            f"{letter.at}: it may be a person's word, and {contact} is not held for it"
            for letter, contact in unplaced(facts)
        ]
    for topic in PUBLIC:
        for fact in facts.of(topic):
            if is_object(fact.entry.value) is False:
                looking.checked += 1
                if fact.at not in facts.buried and facts.settled:
                    looking.lost.append(f"{fact.at}: it is no command, and no dead letter holds it")
    return looking


def _letter(looking: Looking, letter: Fact, source: Fact | None) -> None:
    told = {name: content.decode(errors="replace") for name, content in letter.entry.headers}
    reason = told.get("reason", "")
    if reason not in _REASONS or "source-topic" not in told:
        looking.wrong.append(f"{letter.at}: its headers do not say why it is dead, or whence it came")
    if reason == "defect":
        looking.wrong.append(f"{letter.at}: a defect of the product's own, {told.get('detail', '')[:80]}")
    if source is None:
        return
    if letter.entry.topic != dead_of(source.entry.topic):
        looking.wrong.append(f"{letter.at}: its source is {source.at}, whose dead letters are elsewhere")
    if not _same(letter, source, told):
        looking.wrong.append(f"{letter.at}: it is not what {source.at} holds, byte for byte")
    if reason == "undecodable" and _decodes(source):
        looking.wrong.append(f"{letter.at}: {source.at} can be decoded, and is dead")


def _same(letter: Fact, source: Fact, told: Mapping[str, Any]) -> bool:
    if any(name in told for name in _NO_CUT):
        value, key = letter.entry.value or b"", letter.entry.key
        return (source.entry.value or b"").startswith(value) and source.entry.key.startswith(key)
    return (letter.entry.value, letter.entry.key) == (source.entry.value, source.entry.key)


def _decodes(source: Fact) -> bool:
    """Surely; what parsers or schemas may differ about is left alone."""
    if shared(source.entry.topic) in PUBLIC:
        return is_object(source.entry.value) is True
    kind, fields = _FACTS.get(source.entry.topic, ("", {}))
    if not fields or source.event.get("event_type") != kind:
        return False
    event = source.event
    return (
        all(type(event.get(name)) is type_ for name, type_ in fields.items())
        and all(event.get(name) is None or type(event[name]) is type_ for name, type_ in _MORE.items())
        and isinstance(event.get("linked", []), list)
        and all(isinstance(name, str) for name in event.get("linked", []))
        and event.get("provenance", "webhook") == "webhook"
        and all(isinstance(value, str) for value in event["raw"].values())
    )
