"""The call that starts an execution, and what comes of its answers."""

import json
from typing import Any
from urllib.parse import parse_qsl

import pytest

from services.domain.identity import Place
from services.domain.outbox.accepted import ResolutionAccepted
from services.domain.outbox.facts import Attempted, Unknown
from services.domain.studio import intake
from services.domain.studio.commands import ResolveExecution
from services.domain.studio.effects import ExecutionCreated
from services.domain.studio.finding import Shown
from services.runtime.config import Settings
from services.sender.outbound import Call, Request
from services.sender.outcomes import Refusal, Taken
from services.sender.studio.checking import Checking
from services.sender.studio.starting import start
from tests.domain.test_studio_starting import BEGUN, FLOW, FOUND, NAMES, OTHER, OURS, RULES, WHO, accepted, history
from tests.sender.histories import at

PATH = f"/v2/Flows/{FLOW}/Executions"
STARTED = Taken(json.dumps({"sid": FOUND, "status": "active"}).encode())


class Shows:
    """A Twilio that shows this execution, and a partition without other commands."""

    account = "AC1"

    def __init__(self, shown: Shown) -> None:
        self._shown = shown

    async def find(self, _flow_sid: str, _sid: str) -> Shown:
        return self._shown

    def under(self, *_: Any) -> list[str]:
        return []


async def test_what_is_looked_up_began_when_twilio_shows() -> None:
    entry, _ = history(accepted(), BEGUN, Attempted(**NAMES, at=at(2), attempt=1, outcome=Unknown(reason="lost")))
    said = ResolveExecution(command_id="c1", tenant="acme", outcome="sent", by="ann", to=WHO, execution_sid=FOUND)
    claim = intake.resolve(said, RULES, at(3000), Place(0, 9))
    assert isinstance(claim, ResolutionAccepted)
    shows: Any = Shows(Shown(FOUND, "AC1", WHO, at(1)))
    found = await Checking(Settings(), {"acme": shows}).check(shows, entry, claim)
    assert found is not None
    assert found.created == ExecutionCreated(sid=FOUND, started_at=at(1))


def in_the_way(sid: Any = OTHER, code: int = 20409) -> Refusal:
    body = {"code": code, "details": {"conflicting_execution_sid": sid}}
    return Refusal(code=code, reason="already active", body=json.dumps(body).encode())


def asked(**changed: Any) -> Request:
    return start(Call(None, accepted(**changed), None))  # type: ignore[arg-type]


def led(request: Request, *answers: Taken | Refusal | Unknown) -> tuple[Any, list[str]]:
    """What comes of the answers, and the paths that were called."""
    paths, end = [], request
    for answer in answers:
        assert isinstance(end, Request)
        paths.append(end.path)
        end = end.answer(answer)  # type: ignore[assignment]
    return end, paths


def test_the_form_is_what_twilio_documents() -> None:
    request = asked()
    assert request.path == PATH
    assert parse_qsl(request.form.decode()) == [("To", WHO), ("From", OURS), ("Parameters", '{"name": "Zo\\u00eb"}')]
    service = "MG" + "d" * 32
    request = asked(from_=None, messaging_service_sid=service, parameters={})
    assert parse_qsl(request.form.decode()) == [("To", WHO), ("From", service)]


def test_what_was_started_is_known_by_its_sid() -> None:
    assert led(asked(), STARTED)[0] == ExecutionCreated(sid=FOUND)


@pytest.mark.parametrize("body", [b"", b"<html>", b"[]", b'{"sid": ""}', b'{"sid": "SM1"}', b'{"sid": 7}'])
def test_an_answer_that_names_no_execution_is_an_unknown_end(body: bytes) -> None:
    assert isinstance(led(asked(), Taken(body))[0], Unknown)


def test_what_is_in_the_way_is_left_and_named() -> None:
    end, paths = led(asked(), in_the_way())
    assert isinstance(end, Refusal)
    assert (end.code, end.conflict, end.retryable, paths) == (20409, OTHER, False, [PATH])


def test_what_is_in_the_way_is_ended_and_the_flow_started_once_more() -> None:
    request = asked(conflict="restart")
    end, paths = led(request, in_the_way(), Taken(b"{}"), STARTED)
    assert (end, paths) == (ExecutionCreated(sid=FOUND), [PATH, f"{PATH}/{OTHER}", PATH])
    ending = request.answer(in_the_way())
    assert isinstance(ending, Request)
    assert ending.form == b"Status=ended"
    # Whoever is in a flow again was put there by somebody else.
    end, paths = led(request, in_the_way(), Taken(b"{}"), in_the_way(FOUND))
    assert (end.code, end.conflict, end.retryable, len(paths)) == (20409, FOUND, False, 3)
    # The second create is a create like the first: what is not known of it is not repeated.
    assert isinstance(led(request, in_the_way(), Taken(b"{}"), Unknown(reason="lost"))[0], Unknown)


def test_what_cannot_be_ended_is_left_and_what_was_not_heard_of_is_tried_anew() -> None:
    request = asked(conflict="restart")
    end, _ = led(request, in_the_way(), Refusal(code=20404, reason="not found"))
    assert (end.code, end.conflict, end.retryable) == (20409, OTHER, False)
    assert "not found" in end.reason
    end, _ = led(request, in_the_way(), Refusal(code=20429, reason="slowly", retryable=True, too_many=True))
    assert (end.code, end.retryable, end.too_many) == (20429, True, True)
    # Nothing was started by it.
    end, _ = led(request, in_the_way(), Unknown(reason="lost"))
    assert isinstance(end, Refusal)
    assert (end.retryable, end.reached) == (True, False)


@pytest.mark.parametrize("sid", [None, 7, "", "SM" + "b" * 32, f"{OTHER}/../x"])
def test_a_conflict_that_names_nothing_is_a_refusal_and_nothing_is_ended(sid: Any) -> None:
    end, _ = led(asked(conflict="restart"), in_the_way(sid))
    assert isinstance(end, Refusal)
    assert (end.code, end.conflict) == (20409, None)


@pytest.mark.parametrize("answer", [Unknown(reason="lost"), Refusal(code=20404, reason="no such flow")])
def test_any_other_answer_stands_as_it_is(answer: Unknown | Refusal) -> None:
    assert led(asked(conflict="restart"), answer)[0] == answer
