"""The same fact has the same id, and no other fact has it (README, "Topics"; `event_id`)."""

from collections import defaultdict

import orjson

from services.checker.facts import Fact, Facts
from services.checker.finding import Looking
from services.checker.topics import EVENTS, INBOUND, STATUS

# A fact that comes twice says when it came, and by which call.
_ARRIVAL = frozenset({"event_id", "received_at", "idempotency_token"})
# The fallback URL is told these too; the message is the same one.
_FALLBACK_ONLY = frozenset({"ErrorCode", "ErrorUrl"})


def look(facts: Facts) -> Looking:
    """Over all topics. Of what anyone may produce nothing is asked: it has no id of ours."""
    looking = Looking()
    contents: defaultdict[str, dict[tuple[str, bytes], Fact]] = defaultdict(dict)
    ids: defaultdict[tuple[str, bytes], dict[str, Fact]] = defaultdict(dict)
    for topic in EVENTS:
        raw = topic in (INBOUND, STATUS)
        for fact in facts.sound(topic):
            if not fact.event:
                continue
            if not fact.id:
                looking.wrong.append(f"{fact.at}: it has no event_id")
                continue
            content = topic, _content(fact) if raw else fact.entry.value or b""
            contents[fact.id].setdefault(content, fact)
            if raw:
                ids[content].setdefault(fact.id, fact)
    looking.checked = len(contents)
    for event_id, found in contents.items():
        if len(found) > 1:
            where = " and ".join(fact.at for fact in list(found.values())[:2])
            looking.wrong.append(f"{where}: {len(found)} contents under one id, {event_id}")
    for same in ids.values():
        if len(same) > 1:
            where = " and ".join(fact.at for fact in list(same.values())[:2])
            looking.doubled.append(f"{where}: one content under {len(same)} ids, {', '.join(sorted(same))}")
    return looking


def _content(fact: Fact) -> bytes:
    said = {name: value for name, value in fact.event.items() if name not in _ARRIVAL}
    raw = said.get("raw")
    if fact.entry.topic == INBOUND and isinstance(raw, dict):
        said["raw"] = {name: value for name, value in raw.items() if name not in _FALLBACK_ONLY}
    return orjson.dumps(said, option=orjson.OPT_SORT_KEYS)
