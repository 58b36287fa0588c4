"""The timeline: every step in any order of arrival, and a row that stays small whatever commands say."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.contract import codec
from services.domain.messages.commands import CommandResult
from services.domain.messages.timeline import MAX_STEPS, Timeline, fold
from services.runtime.folding.fold import Record
from services.sender.intake import Intake, read_message

MOST_BYTES = 200 * 1024


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
    stored, answered = codec.encode(state), codec.encode({"command_id": name, "steps": state.ordered})
    sizes = len(stored), len(answered)
    assert max(sizes) < MOST_BYTES


@pytest.mark.parametrize("character", ["\\u0001", "🎉", "\\ud83c\\udf89", '\\"'])
def test_thousands_of_wrong_commands_of_one_id_make_a_small_row(character: str) -> None:
    text = character * 1000
    results = []
    for offset in range(300):
        value = f'{{"command_id": "{text}", "tenant": "{text}", "{text}": 1, "channel": "{text}"}}'.encode()
        record = Record("twilio.outbound.messages.v1", 0, offset, offset, b"key", value, [])
        _, derived = Intake({})(None, read_message(record))
        results += [one for one in derived if isinstance(one, CommandResult)]
    state = told(*results)
    steps, size = len(state.steps), len(codec.encode(state))
    assert steps == MAX_STEPS
    assert size < MOST_BYTES
