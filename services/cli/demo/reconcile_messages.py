"""Webhooks, where messages stand, how many reached which end, and what holds for every event."""

import hashlib
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from services.cli.demo import oracle
from services.cli.demo.log import Entry
from services.cli.demo.rows import Ends, Row, compare
from services.cli.demo.twilio import Posted, content
from services.contract.topics import ACCEPTED, DEAD, DELIVERABILITY, DELIVERY, EVENTS, INBOUND, OUTCOMES, STATUS, Topic

# A fact that comes twice has one id, and says when it came.
_ARRIVAL = {
    INBOUND.name: ("received_at", "idempotency_token"),
    STATUS.name: ("received_at", "idempotency_token"),
    ACCEPTED.name: ("accepted_at", "sequence", "not_after"),
}
# What deliverability counts: that a message left, and each end that it came to.
_COUNTED = frozenset(
    {"sent", "canceled", "failed", "undelivered", "partially_delivered", "received", "delivered", "read"}
)


def rows(ends: Ends) -> Iterator[Row]:
    yield from _webhooks(ends)
    yield from _states(ends)
    yield _deliverability(ends)
    yield from _events(ends)
    yield _dead(ends)


def _webhooks(ends: Ends) -> Iterator[Row]:
    for kind, topic, what in (("status", STATUS, "callbacks"), ("inbound", INBOUND, "inbound")):
        mine = [(_fact(one.sid, one.content), one.acknowledged) for one in ends.twilio.posted if one.kind == kind]
        wanted = {fact: 1 for fact, acknowledged in mine if acknowledged}
        # A webhook whose answer was lost may be on the log or not: nothing was promised.
        unsure = {fact for fact, _ in mine} - wanted.keys()
        ids: defaultdict[str, set[str]] = defaultdict(set)
        for entry in ends.log.of(topic):
            ids[_fact(entry.event["message_sid"], content(entry.event["raw"]))].add(entry.event["event_id"])
        yield compare(
            f"{what} acknowledged are in the log, once by id",
            wanted,
            {fact: len(event_ids) for fact, event_ids in ids.items() if fact not in unsure},
        )


def _fact(sid: str, parameters: str) -> str:
    return f"{sid}/{hashlib.sha256(parameters.encode()).hexdigest()[:12]}"


def _states(ends: Ends) -> Iterator[Row]:
    posted: defaultdict[str, list[Posted]] = defaultdict(list)
    for one in ends.twilio.posted:
        posted[one.sid].append(one)
    wanted = {message.sid: str(oracle.state(message, posted[message.sid])) for message in ends.twilio.created}
    asked = {sid: _state(answer) for sid, answer in ends.answers.items()}
    yield compare("messages stand in the table as the oracle says", wanted, asked)
    yield compare("… and in the last step of twilio.delivery.v1", wanted, _last_states(ends.log.of(DELIVERY)))
    ended = {
        message.sid: wanted[message.sid]
        for message in ends.twilio.created
        if message.lived and wanted[message.sid].partition(" ")[0] == message.lived[-1]
    }
    yield compare("… and in the last outcome of twilio.outcomes.v1", ended, _last_states(ends.log.of(OUTCOMES)))


def _last_states(entries: Iterable[Entry]) -> dict[str, str]:
    """The last of each message. Outcomes of refused commands name no message."""
    return {entry.event["message_sid"]: _state(entry.event) for entry in entries if entry.event["message_sid"]}


def _state(told: Mapping[str, Any]) -> str:
    return str(oracle.State(told["status"], told["error_code"]))


def _deliverability(ends: Ends) -> Row:
    first = {
        (entry.event["message_sid"], entry.event["status"]): f"{entry.event['tenant']} {entry.event['status']}"
        for entry in ends.log.of(DELIVERY)
        if entry.event["status"] in _COUNTED
    }
    # Each value states its minute again, as far as one part of the log knows it.
    last = {
        (entry.key, entry.event["minute"], entry.event["part"]): entry.event for entry in ends.log.of(DELIVERABILITY)
    }
    told: Counter[str] = Counter()
    for event in last.values():
        told.update({f"{event['tenant']} {status}": count for status, count in event["reached"].items()})
    return compare("deliverability adds up to the steps of all messages", Counter(first.values()), told)


def _events(ends: Ends) -> Iterator[Row]:
    for topics, what in (
        ((INBOUND, STATUS, ACCEPTED), "ids of facts have one content, but for arrival"),
        # What anyone may produce has no id of ours.
        (tuple(topic for topic in EVENTS if topic not in (INBOUND, STATUS, ACCEPTED) and not topic.public),
         "ids of derived events have one content"),
    ):  # fmt: skip
        contents: defaultdict[str, set[str]] = defaultdict(set)
        for topic in topics:
            for entry in ends.log.of(topic):
                contents[f"{topic.name} {entry.event['event_id']}"].add(_content(topic, entry))
        yield compare(what, dict.fromkeys(contents, 1), {name: len(found) for name, found in contents.items()})


def _content(topic: Topic, entry: Entry) -> str:
    if topic.name not in _ARRIVAL:
        return entry.value.hex()
    return content({name: value for name, value in entry.event.items() if name not in _ARRIVAL[topic.name]})


def _dead(ends: Ends) -> Row:
    dead = {topic.name: topic.dead for topic in EVENTS}
    wanted = {f"{dead[one.topic]} {one.command_id}": one.value for one in ends.commands if one.malformed}
    found = {
        f"{entry.topic} {entry.key.decode(errors='replace')}": entry.value
        for topic in DEAD
        for entry in ends.log.of(topic)
    }
    return compare("dead letters are the malformed, byte for byte", wanted, found)
