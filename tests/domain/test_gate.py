"""The gate: one verdict for each question, and always one."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.domain.messages.commands import CommandAccepted
from services.domain.messages.gate import ALLOW, View, decide
from tests.contract.generated import events
from tests.sender.histories import accepted, at


@pytest.mark.parametrize(
    ("view", "decision"),
    [
        (View(now=at(0)), "allow"),
        (View(now=at(60)), "allow"),
        (View(now=at(60.001)), "expired"),
        (View(now=at(0), tenant_known=False), "blocked"),
        (View(now=at(0), allowed_senders=frozenset({"+14155550100", "MG1"})), "allow"),
        (View(now=at(0), allowed_senders=frozenset({"+14155550199"})), "blocked"),
        # Too late is too late, whatever else stands against it.
        (View(now=at(61), tenant_known=False, allowed_senders=frozenset({"+1"})), "expired"),
    ],
)
def test_verdicts(view: View, decision: str) -> None:
    verdict = decide(accepted(not_after=at(60)), view)
    assert verdict.decision == decision
    assert (verdict == ALLOW) == (decision == "allow")
    assert bool(verdict.reason and verdict.remedy) == (decision != "allow")


@pytest.mark.parametrize(
    ("fields", "sender"),
    [
        ({"from_": None, "messaging_service_sid": "MG1"}, "MG1"),
        ({"from_": "whatsapp:+14155550100"}, "whatsapp:+14155550100"),
    ],
)
def test_the_sender_is_the_service_or_the_address_with_its_channel(fields: dict[str, str], sender: str) -> None:
    command = accepted(**fields)
    assert decide(command, View(now=at(0), allowed_senders=frozenset({sender}))) == ALLOW
    assert decide(command, View(now=at(0), allowed_senders=frozenset({"+14155550100"}))).decision == "blocked"


@given(events(CommandAccepted), st.builds(View, now=st.text(), tenant_known=st.booleans()))
def test_every_question_has_one_answer(command: CommandAccepted, view: View) -> None:
    assert decide(command, view) == decide(command, view)
