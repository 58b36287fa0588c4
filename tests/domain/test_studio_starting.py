"""Commands that start executions: what intake takes, what the outbox tells, and what the gate asks of them."""

from typing import Any, cast

import pytest
from msgspec.structs import replace

from services.domain.about_another import cancel
from services.domain.clock import later
from services.domain.consent.commands import Mark
from services.domain.consent.events import Suppression
from services.domain.consent.standing import Standing
from services.domain.contact import contact_key
from services.domain.gate.decide import decide
from services.domain.gate.view import ConsentRules, View
from services.domain.identity import Place
from services.domain.messages.finding import Span
from services.domain.messages.intake import Rules
from services.domain.outbox.accepted import CancelAccepted, ResolutionAccepted
from services.domain.outbox.entry import Entry
from services.domain.outbox.facts import Attempted, Attempting, Checked, Created, Refused, Unknown
from services.domain.outbox.fold import Outbox
from services.domain.results import CommandResult, result
from services.domain.studio import intake, stopping
from services.domain.studio.commands import CancelExecution, ExecutionAccepted, ResolveExecution, StartExecution
from services.domain.studio.effects import EFFECTS, ExecutionCreated
from services.domain.studio.events import ContactExecution
from services.domain.studio.finding import Shown, why_not
from services.sender.studio.asking import ask
from tests.sender.histories import at

RULES = Rules(b"secret", 3600.0)
FLOW, FOUND, OTHER = "FW" + "a" * 32, "FN" + "b" * 32, "FN" + "c" * 32
WHO, OURS = "+14155550123", "+14155550100"
CONTACT = contact_key("acme", WHO, b"secret")
COMMAND = StartExecution(
    command_id="c1", tenant="acme", to=WHO, flow_sid=FLOW, from_=OURS, parameters={"name": "Zoë"}, label="spring"
)
OUTBOX = Outbox((EFFECTS,), result)
NAMES = {"order_key": CONTACT, "command_id": "c1"}
BEGUN = Attempting(**NAMES, at=at(1), attempt=1, deadline=at(6))


def accepted(**changed: Any) -> ExecutionAccepted:
    found = intake.accept(replace(COMMAND, **changed), RULES, at(0), Place(0, 7), at(0))
    assert isinstance(found, ExecutionAccepted), found
    return found


def faults(**changed: Any) -> list[str]:
    found = intake.accept(replace(COMMAND, **changed), RULES, at(0), Place(0, 7), at(0))
    assert isinstance(found, list), found
    return [fault.split(":")[0] for fault in found]


def ended(outcome: Created | Refused | Unknown) -> Attempted:
    return Attempted(**NAMES, at=at(2), attempt=1, outcome=outcome)


def history(*events: Any) -> tuple[Entry, list[CommandResult]]:
    entry, told = None, []
    for event in events:
        entry, now_told = OUTBOX.fold(entry, event)
        # That somebody is in a flow is told beside it.
        told += [one for one in now_told if isinstance(one, CommandResult)]
    return cast(Entry, entry), told


def test_a_command_is_taken_as_twilio_is_given_it() -> None:
    taken = accepted(to="+1 (415) 555-0123")
    assert (taken.to, taken.from_, taken.channel, taken.country) == (WHO, OURS, "sms", "US")
    assert (taken.contact, taken.sender, taken.sequence, taken.not_after) == (CONTACT, OURS, 7, later(at(0), 3600))
    assert (taken.conflict, taken.purpose, taken.parameters) == ("leave", "marketing", {"name": "Zoë"})
    taken = accepted(to="whatsapp:+14155550123", from_=None, messaging_service_sid="MG" + "d" * 32)
    assert (taken.to, taken.channel, taken.sender) == ("whatsapp:+14155550123", "whatsapp", "MG" + "d" * 32)
    assert taken.contact == CONTACT
    assert accepted(to="whatsapp:+14155550123", from_="whatsapp:+14155550100").from_ == "whatsapp:+14155550100"


def test_all_that_is_wrong_is_told_at_once() -> None:
    found = faults(
        command_id="",
        to="nobody",
        from_=None,
        flow_sid="FW1",
        label="",
        not_after="tomorrow",
        parameters={"text": "x" * 16_384},
    )
    assert sorted(found) == [
        "command_id", "flow_sid", "from, messaging_service_sid", "label", "not_after", "parameters", "to",
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("changed", "fault"),
    [
        ({"messaging_service_sid": "MG" + "d" * 32}, "from, messaging_service_sid"),
        ({"from_": None, "messaging_service_sid": "MG1"}, "messaging_service_sid"),
        ({"from_": "MG" + "d" * 32}, "from"),
        ({"to": "whatsapp:+14155550123", "from_": "sms:+14155550100"}, "from"),
        ({"from_": "whatsapp:+14155550100"}, "from"),
        ({"to": "messenger:123456"}, "to, from"),
        # Twilio's 81023.
        ({"to": "+1415555" + "0" * 300}, "to, from"),
    ],
)
def test_what_twilio_could_not_do_is_refused(changed: dict[str, Any], fault: str) -> None:
    assert fault in faults(**changed)


def test_the_same_command_is_known_again_and_another_is_not() -> None:
    assert accepted().fingerprint == accepted().fingerprint
    for changed in ({"conflict": "restart"}, {"parameters": {}}, {"flow_sid": "FW" + "e" * 32}):
        assert accepted(**changed).fingerprint != accepted().fingerprint
    again = intake.accept(COMMAND, RULES, at(1), Place(0, 8), at(1))
    _, told = history(accepted(), again)
    assert [one.step for one in told] == ["accepted", "repeated"]


def test_a_cancel_ends_what_waits() -> None:
    wish = CancelExecution(command_id="c1", tenant="acme", by="ann", to=WHO)
    found = cancel(wish, b"secret", at(1), Place(0, 8))
    assert isinstance(found, CancelAccepted)
    assert [one.step for one in history(accepted(), found)[1]] == ["accepted", "canceled"]


def test_what_was_started_is_told_by_its_sid() -> None:
    entry, told = history(accepted(), BEGUN, ended(ExecutionCreated(sid=FOUND)))
    assert (entry.state, entry.sid) == ("settled", FOUND)
    assert [(one.step, one.execution_sid, one.message_sid, one.terminal) for one in told] == [
        ("accepted", None, None, False),
        ("attempted", None, None, False),
        ("sent", FOUND, None, True),
    ]


def test_what_stands_in_the_way_is_told_with_the_failure() -> None:
    refused = Refused(code=20409, reason="already active", conflict=OTHER)
    entry, told = history(accepted(), BEGUN, ended(refused))
    assert (entry.state, entry.sid) == ("settled", None)
    assert (told[-1].step, told[-1].code, told[-1].execution_sid, told[-1].terminal) == ("failed", 20409, OTHER, True)


def test_an_unknown_end_is_repeated_by_nobody_and_resolved_by_what_twilio_shows() -> None:
    entry, told = history(accepted(), BEGUN, ended(Unknown(reason="lost")))
    assert (entry.state, told[-1].step) == ("ambiguous", "ambiguous")
    said = ResolveExecution(command_id="c1", tenant="acme", outcome="sent", by="ann", to=WHO, execution_sid=FOUND)
    claim = intake.resolve(said, RULES, at(9), Place(0, 9))
    assert isinstance(claim, ResolutionAccepted)
    checked = Checked(**NAMES, at=at(10), resolution=claim.event_id, created=ExecutionCreated(sid=FOUND))
    claimed, _ = OUTBOX.fold(entry, claim)
    assert claimed is not None
    assert claimed.state == "ambiguous"
    settled, told = OUTBOX.fold(claimed, checked)
    assert settled is not None
    assert (settled.sid, told[0].step, told[0].execution_sid) == (FOUND, "sent", FOUND)
    without = intake.resolve(replace(said, execution_sid="SM" + "b" * 32), RULES, at(9), Place(0, 9))
    assert isinstance(without, list)
    assert [fault.split(":")[0] for fault in without] == ["execution_sid"]


@pytest.mark.parametrize(("shown", "since"), [(at(1), at(1)), (None, at(2))])
def test_one_that_is_found_out_late_began_when_it_began(shown: str | None, since: str) -> None:
    """Somebody who said STOP meanwhile is in it, and is taken out of it."""
    entry, _ = history(accepted(), BEGUN, ended(Unknown(reason="lost")))
    said = ResolveExecution(command_id="c1", tenant="acme", outcome="sent", by="ann", to=WHO, execution_sid=FOUND)
    claim = intake.resolve(said, RULES, at(3000), Place(0, 9))
    assert isinstance(claim, ResolutionAccepted)
    claimed, _ = OUTBOX.fold(entry, claim)
    created = ExecutionCreated(sid=FOUND, started_at=shown)
    _, told = OUTBOX.fold(claimed, Checked(**NAMES, at=at(3001), resolution=claim.event_id, created=created))
    [execution] = [one for one in told if isinstance(one, ContactExecution)]
    assert (execution.started_at, execution.at) == (since, at(3001))
    stop = Mark(at=at(60), evidence="the stop", source="keyword")
    row, _ = stopping.fold(None, execution)
    said_no = Standing(tenant="acme", contact=CONTACT, outs={"sender:+14155550100": {"SM1": stop}})
    assert stopping.to_end(row, said_no) == {FOUND: "the stop"}


@pytest.mark.parametrize(
    ("changed", "fits"),
    [
        ({}, True),
        ({"contact": "whatsapp:+14155550123"}, True),
        ({"contact": "+14155550124"}, False),
        ({"account": "AC2"}, False),
        ({"sid": OTHER}, False),
        ({"created_at": later(at(0), -60)}, False),
    ],
)
def test_a_resolution_names_an_execution_of_this_person_and_time(changed: dict[str, str], fits: bool) -> None:
    shown = Shown(FOUND, "AC1", WHO, at(1))._replace(**changed)
    assert (why_not(accepted(), Span(at(0), at(6)), shown, "AC1", {OTHER}) is None) is fits
    assert why_not(accepted(), Span(at(0), at(6)), None, "AC1", ()) is not None


def test_nobody_knows_what_a_flow_writes_so_the_gate_asks_for_both() -> None:
    """By WhatsApp an open window, as of a free text; and the consent that the tenant wants for templates."""
    question = ask(accepted(to="whatsapp:+14155550123", from_="whatsapp:+14155550100"))
    view = View(now=at(1))
    assert decide(question, view).rule == "window_closed"
    wrote = replace(view, window_until=at(3000))
    assert decide(question, wrote).decision == "allow"
    asked = replace(wrote, rules=ConsentRules(consent_for="templates"))
    assert decide(question, asked).rule == "no_consent"
    assert decide(question, replace(asked, consent_at=at(0))).decision == "allow"
    stop = Suppression(since=at(0), source="keyword", evidence="SM1")
    assert decide(question, replace(wrote, suppressed={question.scopes[0]: stop})).rule == "suppressed"


def test_a_command_without_a_purpose_counts_as_marketing() -> None:
    assert ask(accepted()).purpose == "marketing"
    assert ask(accepted(purpose="utility")).purpose == "utility"
