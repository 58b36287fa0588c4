"""Two ends into rows, purely: what was produced and Twilio saw, against what the log and the tables say.

A row compares two maps. Every key that differs, is missing or is one too many turns it red and is named.
"""

import hashlib
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from services.cli.demo import oracle
from services.cli.demo.log import Entry, Log
from services.cli.demo.story import Command
from services.cli.demo.twilio import Posted, TwilioSide, content
from services.contract.topics import (
    ACCEPTED,
    DEAD,
    DELIVERY,
    EVENTS,
    INBOUND,
    MESSAGES,
    OUTCOMES,
    RESULTS,
    STATUS,
    Topic,
)

_NAMED = 3
# A fact that comes twice has one id, and says when it came.
_ARRIVAL = {
    INBOUND.name: ("received_at", "idempotency_token"),
    STATUS.name: ("received_at", "idempotency_token"),
    ACCEPTED.name: ("accepted_at", "sequence", "not_after"),
}


@dataclass(frozen=True)
class Row:
    """One comparison. `wrong` names some of what differs; none: the two ends agree."""

    what: str
    expected: int
    found: int
    wrong: tuple[str, ...] = ()

    @property
    def ok(self) -> bool:
        return not self.wrong


@dataclass(frozen=True)
class Ends:
    """All that is compared. `answers`: the processor's, by MessageSid."""

    commands: tuple[Command, ...]
    twilio: TwilioSide
    log: Log
    answers: Mapping[str, Mapping[str, Any]]


def reconcile(ends: Ends) -> list[Row]:
    """All rows, in the order in which a message lives."""
    return [*_results(ends), *_creates(ends), *_webhooks(ends), *_states(ends), *_events(ends), _dead(ends)]


def compare(what: str, expected: Mapping[str, object], found: Mapping[str, object]) -> Row:
    """A row: how many there should be, how many are as they should, and some of the others."""
    wrong = [
        f"{key}: {found.get(key, 'missing')}, not {expected.get(key, 'expected')}"
        for key in sorted(expected.keys() | found.keys())
        if key not in expected or key not in found or expected[key] != found[key]
    ]
    right = sum(key in found and found[key] == value for key, value in expected.items())
    more = (f"and {len(wrong) - _NAMED} more",) if len(wrong) > _NAMED else ()
    return Row(what, len(expected), right, (*wrong[:_NAMED], *more))


def _results(ends: Ends) -> Iterator[Row]:
    terminal: defaultdict[str, dict[str, str]] = defaultdict(dict)
    for entry in ends.log.of(RESULTS):
        if entry.event["terminal"]:
            terminal[entry.event["command_id"]][entry.event["event_id"]] = _end(
                entry.event["step"], entry.event["code"]
            )
    found = {command_id: len(results) for command_id, results in terminal.items()}
    yield compare("commands with one terminal result", {command.command_id: 1 for command in ends.commands}, found)
    ended = {command_id: " and ".join(results.values()) for command_id, results in terminal.items()}
    for step, what in (("sent", "sent"), ("failed", "refused by Twilio"), ("rejected", "rejected as faulty")):
        wanted = {one.command_id: _end(one.step, one.code) for one in ends.commands if one.step == step}
        # Those of another step are looked at in its own row.
        yield compare(f"… and {what}, as expected", wanted, {name: ended[name] for name in wanted if name in ended})


def _end(step: str, code: int | None) -> str:
    return f"{step} {code}" if code else step


def _creates(ends: Ends) -> Iterator[Row]:
    wanted = {command.command_id: 1 for command in ends.commands if command.step == "sent"}
    yield compare(
        "one create at Twilio for each command to send",
        wanted,
        Counter(message.command_id for message in ends.twilio.created),
    )
    told = {
        entry.event["command_id"]: entry.event["message_sid"]
        for entry in ends.log.of(RESULTS)
        if entry.event["step"] == "sent"
    }
    yield compare(
        "results name the message that Twilio created",
        {message.command_id: message.sid for message in ends.twilio.created},
        told,
    )


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


def _events(ends: Ends) -> Iterator[Row]:
    for topics, what in (
        ((INBOUND, STATUS, ACCEPTED), "ids of facts have one content, but for arrival"),
        (tuple(topic for topic in EVENTS if topic not in (INBOUND, STATUS, ACCEPTED, MESSAGES)),
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
    wanted = {f"{MESSAGES.dead} {one.command_id}": one.value for one in ends.commands if one.malformed}
    found = {
        f"{entry.topic} {entry.key.decode(errors='replace')}": entry.value
        for topic in DEAD
        for entry in ends.log.of(topic)
    }
    return compare("dead letters are the malformed, byte for byte", wanted, found)
