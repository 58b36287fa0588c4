"""One contact's story as it stands on the log: its records in order, a line each. Pure."""

import json
from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple

from services.contract.consent import CONSENT, SUPPRESSION
from services.contract.messages import INBOUND, MESSAGES, SESSIONS
from services.contract.outbound import RESULTS
from services.demo.chapters.contact import ADA
from services.demo.log import Entry, Log
from services.domain.clock import iso
from services.domain.contact import contact_key
from services.runtime.config import Settings

Event = Mapping[str, Any]
# What is shown of each record; it holds more.
_SHOWN: Mapping[str, tuple[str, ...]] = {
    MESSAGES.name: ("command_id", "body", "content_sid"),
    RESULTS.name: ("command_id", "step", "category", "reason", "message_sid"),
    INBOUND.name: ("to", "body", "message_sid"),
    CONSENT.name: ("action", "scopes", "word", "message_sid"),
    SUPPRESSION.name: ("suppressed",),
    SESSIONS.name: ("sender", "change", "until"),
}
_STEPS = frozenset({"sent", "blocked"})


class Told(NamedTuple):
    """A record of the story. `fields`: JSON, what matters of it."""

    at: str
    topic: str
    fields: str


def story(settings: Settings, log: Log) -> list[Told]:
    """The records about Ada, in the order of their own time."""
    key = contact_key("acme", ADA, settings.tenants["acme"].contact_secret.get_secret_value().encode())
    found = [Told(_at(one), one.topic, _fields(one)) for one in _about(log, key)]
    return sorted(found, key=lambda one: one.at)


def _about(log: Log, key: str) -> Iterator[Entry]:
    for entry in log.entries:
        hers = entry.event.get("contact") == key or str(entry.event.get("command_id")).startswith("ada-")
        if hers and entry.topic in _SHOWN and (entry.topic != RESULTS.name or entry.event["step"] in _STEPS):
            yield entry


def _at(entry: Entry) -> str:
    for name in ("received_at", "at"):
        if name in entry.event:
            return str(entry.event[name])
    return iso(entry.written_ms)


def _fields(entry: Entry) -> str:
    shown = {name: entry.event[name] for name in _SHOWN[entry.topic] if entry.event.get(name) not in (None, "")}
    if entry.topic == SUPPRESSION.name:
        # Which word of which message stands in the evidence; here the scopes suffice.
        shown = {"suppressed": list(entry.event["suppressed"])}
    return json.dumps(shown, ensure_ascii=False)
