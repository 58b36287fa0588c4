"""Flows: each command started one execution at Twilio and nothing else did, all of it was read, and a STOP ended it."""

from collections import Counter
from collections.abc import Iterator, Mapping
from typing import Any

from services.contract.messages import INBOUND
from services.contract.outbound import RESULTS
from services.contract.studio import EXECUTIONS, STARTS
from services.demo.rows import Ends, Row, compare


def rows(ends: Ends) -> Iterator[Row]:
    # Who was started by which command, as the results say.
    started = {
        entry.event["execution_sid"]: entry.event["command_id"]
        for entry in ends.log.of(RESULTS)
        if entry.event["step"] == "sent" and entry.event["execution_sid"]
    }
    yield _starts(ends, started)
    last = {entry.event["execution_sid"]: entry.event for entry in ends.log.of(EXECUTIONS)}
    wanted = {one.sid: _told(one.status, one.steps) for one in ends.twilio.executions}
    found = {sid: _told(event["status"], map(_step, event["steps"])) for sid, event in last.items()}
    yield compare("… and is in twilio.executions.v1, with each step in its order", wanted, found)
    yield _replies(ends)
    yield _stopped(ends, started, last)


def _starts(ends: Ends, started: Mapping[str, str]) -> Row:
    wanted = {one.command_id: 1 for one in ends.commands if one.topic == STARTS.name and one.step == "sent"}
    found = Counter(started.get(one.sid, f"nobody's {one.sid}") for one in ends.twilio.executions)
    return compare("one execution at Twilio for each command to start one", wanted, found)


def _replies(ends: Ends) -> Row:
    """What people said where a flow hears it. Each has one id, however often it is read."""
    wanted = {one.sid: f"1 {one.parameters['Body']}" for one in ends.twilio.posted if one.in_flow}
    ids: dict[str, dict[str, str]] = {}
    for entry in ends.log.of(INBOUND):
        if (sid := entry.event["message_sid"]) in wanted:
            ids.setdefault(sid, {})[entry.event["event_id"]] = entry.event["body"]
    found = {sid: f"{len(told)} {next(iter(told.values()))}" for sid, told in ids.items()}
    return compare("what people said in a flow is in twilio.inbound.v1, once", wanted, found)


def _stopped(ends: Ends, started: Mapping[str, str], last: Mapping[str, Mapping[str, Any]]) -> Row:
    wanted = {one.command_id: "ended" for one in ends.commands if one.stopped}
    at_twilio = {one.sid: one.status for one in ends.twilio.executions}
    found = {
        started.get(sid, sid): at_twilio.get(sid, "not known to Twilio")
        for sid, event in last.items()
        if event["stopped_by"]
    }
    return compare("… and a STOP there ended what its person was in elsewhere", wanted, found)


def _told(status: str, steps: Iterator[str] | tuple[str, ...]) -> str:
    return f"{status}: {', '.join(steps)}"


def _step(walked: Mapping[str, Any]) -> str:
    return f"{walked['event']} {walked['entered']}"
