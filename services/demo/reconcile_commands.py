"""Commands: each has its one end, and Twilio created what was to be sent, once, and nothing else."""

from collections import Counter, defaultdict
from collections.abc import Iterator

from services.contract.messages import MESSAGES
from services.contract.outbound import RESULTS
from services.demo.log import is_own
from services.demo.rows import Ends, Row, compare
from services.demo.script import Command

# Of these steps a command may have any number.
_ON_THE_WAY = ("accepted", "attempted", "retrying", "message")
_BY_CALLBACK = "settled by a status callback"
_ENDS = (
    ("sent", "sent"),
    ("failed", "refused by Twilio"),
    ("rejected", "rejected as faulty"),
    ("recorded", "recorded as consent"),
    ("blocked suppressed", "blocked after an opt-out"),
    ("blocked window_closed", "blocked outside of a window"),
    ("blocked no_consent", "blocked without consent"),
    ("blocked stale_consent", "blocked by a consent that is too old"),
    ("blocked unreachable", "blocked since nothing reaches the number"),
)


def rows(ends: Ends) -> Iterator[Row]:
    yield from _results(ends)
    yield _ambiguous(ends)
    yield from _creates(ends)


def _results(ends: Ends) -> Iterator[Row]:
    terminal: defaultdict[str, dict[str, str]] = defaultdict(dict)
    for entry in ends.log.of(RESULTS):
        event = entry.event
        if event["terminal"] and not is_own(event["command_id"]):
            terminal[event["command_id"]][event["event_id"]] = _end(event["step"], event["code"], event["category"])
    found = {command_id: len(results) for command_id, results in terminal.items()}
    yield compare("commands with one terminal result", {command.command_id: 1 for command in ends.commands}, found)
    ended = {command_id: " and ".join(results.values()) for command_id, results in terminal.items()}
    for end, what in _ENDS:
        wanted = {one.command_id: _expected(one) for one in ends.commands if _kind(one) == end}
        # Those of another end are looked at in its own row.
        yield compare(f"… and {what}, as expected", wanted, {name: ended[name] for name in wanted if name in ended})


def _kind(command: Command) -> str:
    return f"{command.step} {command.rule}" if command.rule else command.step


def _expected(command: Command) -> str:
    return _end(command.step, command.code, command.rule)


def _end(step: str, code: int | None, category: str | None) -> str:
    told = category if step == "blocked" else code
    return f"{step} {told}" if told else step


def _ambiguous(ends: Ends) -> Row:
    wanted = {one.command_id: f"ambiguous, {_expected(one)} {_BY_CALLBACK}" for one in ends.commands if one.ambiguous}
    steps: defaultdict[str, list[str]] = defaultdict(list)
    for entry in ends.log.of(RESULTS):
        event = entry.event
        if event["command_id"] in wanted and event["step"] not in _ON_THE_WAY:
            how = f" {event['reason']}" if event["terminal"] else ""
            steps[event["command_id"]].append(f"{event['step']}{how}")
    found = {command_id: ", ".join(told) for command_id, told in steps.items()}
    return compare("… and ambiguous first, until a callback settled it", wanted, found)


def _creates(ends: Ends) -> Iterator[Row]:
    created = Counter(message.command_id for message in ends.twilio.created if not is_own(message.command_id))
    blocked = {command.command_id for command in ends.commands if command.step == "blocked"}
    yield compare(
        "one create at Twilio for each message to send",
        {one.command_id: 1 for one in ends.commands if one.step == "sent" and one.topic == MESSAGES.name},
        {command_id: count for command_id, count in created.items() if command_id not in blocked},
    )
    yield compare(
        "none at all for a command that was blocked",
        dict.fromkeys(blocked, 0),
        {command_id: created[command_id] for command_id in blocked},
    )
