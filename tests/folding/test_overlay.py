"""Folding a batch in memory: no record is too odd or too large; only its own fault makes it a dead letter."""

from collections.abc import Callable
from typing import Any

import pytest

from services.contract import codec
from services.contract.messages import OUTCOMES
from services.runtime.folding.dead import Why, dead_letter
from services.runtime.folding.fold import Fold, Record, Step, Table
from services.runtime.folding.overlay import Overlay
from services.runtime.folding.queue import MAX_FLUSH_BYTES
from services.runtime.folding.telling import MAX_RECORD_BYTES
from services.runtime.section import ConfigError
from tests.domain.suppression_oracle import refused
from tests.folding import tally
from tests.folding.tally import Fact
from tests.folding.world import World
from tests.folding.world import record as consumed

SOURCE, DERIVED = "facts.v1", "counted.v1"
BROKERS_LIMIT = 1_048_588


@pytest.fixture(autouse=True)
def _registered() -> None:
    tally.register(DERIVED)


def record(value: bytes, key: bytes | None = b"k", headers: tuple[tuple[str, bytes], ...] = ()) -> Record:
    return Record(SOURCE, 0, 7, 1_700_000_000_000, key, value, headers)


def overlay(read: Callable[[Table, str], Any] = lambda _, __: None) -> Overlay:
    return Overlay(tally.tally_fold(SOURCE, tally.fold), read)


def size(emission: Any) -> int:
    headers = sum(len(name.encode()) + len(value) + 10 for name, value in emission.headers)
    return len(emission.key) + len(emission.value or b"") + headers


@pytest.mark.parametrize("headers", [(), (("alias-version", b"1"),), (("alias-version", b"3"),)])
def test_a_fact_keyed_by_other_aliases_stops_the_worker(headers: tuple[tuple[str, bytes], ...]) -> None:
    """Folded, it would give a person a second key, under which they have never said no."""
    small = tally.tally_fold(SOURCE, tally.fold)
    folded = Overlay(Fold(small.contract._replace(reads=(OUTCOMES,)), small.steps), lambda _, __: None)
    fact = codec.encode(refused())
    with pytest.raises(ConfigError, match=r"twilio.outcomes.v1/0@7: .* alias version (none|1|3); .* docs/addresses.md"):
        folded.record(record(fact, headers=headers)._replace(topic=OUTCOMES.name))
    assert not folded.emissions
    # What cannot be read is nobody's key: it is put aside as ever.
    folded.record(record(b"{", headers=headers)._replace(topic=OUTCOMES.name))
    assert [one.topic for one in folded.emissions] == [OUTCOMES.dead]


def test_a_row_that_no_broker_takes_makes_a_dead_letter_and_no_row() -> None:
    small = tally.tally_fold(SOURCE, tally.fold)
    table = Table("grown", str, lambda _: "a")
    contract = small.contract._replace(name="grown", keeps=("grown",))
    grown = Fold(contract, (Step(lambda _, __: ("x" * MAX_RECORD_BYTES, []), table),))
    folded = Overlay(grown, lambda _, __: None)
    folded.record(record(codec.encode(Fact("1", "a", ""))))
    [letter] = folded.emissions
    assert dict(letter.headers)["reason"] == b"too_large"
    assert folded.rows == {}
    assert folded.folded == {(SOURCE, 0): 7}


def test_an_emission_that_the_contract_does_not_name_is_refused() -> None:
    """Nobody has the right to write there: the broker would stop the worker at this record again and again."""
    declared = tally.tally_fold(SOURCE, tally.fold)
    fact = record(codec.encode(Fact("1", "a", "")))
    told = Overlay(declared, lambda _, __: None)
    told.record(fact)
    assert [one.topic for one in told.emissions] == [DERIVED]
    silent = Fold(declared.contract._replace(emits=()), declared.steps)
    folded = Overlay(silent, lambda _, __: None)
    folded.record(fact)
    [letter] = folded.emissions
    assert (letter.topic, dict(letter.headers)["reason"]) == (silent.sources[0].dead, b"defect")
    assert b"Undeclared" in dict(letter.headers)["detail"]
    assert folded.rows == {}


@pytest.mark.parametrize(
    "odd",
    [
        record(b"x" * 3_000_000),
        record(b"{", key=b"k" * 3_000_000),
        record(b"{", headers=(("h", b"v" * 3_000_000),)),
        record(b"{", headers=tuple(("h", b"") for _ in range(200_000))),
        record(b"x" * 3_000_000, key=b"k" * 3_000_000, headers=(("h" * 60_000, b"v" * 3_000_000),)),
    ],
    ids=["value", "key", "header", "many headers", "all"],
)
def test_a_dead_letter_can_always_be_written(odd: Record) -> None:
    letter = dead_letter(tally.tally_fold(SOURCE, tally.fold).sources[0], odd, Why("undecodable", "d" * 10_000))
    assert size(letter) < BROKERS_LIMIT - 10_000


def test_only_a_well_formed_trace_is_passed_on() -> None:
    good = b"00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"
    for stated, passed in ((good, good), (b"x" * 1_000_000, None), (b"", None)):
        folded = overlay()
        folded.record(record(codec.encode(Fact("1", "a", "")), headers=(("traceparent", stated),)))
        assert dict(folded.emissions[0].headers).get("traceparent") == passed


def test_a_store_that_cannot_be_read_is_not_the_records_fault() -> None:
    def broken(_: Table, __: str) -> Any:
        raise OSError("Corruption")

    folded = overlay(broken)
    with pytest.raises(OSError, match="Corruption"):
        folded.record(record(codec.encode(Fact("1", "a", ""))))
    assert folded.emissions == []


def test_a_row_that_cannot_be_decoded_stops_the_process() -> None:
    def outdated(_: Table, __: str) -> Any:
        raise codec.DecodeError("Object missing required field `new`")

    with pytest.raises(codec.DecodeError):
        overlay(outdated).record(record(codec.encode(Fact("1", "a", ""))))


def test_a_record_of_a_newer_format_is_no_letter_and_stops_the_process() -> None:
    folded = overlay()
    with pytest.raises(codec.NewerFormat, match="newer release"):
        folded.record(record(b"{", headers=(("format", b"2"),)))
    assert folded.emissions == []
    folded.record(record(b"{", headers=(("format", b"1"),)))
    assert [dict(one.headers)["reason"] for one in folded.emissions] == [b"undecodable"]


async def test_a_flush_is_bounded_by_bytes_too() -> None:
    world = World(max_batch=1000)
    await world.partition.queue.put(SOURCE, [consumed(number, b"x" * (1 << 20)) for number in range(12)])
    world.run()
    await world.flushed(2)
    largest = max(sum(len(one.value or b"") for one in emissions) for emissions, _ in world.written())
    assert largest <= MAX_FLUSH_BYTES + (1 << 20)
    assert world.flushes[-1] == {(SOURCE, 0): 11}
    world.partition.close()
