"""A recorded log and what it led to: a change of the fold that changes either is seen here.

`recorded/delivery.jsonl`: facts about 48 messages in order of arrival, doubled, late and lost.
`recorded/delivery.states.jsonl`: the state of each message at the end; `delivery.emitted.jsonl`: all that was
emitted on the way, with its ids. They are made anew only where what is right has changed: such a change is a migration.
"""

from pathlib import Path
from typing import TypeVar

from msgspec.structs import replace

from services.contract import codec
from services.domain.messages.delivery import fold
from services.domain.messages.events import DeliveryChanged, MessageSent, OutcomeReached, StatusReceived
from services.domain.messages.ladder import Delivery
from tests.domain import delivery_oracle
from tests.domain.histories import Derived, Fact
from tests.domain.test_delivery_any_order import plain

T = TypeVar("T")

RECORDED = Path(__file__).parent / "recorded"


def lines(name: str, kinds: dict[bytes, type[T]]) -> list[T]:
    """The records of a file, each of the type whose mark stands in its line."""
    return [
        codec.decode(line, next(kinds[mark] for mark in kinds if mark in line))
        for line in (RECORDED / name).read_bytes().splitlines()
    ]


def log() -> list[Fact]:
    return lines("delivery.jsonl", {b'"twilio_status"': StatusReceived, b'"message_sent"': MessageSent})


def replay(facts: list[Fact]) -> tuple[dict[str, Delivery], list[Derived]]:
    states: dict[str, Delivery] = {}
    emitted: list[Derived] = []
    for fact in facts:
        states[fact.message_sid], derived = fold(states.get(fact.message_sid), fact)
        emitted += derived
    return states, emitted


def test_the_log_leads_to_the_states_recorded() -> None:
    recorded = lines("delivery.states.jsonl", {b"": Delivery})
    assert replay(log())[0] == {state.message_sid: state for state in recorded}


def test_the_log_emits_what_was_recorded_in_that_order() -> None:
    recorded = lines(
        "delivery.emitted.jsonl", {b'"delivery_changed"': DeliveryChanged, b'"outcome_reached"': OutcomeReached}
    )
    assert [unworded(one) for one in replay(log())[1]] == [unworded(one) for one in recorded]


def unworded(one: Derived) -> Derived:
    """An event without the wording of its remedy, which is free to change: only that there is one."""
    return replace(one, remedy=one.remedy and "a remedy") if isinstance(one, DeliveryChanged) else one


def test_read_backwards_it_leads_to_the_same_states() -> None:
    assert replay(log()[::-1])[0] == replay(log())[0]


def test_the_states_recorded_are_the_oracles() -> None:
    facts = log()
    for state in lines("delivery.states.jsonl", {b"": Delivery}):
        own = [fact for fact in facts if fact.message_sid == state.message_sid]
        assert plain(state) == delivery_oracle.told(own)
