"""Steps of a fold: one flush and one write for all of them; what a step derives is heard by those after it."""

from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import msgspec
import pytest

from services.contract import codec
from services.contract.fold import FoldContract
from services.domain.due import Due
from services.runtime.folding.fold import Fold, Step, Table
from services.runtime.folding.telling import MAX_RECORD_BYTES
from tests.folding.ground import Ground, Written, opened, registered, topic
from tests.waiting import eventually

SOURCE, OTHER, ECHOES, SUMS = "orders.v1", "payments.v1", "echoes.v1", "sums.v1"
NOW, LATER = "2026-02-21T18:00:00.000Z", "2026-02-21T19:00:00.000Z"


class Ordered(msgspec.Struct, frozen=True):
    """What the first step takes. Each of `says` becomes an echo; `wakes` is when its row wants to be woken."""

    key: str
    says: list[str] = []
    wakes: str | None = None


class Paid(msgspec.Struct, frozen=True):
    """What only the second step takes."""

    key: str
    amount: str


class Echo(msgspec.Struct, frozen=True):
    """Derived by the first step, heard by the second, whose row is that of the echo's own key."""

    key: str
    text: str
    fail: str = ""


class Sum(msgspec.Struct, frozen=True):
    """Derived by the second step; each says all that its row has heard."""

    key: str
    of: str
    heard: list[str]


class Order(msgspec.Struct, frozen=True):
    key: str
    times: int
    due: str | None = None


class Heard(msgspec.Struct, frozen=True):
    heard: list[str]


def ordering(state: Order | None, event: Ordered | Due) -> tuple[Order, Sequence[Echo]]:
    if isinstance(event, Due):
        assert state is not None
        return Order(state.key, state.times), [Echo(state.key, text) for text in ("woken", event.at)]
    times = state.times + 1 if state else 1
    echoes = [Echo(event.key, _echoed(text), text if text in TROUBLES else "") for text in event.says]
    return Order(event.key, times, event.wakes), echoes


def _echoed(text: str) -> str:
    return "x" * (MAX_RECORD_BYTES + 1) if text == "huge event" else text


def hearing(state: Heard | None, event: Echo | Paid) -> tuple[Heard, Sequence[Sum]]:
    if isinstance(event, Echo) and event.fail:
        TROUBLES[event.fail]()
    told = event.amount if isinstance(event, Paid) else event.text
    if told == "huge row":
        return Heard(["x" * MAX_RECORD_BYTES]), []
    if len(told) > MAX_RECORD_BYTES:
        return state or Heard([]), []
    heard = [*(state.heard if state else []), told]
    return Heard(heard), [Sum(event.key, told[:1], heard)]


def counting(state: int | None, event: Any) -> tuple[int, Sequence[msgspec.Struct]]:
    return (state or 0) + 1, []


def _refuse() -> None:
    raise ValueError("this has no place here")


def _fail() -> None:
    raise KeyError("a mistake of the fold's own")


TROUBLES: dict[str, Callable[[], None]] = {"refused": _refuse, "defect": _fail}

ORDERS = Step(ordering, Table("orders", Order, lambda event: event.key, due=lambda row: row.due), takes=(Ordered,))
HEARD = Step(hearing, Table("heard", Heard, lambda event: event.key), takes=(Echo, Paid))
# Of the third table: one row for all that was told of a key, source events only.
EVERY = Step(counting, Table("every", int, lambda event: event.key))
SOURCES = (topic(SOURCE, Ordered, lambda event: event.key), topic(OTHER, Paid, lambda event: event.key))


def replaced(event: Sum) -> str:
    return f"{event.key} {event.of}"


@asynccontextmanager
async def ground_of(folder: Path, *steps: Step, max_batch: int = 100) -> AsyncIterator[Ground]:
    known = (
        topic(ECHOES, Echo, lambda event: event.key),
        # Keyed by less than what replaces what, as the product's own is.
        topic(SUMS, Sum, lambda _: "all", replaces=replaced),
    )
    with registered(*known):
        kept = tuple(step.table.name for step in steps if step.table)
        fold = Fold(FoldContract("any", "stepped", SOURCES, kept, known), steps)
        ground = Ground(fold, opened(fold, folder), max_batch)
        try:
            yield ground
        finally:
            await ground.end()


@pytest.fixture
async def ground(tmp_path: Path) -> AsyncIterator[Ground]:
    async with ground_of(tmp_path, ORDERS, HEARD, EVERY) as ground:
        yield ground


def echoes(written: Written | None) -> list[str]:
    return [codec.decode(value, Echo).text for value in written.values(ECHOES)] if written else []


def sums(written: Written | None) -> list[Sum]:
    return [codec.decode(value, Sum) for value in written.values(SUMS)] if written else []


async def test_all_steps_share_one_flush_and_one_write(ground: Ground) -> None:
    await ground.fold(Ordered("a", ["x"]), Ordered("b", ["y"]), Ordered("a", ["z"]))
    [written] = ground.written
    assert [one.topic for one in written.emissions] == [ECHOES] * 3 + [SUMS] * 3
    assert set(written.rows) == {"orders", "heard", "every"}
    assert set(written.rows["orders"]) == set(written.rows["heard"]) == set(written.rows["every"]) == {b"a", b"b"}
    [changed] = ground.changes
    assert changed.rows["orders"] == {"a": Order("a", 2), "b": Order("b", 1)}
    assert changed.rows["heard"] == {"a": Heard(["x", "z"]), "b": Heard(["y"])}
    assert changed.rows["every"] == {"a": 2, "b": 1}
    assert changed.was == {name: {"a": None, "b": None} for name in ("orders", "heard", "every")}


async def test_a_row_is_read_by_its_table(ground: Ground) -> None:
    await ground.fold(Ordered("a", ["x"]))
    read = ground.partition.read
    assert read("a") == read("a", "orders") == Order("a", 1)
    assert (read("a", "heard"), read("a", "every")) == (Heard(["x"]), 1)
    assert read("b", "heard") is None
    assert ground.partition.under("heard", "", 9) == ["a"]


async def test_what_changes_one_table_only_writes_that_one(ground: Ground) -> None:
    written = await ground.fold(Paid("a", "5"), topic=OTHER)
    assert written is not None
    assert set(written.rows) == {"heard", "every"}
    assert set(ground.changes[0].rows) == {"heard", "every"}


async def test_a_later_step_hears_what_an_earlier_derived_in_order(ground: Ground) -> None:
    written = await ground.fold(Ordered("a", ["1", "2", "3"]), Ordered("a", ["4", "5"]))
    assert echoes(written) == ["1", "2", "3", "4", "5"]
    assert ground.partition.read("a", "heard") == Heard(["1", "2", "3", "4", "5"])
    await ground.fold(Ordered("a", ["6"]))
    assert ground.partition.read("a", "heard") == Heard(["1", "2", "3", "4", "5", "6"])


async def test_a_third_step_hears_what_the_second_derived_and_each_once(tmp_path: Path) -> None:
    def listening(state: list[str] | None, event: Sum | Echo) -> tuple[list[str], Sequence[msgspec.Struct]]:
        return [*(state or []), type(event).__name__], []

    both = Step(listening, Table("both", list[str], lambda event: event.key), takes=(Sum, Echo))
    async with ground_of(tmp_path, ORDERS, HEARD, both) as ground:
        await ground.fold(Ordered("a", ["1", "2"]))
        assert sorted(ground.partition.read("a", "both")) == ["Echo", "Echo", "Sum", "Sum"]
        await ground.fold(Paid("b", "5"), topic=OTHER)
        assert ground.partition.read("b", "both") == ["Sum"]


async def test_what_two_steps_derive_from_one_source_event_is_heard_once_each(tmp_path: Path) -> None:
    def shouting(state: int | None, event: Ordered) -> tuple[int, Sequence[Echo]]:
        return (state or 0) + 1, [Echo(event.key, text.upper()) for text in event.says]

    shouts = Step(shouting, Table("shouts", int, lambda event: event.key), takes=(Ordered,))
    async with ground_of(tmp_path, ORDERS, shouts, HEARD) as ground:
        written = await ground.fold(Ordered("a", ["x", "y"]))
        assert echoes(written) == ["x", "y", "X", "Y"]
        assert ground.partition.read("a", "heard") == Heard(["x", "y", "X", "Y"])


async def test_a_step_hears_nothing_of_those_after_it(tmp_path: Path) -> None:
    async with ground_of(tmp_path, HEARD, ORDERS) as ground:
        written = await ground.fold(Ordered("a", ["1"]))
        assert (echoes(written), sums(written)) == (["1"], [])
        assert ground.partition.read("a", "heard") is None


async def test_a_later_step_hears_what_a_wake_derived(ground: Ground) -> None:
    await ground.fold(Ordered("a", ["1"], wakes=NOW), Ordered("b", ["2"], wakes=LATER))
    written = await ground.tick(NOW)
    assert echoes(written) == ["woken", NOW]
    assert [one.heard for one in sums(written)] == [["1", "woken"], ["1", "woken", NOW]]
    assert ground.partition.read("a", "heard") == Heard(["1", "woken", NOW])
    assert ground.partition.read("b", "heard") == Heard(["2"])
    # It is no source event: who takes every one of those is not told.
    assert ground.partition.read("a", "every") == 1


async def test_source_events_go_only_to_the_steps_that_take_them(ground: Ground) -> None:
    await ground.fold(Paid("a", "5"), topic=OTHER)
    read = ground.partition.read
    assert (read("a", "orders"), read("a", "heard"), read("a", "every")) == (None, Heard(["5"]), 1)
    await ground.fold(Ordered("a"))
    assert (read("a", "orders"), read("a", "heard"), read("a", "every")) == (Order("a", 1), Heard(["5"]), 2)


async def test_an_event_that_no_step_takes_is_passed_over(tmp_path: Path) -> None:
    async with ground_of(tmp_path, ORDERS) as ground:
        assert await ground.fold(Paid("a", "5"), topic=OTHER) is None
        assert ground.flushes[0] == {(OTHER, 0): 1}


@pytest.mark.parametrize(
    ("trouble", "reason", "step"),
    [
        ("refused", "unfoldable", "heard"),
        ("defect", "defect", "heard"),
        ("huge row", "too_large", "heard"),
        ("huge event", "too_large", "orders"),
    ],
)
async def test_a_step_fails_alone(ground: Ground, trouble: str, reason: str, step: str) -> None:
    await ground.fold(Ordered("a", ["before"]))
    written = await ground.fold(Ordered("a", ["kept"]), Ordered("a", ["said", trouble], wakes=NOW), Ordered("b", ["b"]))

    assert written is not None
    [letter] = [one for one in written.emissions if one.topic == "orders.dead.v1"]
    told = {name: content.decode() for name, content in letter.headers}
    assert (told["reason"], told["steps"]) == (reason, step)
    assert told["detail"].startswith(f"{step}: ")
    assert "holds" not in told
    # What failed has no part in it, not even the one that it could have taken; those before and after have.
    took = step == "heard"
    assert echoes(written) == ["kept", *(["said", _echoed(trouble)] if took else []), "b"]
    assert [one.heard for one in sums(written)] == [["before", "kept"], ["b"]]
    read = ground.partition.read
    assert read("a") == (Order("a", 3, NOW) if took else Order("a", 2))
    assert (read("a", "heard"), read("a", "every")) == (Heard(["before", "kept"]), 3)
    assert len(ground.index("orders")) == took
    for table in ("orders", "heard", "every"):
        assert ground.stored(table) == ground.from_log(table)


async def test_where_several_steps_fail_one_letter_names_them(tmp_path: Path) -> None:
    def failing(state: Any, event: Any) -> tuple[Any, Sequence[msgspec.Struct]]:
        raise ValueError("not here")

    first, last = (Step(failing, Table(name, int, lambda event: event.key)) for name in ("first", "last"))
    async with ground_of(tmp_path, first, ORDERS, last) as ground:
        written = await ground.fold(Ordered("a", ["1"]))
        assert written is not None
        assert (echoes(written), set(written.rows)) == (["1"], {"orders"})
        [letter] = [one for one in written.emissions if one.topic == "orders.dead.v1"]
        assert dict(letter.headers)["steps"] == b"first,last"
        assert dict(letter.headers)["detail"] == b"first: not here; last: not here"


async def test_a_letter_that_is_folded_again_gives_the_step_that_failed_its_part(tmp_path: Path) -> None:
    mended = False

    def noting(state: list[str] | None, event: Ordered) -> tuple[list[str], Sequence[msgspec.Struct]]:
        if not mended:
            raise KeyError("a mistake of the fold's own")
        return [*(state or []), *event.says], []

    def last(state: str | None, event: Ordered) -> tuple[str, Sequence[Echo]]:
        said = event.says[-1]
        return said, [] if state == said else [Echo(event.key, said)]

    notes = Step(noting, Table("notes", list[str], lambda event: event.key), takes=(Ordered,))
    lasts = Step(last, Table("lasts", str, lambda event: event.key), takes=(Ordered,))
    async with ground_of(tmp_path, notes, lasts) as ground:
        first = await ground.fold(Ordered("a", ["1"]))
        mended = True
        again = await ground.fold(Ordered("a", ["1"]))
        assert (echoes(first), echoes(again)) == (["1"], [])
        assert again is not None
        assert set(again.rows) == {"notes"}
        assert ground.partition.read("a", "notes") == ["1"]


async def test_an_event_of_our_own_that_a_later_step_refuses_leaves_nothing(ground: Ground) -> None:
    ground.run()
    with pytest.raises(ValueError, match="no place"):
        await ground.partition.submit(Ordered("a", ["1", "refused"]))
    assert (ground.written, ground.partition.read("a"), ground.partition.read("a", "heard")) == ([], None, None)
    await ground.partition.submit(Ordered("a", ["1"]))
    assert ground.partition.read("a", "heard") == Heard(["1"])


async def test_of_what_replaces_each_other_the_last_of_a_flush_is_written(ground: Ground) -> None:
    written = await ground.fold(Ordered("a", ["x1", "x2"]), Ordered("b", ["x3"]), Ordered("a", ["x4"]))
    assert sums(written) == [Sum("a", "x", ["x1", "x2", "x4"]), Sum("b", "x", ["x3"])]
    # What does not replace is written each time.
    assert echoes(written) == ["x1", "x2", "x3", "x4"]


async def test_what_is_of_another_identity_is_written_too_also_under_the_same_key(ground: Ground) -> None:
    written = await ground.fold(Ordered("a", ["x1", "y1", "x2", "y2", "z1"]))
    assert written is not None
    assert {one.key for one in written.emissions if one.topic == SUMS} == {b"all"}
    heard = ["x1", "y1", "x2", "y2", "z1"]
    assert {one.of: one.heard for one in sums(written)} == {"x": heard[:3], "y": heard[:4], "z": heard}
    assert len(sums(written)) == 3


async def test_every_flush_writes_its_last_anew(tmp_path: Path) -> None:
    async with ground_of(tmp_path, ORDERS, HEARD, max_batch=2) as ground:
        first = await ground.fold(Ordered("a", ["x1"]), Ordered("a", ["x2"]))
        second = await ground.fold(Ordered("a", ["x3"]), Ordered("a", ["x4"]))
        assert [one.heard for one in sums(first)] == [["x1", "x2"]]
        assert [one.heard for one in sums(second)] == [["x1", "x2", "x3", "x4"]]


async def test_what_replaces_carries_the_trace_of_its_own_record(ground: Ground) -> None:
    def trace(number: int) -> bytes:
        return b"00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b%d-01" % number

    records = [
        ground.record(Ordered("a", [f"x{number}"]), SOURCE, headers=(("traceparent", trace(number)),))
        for number in (1, 2)
    ]
    await ground.partition.queue.put(SOURCE, records)
    written = await ground._one_flush()
    assert written is not None
    [last] = [one for one in written.emissions if one.topic == SUMS]
    assert dict(last.headers)["traceparent"] == trace(2)


async def test_an_event_that_is_refused_replaces_nothing(ground: Ground) -> None:
    written = await ground.fold(Ordered("a", ["x1"]), Ordered("a", ["x2", "refused"]))
    assert sums(written) == [Sum("a", "x", ["x1"])]


async def test_small_events_that_make_large_rows_end_a_flush(ground: Ground) -> None:
    await ground.fold(Paid("a", "y" * 400_000), topic=OTHER)
    before = len(ground.flushes)
    records = [ground.record(Paid("a", str(number)), OTHER) for number in range(40)]
    await ground.partition.queue.put(OTHER, records)
    await eventually(lambda: (OTHER, 0) in ground.flushes[-1] and _upto(ground) == records[-1].offset)
    # Forty rows of 400 KB and as many events would be 32 MB; a flush ends soon after 8.
    assert len(ground.flushes) - before >= 3
    assert len(ground.partition.read("a", "heard").heard) == 41


def _upto(ground: Ground) -> int:
    return ground.flushes[-1][OTHER, 0]
