"""Nothing acknowledged is lost (README, "The promises": a webhook that was answered 2xx is on the log once)."""

from collections import defaultdict
from collections.abc import Mapping
from typing import Any

import orjson

from services.checker.facts import Fact, Facts
from services.checker.finding import Looking
from services.checker.topics import INBOUND, STATUS

_TOPICS = {"inbound": INBOUND, "status": STATUS}
# What a fact says beside the parameters, and the parameters that say it.
_SAID = {
    "message_sid": ("MessageSid", "SmsSid", "SmsMessageSid"),
    "account_sid": ("AccountSid",),
    "from": ("From",),
    "to": ("To",),
    "body": ("Body",),
}


def look(facts: Facts) -> Looking:
    """Each webhook's content stands there under one id, and none that nobody posted."""
    looking = Looking()
    for kind, topic in _TOPICS.items():
        posted: defaultdict[bytes, list[Mapping[str, Any]]] = defaultdict(list)
        for one in facts.witness.callbacks if facts.witness else ():
            if one["kind"] == kind and one["attempts"]:
                posted[_content(one["params"])].append(one)
        _compare(looking, facts, topic, posted)
    return looking


def _compare(looking: Looking, facts: Facts, topic: str, posted: Mapping[bytes, list[Mapping[str, Any]]]) -> None:
    stands: defaultdict[bytes, list[Fact]] = defaultdict(list)
    for fact in facts.sound(topic):
        if fact.event and fact.event.get("provenance") != "backfill":
            stands[_content(fact.event.get("raw"))].append(fact)
    for content, calls in posted.items():
        if content not in stands and any(_acknowledged(one) for one in calls):
            looking.checked += 1
            looking.lost.append(f"{topic}: {calls[0]['sid']} {calls[0]['status']} was acknowledged and is not there")
    for content, records in stands.items():
        looking.checked += 1
        if len(ids := {one.id for one in records}) > 1:
            looking.doubled.append(
                f"{records[1].at}: one webhook stands under {len(ids)} ids, {', '.join(sorted(ids))}"
            )
        # Of a webhook that is still being answered Twilio tells nothing yet.
        if content not in posted and facts.settled:
            looking.wrong.append(f"{records[0].at}: {records[0].id} was posted by nobody, or with other parameters")
        looking.wrong += [f"{one.at}: {name} is not what its parameters say" for one in records for name in _other(one)]


def _acknowledged(callback: Mapping[str, Any]) -> bool:
    status = callback["http_status"]
    return status is not None and 200 <= status < 300


def _content(parameters: Any) -> bytes:
    return orjson.dumps(parameters, option=orjson.OPT_SORT_KEYS)


def _other(fact: Fact) -> list[str]:
    raw = fact.event.get("raw")
    if not isinstance(raw, dict):
        return ["raw"]
    return [
        name
        for name, sources in _SAID.items()
        if name in fact.event and fact.event[name] != next((_first(raw[one]) for one in sources if raw.get(one)), "")
    ]


def _first(value: Any) -> Any:
    return value[0] if isinstance(value, list) and value else value
