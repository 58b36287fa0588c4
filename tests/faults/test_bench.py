"""The fault bench itself: its faults reach every named place, and a seed repeats them."""

import asyncio
import json
import random
import re
from pathlib import Path
from typing import Any

import pytest

from services.checker.finding import Finding
from services.checker.history import Entry, History, Witness
from tests.faults import catalogue, episode, flows
from tests.faults.__main__ import exit_code
from tests.faults.episode import Told
from tests.faults.follower import Follower
from tests.faults.member import Member
from tests.waiting import eventually

_SERVICES = Path(__file__).parents[2] / "services"


# Passed only where an index has another version than before, where somebody in a flow says STOP, where media are
# refused, where numbers are looked up, once a day, where lists are kept, and where there are tickets and commands of
# rules: tests/folding/test_watched.py, of tests/sender test_studio_faults.py, test_media_faults.py and test_lookups.py,
# and of tests/poller test_daily.py, test_deactivations.py, test_syncs.py, test_tickets.py and test_rule_commands.py
# kill there.
ELSEWHERE = {
    *("index.derived", "execution.stopped", "call.followed", "lookup.counted", "lookup.read"),
    *("poller.reconciled", "poller.deactivated", "poller.deactivations", "poller.synced"),
    *("ticket.posted", "rule.commanding"),
}


def test_every_failpoint_of_the_services_is_in_the_catalogue() -> None:
    named = {
        name
        for service in ("runtime", "ingress", "processor", "sender", "poller")
        for file in (_SERVICES / service).rglob("*.py")
        for name in re.findall(r"reach\(\"([\w.]+)\"\)", file.read_text(encoding="utf-8"))
    }
    assert named == {*catalogue.FLUSH, *catalogue.ATTEMPT, *catalogue.POLL, *catalogue.INGRESS, *ELSEWHERE}
    assert {f"die at {point}" for point in (*catalogue.FLUSH, *catalogue.ATTEMPT, *catalogue.POLL)} <= {
        *catalogue.FAULTS
    }


def test_a_plan_has_each_kind_and_is_repeated_by_its_seed() -> None:
    count = len(catalogue.FAULTS)
    planned = episode.plan(count, random.Random("a seed"), [])
    assert {kind for kinds in planned for kind in kinds} == {*catalogue.FAULTS}
    assert len(planned) < 0.7 * count, "those that are independent strike two at once"
    assert max(map(len, planned)) == 2
    assert len(episode.plan(count + 9, random.Random("a seed"), [])) == len(planned) + 9
    assert planned == episode.plan(count, random.Random("a seed"), [])
    assert planned != episode.plan(count, random.Random("another"), [])


def test_kinds_can_be_chosen() -> None:
    planned = episode.plan(9, random.Random(1), ["broker"])
    assert {kind for kinds in planned for kind in kinds} == {"kill -9 the broker", "freeze the broker"}


@pytest.mark.parametrize(
    ("said", "why"),
    [
        (
            b'{"logger":"services.runtime.process","message":"it should not happen",'
            b'"exception":"Trace\\nValueError: no"}\n'
            b'{"logger":"aiokafka","message":"closing"}\n',
            "processor-1: it should not happen\nTrace\nValueError: no",
        ),
        (b'{"logger":"aiokafka","message":"closing"}\n', "exit code 7, and no word"),
        (b"no topic\n", "exit code 7: no topic"),
    ],
)
async def test_a_service_that_ends_is_started_again_and_its_reason_noted(tmp_path: Path, said: bytes, why: str) -> None:
    member = Member("processor", 1, tmp_path / "settings.yaml")
    starts: list[str] = []

    def start(failpoint: str = "") -> None:
        starts.append(failpoint)
        member.up = True
        member._process = None
        if len(starts) == 1:
            member.log.write_bytes(said)

    member.start = start  # type: ignore[method-assign]
    member._exit_code = lambda: 7  # type: ignore[method-assign]
    member.start()
    watching = asyncio.create_task(member.supervise())
    await eventually(lambda: len(starts) > 1, what="started again")
    watching.cancel()
    assert member.ends[0] == why


@pytest.mark.parametrize(
    ("told", "seen", "code"),
    [
        ({}, True, 0),
        ({"findings": [Finding("kept", 1, [], [], [])]}, True, 0),
        ({}, False, 3),
        ({"unsteady": ["a process ended by a defect: sender-1"]}, True, 3),
        ({"findings": [Finding("lost", 1, ["a command"], [], [])], "unsteady": ["late"]}, True, 1),
        ({"broken": ["ingress set facts aside: 9 bytes"], "unsteady": ["late"]}, True, 1),
    ],
)
def test_what_is_lost_fails_at_once_and_an_end_by_a_defect_is_told_apart(
    told: dict[str, Any], seen: bool, code: int
) -> None:
    assert exit_code([Told("1.1"), Told("1.2", **told)], seen) == code


def test_the_follower_knows_what_is_through() -> None:
    follower = Follower.__new__(Follower)
    follower.ended, follower.ambiguous, follower.delivered = {}, {}, set()
    result = {"command_id": "a", "step": "ambiguous", "terminal": False, "message_sid": None}
    follower._note("twilio.outbound.results.v1", "acme|a", result)
    assert list(follower.ambiguous) == ["acme|a"]
    assert not follower._is_through("acme|a")
    sent = {**result, "step": "sent", "terminal": True, "message_sid": "SM1"}
    follower._note("twilio.outbound.results.v1", "globex|a", sent)
    assert list(follower.ambiguous) == ["acme|a"]
    follower._note("twilio.outbound.results.v1", "acme|a", sent)
    assert not follower.ambiguous
    assert not follower._is_through("acme|a")
    follower._note("twilio.delivery.v1", "SM1", {"message_sid": "SM1"})
    assert follower._is_through("acme|a")


ASKED, ANSWERED = ["incomingRequest ask"], ["incomingRequest ask", "incomingMessage thank"]


def execution(sid: str = "FN1", status: str = "ended", steps: list[str] = ANSWERED, **more: Any) -> dict[str, Any]:
    return {"sid": sid, "to": "+1", "status": status, "by_api": True, "steps": steps, "data": {}, **more}


def told_of(one: dict[str, Any]) -> Entry:
    steps = [dict(zip(("event", "entered"), step.split(), strict=True)) for step in one["steps"]]
    event = {"execution_sid": one["sid"], "status": one["status"], "steps": steps}
    return record(flows.EXECUTIONS, event)


def heard(event_id: str = "a", body: str = "STOP") -> Entry:
    return record(flows.INBOUND, {"event_id": event_id, "message_sid": "SM1", "body": body})


def record(topic: str, event: dict[str, Any]) -> Entry:
    return Entry(topic, 0, 0, 0, b"", json.dumps(event).encode(), ())


def says(body: str, sid: str = "SM1") -> dict[str, Any]:
    return {"kind": "own", "sid": sid, "params": {"From": "+1", "Body": body}}


ONE = execution()


@pytest.mark.parametrize(
    ("log", "executions", "said", "wrong"),
    [
        ([told_of(ONE), heard()], [ONE], [says("STOP")], ""),
        ([heard()], [ONE], [says("STOP")], "FN1 stands at nothing"),
        ([told_of(execution(steps=ASKED)), heard()], [ONE], [says("STOP")], "FN1 stands at ended, ['incomingRequest"),
        ([told_of(execution(status="active")), heard()], [ONE], [says("STOP")], "FN1 stands at active"),
        ([told_of(ONE)], [ONE], [says("STOP")], "SM1 said 'STOP' in a flow, and the log has nothing"),
        ([told_of(ONE), heard(), heard("b")], [ONE], [says("STOP")], "SM1 said 'STOP' in a flow, and the log has {"),
        ([told_of(ONE), heard(body="")], [ONE], [says("STOP")], "SM1 said 'STOP' in a flow"),
        ([], [], [], "nobody was in a flow"),
    ],
)
def test_flows_differ(
    log: list[Entry], executions: list[dict[str, Any]], said: list[dict[str, Any]], wrong: str
) -> None:
    history = History(log, Witness([], said, [], True, True, executions))
    found = flows.differences(history)
    assert (wrong in found[0]) if wrong else found == []


@pytest.mark.parametrize(
    ("said", "one", "count"),
    [
        ([says("STOP")], execution(status="active"), 1),
        ([says("STOP"), says("Very much")], execution(status="active"), 1),
        ([says("STOP"), says("START")], execution(status="active"), 0),
        ([says("START"), says("Unsubscribe")], execution(status="active"), 1),
        ([says("STOP")], execution(status="active", by_api=False), 0),
        ([says("STOP")], execution(status="active", to="+2"), 0),
        ([says("STOP")], execution(), 0),
    ],
)
def test_a_no_in_a_flow_ends_what_goes_on(said: list[dict[str, Any]], one: dict[str, Any], count: int) -> None:
    assert len(flows.unheard([one], said)) == count
