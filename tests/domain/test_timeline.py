"""The timeline: every step in any order of arrival, and a row that stays small whatever commands say."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.contract import codec
from services.domain.messages.timeline import MAX_STEPS, Timeline, ambiguous, fold
from services.domain.results import CommandResult
from services.processor import views
from services.runtime.folding.fold import Record
from services.sender.intake import Intake
from tests.sender.reading import read_message

MOST_BYTES = 220 * 1024


class Everybody(dict[str, Any]):
    """Every name is a tenant's."""

    def __contains__(self, _: object) -> bool:
        return True


def step(number: int, **other: Any) -> CommandResult:
    fields: dict[str, Any] = {
        "event_id": f"{number:032x}",
        "tenant": "acme",
        "command_id": "order-1",
        "contact": "acme|c0ffee",
        "at": f"2026-02-21T18:{number // 60 % 60:02}:{number % 60:02}.000Z",
        "step": "retrying",
        "terminal": False,
        "attempt": number,
    }
    return CommandResult(**fields | other)


def told(*steps: CommandResult) -> Timeline:
    state = None
    for one in steps:
        state, _ = fold(state, one)
    assert state is not None
    return state


STEPS = [
    *(step(number, reason="é" * number) for number in range(MAX_STEPS + 20)),
    step(0, event_id="end", terminal=True),
]


@given(st.permutations(STEPS))
def test_any_order_of_arrival_leads_to_the_same_row_with_its_end(steps: list[CommandResult]) -> None:
    state = told(*steps, *steps[:5])
    assert state.ordered == told(*sorted(steps, key=lambda one: one.event_id)).ordered
    assert len(state.steps) == MAX_STEPS
    assert state.ordered[-1].event_id == "end"


def test_what_a_reader_needs_is_kept_as_it_came() -> None:
    said = step(1, reason='Twilio said: "né"', code=30003, remedy="Try another number.")
    assert told(said).ordered == [said]


@pytest.mark.parametrize("character", ["x", "\x00", "\x1f", "\x7f", '"', "\\", "é", "\u2028", "🎉", '"🎉'])
def test_a_row_is_small_whatever_its_steps_say(character: str) -> None:
    name = (character * 128)[:128]
    worst = [
        step(
            number,
            event_id=f"{number:064x}",
            tenant=name,
            command_id=name,
            contact=f"acme|{'f' * 64}",
            message_sid="SM" + "f" * 32,
            code=21211,
            category="recipient",
            remedy="r" * 140,
            reason=character * 65_536,
            errors=[character * 65_536] * 10,
        )
        for number in range(MAX_STEPS + 10)
    ]
    state = told(*worst)
    stored, answered = codec.encode(state), codec.encode(views.command(state, masked=False))
    sizes = len(stored), len(answered)
    assert max(sizes) < MOST_BYTES


@pytest.mark.parametrize("character", ["\\u0001", "🎉", "\\ud83c\\udf89", '\\"'])
def test_thousands_of_wrong_commands_of_one_id_make_a_small_row(character: str) -> None:
    text = character * 1000
    results = []
    for offset in range(300):
        value = f'{{"command_id": "{text}", "tenant": "{text}", "{text}": 1, "channel": "{text}"}}'.encode()
        record = Record("twilio.outbound.messages.v1", 0, offset, offset, b"key", value, [])
        _, derived = Intake(Everybody())(None, read_message(record))
        results += [one for one in derived if isinstance(one, CommandResult)]
    state = told(*results)
    steps, size = len(state.steps), len(codec.encode(state))
    assert steps == MAX_STEPS
    assert size < MOST_BYTES


def refused(number: int, **other: Any) -> CommandResult:
    return step(number, event_id=f"no {number}", step="rejected", terminal=True, contact=None, **other)


DOUBT = step(1, event_id="doubt", step="ambiguous")
FLOOD = [DOUBT, step(0, event_id="accepted", step="accepted"), *(refused(number) for number in range(MAX_STEPS + 50))]


@given(st.permutations(FLOOD))
def test_no_number_of_refusals_under_its_id_drops_a_command_or_its_open_doubt(steps: list[CommandResult]) -> None:
    state = told(*steps)
    assert [one.event_id for one in ambiguous(state)] == ["doubt"]
    assert "accepted" in state.steps
    assert len(state.steps) == MAX_STEPS
    assert told(*steps, step(2, event_id="end", step="sent", terminal=True)).steps.keys() >= {"end", "doubt"}


def test_an_open_doubt_is_never_dropped_and_one_that_has_ended_is() -> None:
    doubts = [step(number, step="ambiguous", contact=f"acme|{number:032x}") for number in range(MAX_STEPS + 20)]
    state = told(*doubts, *(refused(number) for number in range(150)))
    assert len(ambiguous(state)) == MAX_STEPS + 20
    ends = [
        step(number, event_id=f"end {number}", step="sent", terminal=True, contact=f"acme|{number:032x}")
        for number in range(MAX_STEPS + 20)
    ]
    assert len(told(*doubts, *ends).steps) == MAX_STEPS
    assert not ambiguous(told(*doubts, *ends))


def test_what_names_no_tenant_that_there_is_takes_no_room() -> None:
    assert fold(None, refused(1, tenant="")) == (None, [])
    state = told(DOUBT)
    assert fold(state, refused(1, tenant=""))[0] is state
