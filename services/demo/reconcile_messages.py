"""Where messages stand, how many reached which end, and what is dead. That webhooks are there, `check` looks at."""

from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from services.contract.messages import DELIVERABILITY, DELIVERY, OUTCOMES
from services.contract.topics import DEAD, EVENTS
from services.demo import oracle
from services.demo.log import Entry
from services.demo.rows import Ends, Row, compare
from services.demo.twilio import Posted

# Under what deliverability counts a message, by where it stands.
_COUNTS = {
    "sent": "sent",
    "delivered": "delivered",
    "read": "read",
    "failed": "failed",
    "undelivered": "failed",
    "partially_delivered": "failed",
}


def rows(ends: Ends) -> Iterator[Row]:
    yield from _states(ends)
    yield _deliverability(ends)
    yield _dead(ends)


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
    last = {entry.event["message_sid"]: entry.event for entry in ends.log.of(DELIVERY)}
    wanted = Counter(
        f"{event['tenant']} {count}" for event in last.values() if (count := _COUNTS.get(event["status"])) is not None
    )
    # Each value states its minute again, as far as one part of the log knows it.
    counts = {
        (entry.key, entry.event["minute"], entry.event["part"]): entry.event for entry in ends.log.of(DELIVERABILITY)
    }
    told: Counter[str] = Counter()
    for event in counts.values():
        told.update({f"{event['tenant']} {count}": event[count] for count in set(_COUNTS.values())})
    return compare("deliverability counts each message once", wanted, +told)


def _dead(ends: Ends) -> Row:
    dead = {topic.name: topic.dead for topic in EVENTS}
    wanted = {f"{dead[one.topic]} {one.command_id}": one.value for one in ends.commands if one.malformed}
    found = {
        f"{entry.topic} {entry.key.decode(errors='replace')}": entry.value
        for topic in DEAD
        for entry in ends.log.of(topic)
    }
    return compare("dead letters are the malformed, byte for byte", wanted, found)
