"""Rows that ask to be woken, and rows that are listed: their index comes and goes with them."""

import random
from collections.abc import AsyncIterator, Sequence
from datetime import timedelta
from pathlib import Path

import msgspec
import pytest

from services.contract import codec, letters
from services.contract.fold import FoldContract
from services.domain.clock import later
from services.domain.due import Due
from services.runtime.folding.fold import Fold, Step, Table
from services.runtime.folding.index import Listed
from tests.folding.ground import Ground, Written, opened, registered, topic

SOURCE, RANG = "alarms.v1", "rang.v1"
T0, T1, T2, T3 = (f"2026-02-21T1{hour}:00:00.000Z" for hour in range(4))
MANY = 2500
AWKWARD = ["", "a b", "a!", "z", "ä", "語", "\U0001f600", 'q"\\', "due 2026", "open x", T1, f"{T1} a"]


class Set(msgspec.Struct, frozen=True):
    """A row with these alarms; none of it: no row. `note` is what goes wrong when it is woken."""

    key: str
    alarms: list[str] | None
    note: str = ""


class Alarms(msgspec.Struct, frozen=True):
    """Rings at each of `left`, in order, and is listed under how many those are, or `under x` as x, or `shut`, nowhere.

    `defect` fails when woken, `gone` is removed, `stuck` never moves on.
    """

    key: str
    left: list[str]
    note: str = ""


class Rang(msgspec.Struct, frozen=True):
    key: str
    at: str
    left: int


def alarms(state: Alarms | None, event: Set | Due) -> tuple[Alarms | None, Sequence[Rang]]:
    if isinstance(event, Set):
        return (None if event.alarms is None else Alarms(event.key, event.alarms, event.note)), []
    assert state is not None, "only a row can be woken"
    assert state.left[0] == event.at, "a row is told the time that it asked for"
    if state.note == "defect":
        raise KeyError("a mistake of the fold's own")
    rang = [Rang(event.key, event.at, len(state.left) - 1)]
    if state.note == "gone":
        return None, rang
    return (state if state.note == "stuck" else Alarms(state.key, state.left[1:], state.note)), rang


def names(row: Alarms) -> list[str]:
    if row.note.startswith("under "):
        return [row.note.removeprefix("under ")]
    return [] if row.note == "shut" else [f"left {len(row.left)}"]


TABLE = Table(
    "alarms",
    Alarms,
    lambda event: event.key,
    due=lambda row: row.left[0] if row.left else None,
    lists=names,
)


@pytest.fixture
async def ground(tmp_path: Path) -> AsyncIterator[Ground]:
    rings = topic(RANG, Rang, lambda event: event.key)
    sources = (topic(SOURCE, Set, lambda event: event.key),)
    fold = Fold(FoldContract("any", "timed", sources, (TABLE.name,), (rings,)), (Step(alarms, TABLE),))
    with registered(rings):
        ground = Ground(fold, opened(fold, tmp_path), max_batch=100)
        yield ground
        await ground.end()


def rang(*written: Written | None) -> list[tuple[str, str]]:
    found = [codec.decode(value, Rang) for one in written if one for value in one.values(RANG)]
    return [(one.key, one.at) for one in found]


async def set_many(ground: Ground, events: Sequence[Set]) -> None:
    for at in range(0, len(events), 100):
        await ground.fold(*events[at : at + 100])


async def test_a_row_is_woken_at_its_time_and_not_before(ground: Ground) -> None:
    await ground.fold(Set("a", [T1]))
    assert await ground.tick(T0) is None
    assert await ground.tick("2026-02-21T10:59:59.999Z") is None
    assert await ground.tick("2026-02-21T11") is None
    written = await ground.tick(T1)
    assert rang(written) == [("a", T1)]
    assert ground.partition.read("a") == Alarms("a", [])


async def test_a_row_is_woken_late_with_the_time_that_it_asked_for(ground: Ground) -> None:
    await ground.fold(Set("a", [T1]), Set("b", [T0]))
    assert rang(await ground.tick(T3)) == [("b", T0), ("a", T1)]
    assert await ground.tick(T3) is None


async def test_only_what_is_due_is_woken(ground: Ground) -> None:
    await ground.fold(Set("a", [T1]), Set("b", [T3]), Set("c", []), Set("d", [T2]))
    assert rang(await ground.tick(T2)) == [("a", T1), ("d", T2)]
    assert ground.partition.read("b") == Alarms("b", [T3])


async def test_a_row_that_asks_again_is_told_all_that_is_past_in_one_tick(ground: Ground) -> None:
    await ground.fold(Set("a", [T0, T1, T3]), Set("b", [T1, T2]))
    assert rang(await ground.tick(T2)) == [("a", T0), ("a", T1), ("b", T1), ("b", T2)]
    assert ground.partition.read("a") == Alarms("a", [T3])
    assert len(ground.written) == 2
    assert rang(*await ground.ticks(T3)) == [("a", T3)]


async def test_a_tick_with_nothing_due_writes_nothing_and_flushes_nothing(ground: Ground) -> None:
    await ground.fold(Set("a", [T2]), Set("b", []))
    for now in (T0, T1, T1):
        assert await ground.tick(now) is None
    assert (len(ground.flushes), len(ground.written)) == (1, 1)


async def test_a_tick_for_what_was_moved_meanwhile_wakes_nobody(ground: Ground) -> None:
    await ground.fold(Set("a", [T1]), Set("b", [T1]), Set("c", [T1]))
    source = ground.partition.fold.sources[0].name
    moved = [Set("a", [T3]), Set("b", None), Set("c", [])]
    await ground.partition.queue.put(source, [ground.record(event, source) for event in moved])
    ground.partition.tick(T1)
    written = await ground._one_flush()
    assert rang(written) == []
    assert await ground.ticks(T2) == []
    assert rang(*await ground.ticks(T3)) == [("a", T3)]


async def test_two_ticks_in_one_flush_wake_once(ground: Ground) -> None:
    await ground.fold(Set("a", [T1]), Set("b", [T1, T2]))
    ground.partition.tick(T1)
    ground.partition.tick(T2)
    assert rang(await ground._one_flush()) == [("a", T1), ("b", T1), ("b", T2)]


async def test_the_index_is_written_with_its_row(ground: Ground) -> None:
    written = await ground.fold(Set("a", [T1]), Set("b", [], "shut"))
    assert written is not None
    # The log has the rows alone.
    assert set(written.rows["alarms"]) == {b"a", b"b"}
    index = {f"due {T1} a", "listed left 1\x00a"}
    assert set(ground.index("alarms")) == {b"\xff" + one.encode() for one in index}
    # An index entry is no row.
    assert ground.partition.under("alarms", "", 9) == ["a", "b"]


@pytest.mark.parametrize(
    ("changes", "due"),
    [
        ([Set("a", [T2])], {T2}),
        ([Set("a", [])], set()),
        ([Set("a", None)], set()),
        ([Set("a", [T2]), Set("a", [T3])], {T3}),
        ([Set("a", [T2]), Set("a", [T1])], {T1}),
        ([Set("a", None), Set("a", [T1])], {T1}),
        ([Set("a", None), Set("a", [T2])], {T2}),
        ([Set("a", [T2]), Set("a", None)], set()),
        ([Set("a", [T2]), Set("a", None), Set("a", [T3], "shut")], {T3}),
        ([Set("a", [T1], "shut")], {T1}),
    ],
)
async def test_what_is_indexed_is_what_the_row_says_in_the_end(
    ground: Ground, changes: list[Set], due: set[str]
) -> None:
    await ground.fold(Set("a", [T1]), Set("b", [T3], "shut"))
    await ground.fold(*changes)
    last = changes[-1]
    expected = {f"due {at} a" for at in due} | {f"due {T3} b"}
    if last.alarms is not None and last.note != "shut":
        expected.add(f"listed left {len(last.alarms)}\x00a")
    assert set(ground.index("alarms")) == {b"\xff" + one.encode() for one in expected}
    assert ground.stored("alarms") == ground.from_log("alarms")
    assert rang(*await ground.ticks(T3)) == sorted([*(("a", at) for at in due), ("b", T3)], key=lambda one: one[1])


async def test_a_row_that_is_made_and_removed_in_one_flush_leaves_no_index(ground: Ground) -> None:
    await ground.fold(Set("a", [T1]), Set("a", None))
    assert ground.stored("alarms") == {}
    assert await ground.tick(T3) is None


async def test_a_row_that_a_wake_removes_leaves_no_index(ground: Ground) -> None:
    await ground.fold(Set("a", [T1], "gone"), Set("b", [T3]))
    assert rang(await ground.tick(T1)) == [("a", T1)]
    assert ground.partition.read("a") is None
    assert set(ground.index("alarms")) == {b"\xff" + f"due {T3} b".encode(), b"\xfflisted left 1\x00b"}
    assert await ground.tick(T2) is None
    await ground.fold(Set("a", [T2]))
    assert rang(await ground.tick(T2)) == [("a", T2)]


async def test_a_defect_in_a_wake_holds_nothing_up(ground: Ground) -> None:
    await ground.fold(Set("a", [T0], "defect"), Set("b", [T1]), Set("c", [T0], "defect"))
    assert rang(await ground.tick(T1)) == [("b", T1)]
    assert rang(await ground.fold(Set("d", [T2]), Set("e", []))) == []
    assert rang(await ground.tick(T2)) == [("d", T2)]
    # Its row stands as it was; when it is mended it is woken.
    assert ground.partition.read("a") == Alarms("a", [T0], "defect")
    await ground.fold(Set("a", [T0]))
    assert rang(await ground.tick(T2)) == [("a", T0)]


async def test_a_row_that_asks_for_the_past_for_ever_holds_nothing_up(ground: Ground) -> None:
    await ground.fold(Set("a", [T0], "stuck"), Set("b", [T1]))
    woken = rang(await ground.tick(T1))
    assert woken[-1] == ("b", T1)
    assert 1 < len(woken) < 100


async def test_many_due_rows_are_woken_over_several_flushes_the_longest_due_first(ground: Ground) -> None:
    chance = random.Random(7)
    times = [later(T0, timedelta(seconds=number).total_seconds()) for number in range(MANY)]
    events = [Set(f"row {number}", [at]) for number, at in enumerate(times)]
    chance.shuffle(events)
    await set_many(ground, [*events, Set("not yet", [T3])])

    flushes = await ground.ticks(T2)
    assert len(flushes) > 2
    assert [at for _, at in rang(*flushes)] == times
    assert ground.index("alarms")[0] == b"\xff" + f"due {T3} not yet".encode()
    assert ground.stored("alarms") == ground.from_log("alarms")


async def test_many_defects_and_one_good_row_of_the_same_tick(ground: Ground) -> None:
    await set_many(ground, [*(Set(f"bad {number}", [T0], "defect") for number in range(900)), Set("good", [T1])])
    assert rang(await ground.tick(T1)) == [("good", T1)]


@pytest.mark.parametrize("key", AWKWARD, ids=ascii)
async def test_a_key_may_be_any_text(ground: Ground, key: str) -> None:
    await ground.fold(Set(key, [T1]), Set("other", [T2]))
    assert rang(await ground.tick(T1)) == [(key, T1)]
    assert sorted(listed(ground, "left")) == sorted([key, "other"])


def listed(ground: Ground, prefix: str) -> list[str]:
    return [key for _, key in ground.partition.listed("alarms", prefix, None, 1000)]


async def pages(ground: Ground, limit: int) -> list[list[Listed]]:
    found: list[list[Listed]] = []
    after = None
    while page := ground.partition.listed("alarms", "left 1", after, limit):
        found.append(page)
        after = page[-1]
        assert len(found) < 1000, "it goes round and round"
    return found


@pytest.mark.parametrize("limit", [1, 2, 3, 100])
async def test_rows_are_listed_page_by_page_each_once(ground: Ground, limit: int) -> None:
    keys = ["a", "a b", "a\x00", "aa", "a!", "A", "b", "ä", "äa", "語", "\U0001f600", "\uffff", "0"]
    shut = ["a ", "ab", "zz"]
    await ground.fold(*(Set(key, [T1]) for key in keys), *(Set(key, [T1], "shut") for key in shut))
    await ground.fold(Set("before", []), Set("behind", [T1, T2]))
    found = await pages(ground, limit)
    assert [key for page in found for _, key in page] == sorted(keys, key=str.encode)
    assert all(len(page) == limit for page in found[:-1])


async def test_rows_are_listed_in_the_order_of_their_names_then_of_their_keys(ground: Ground) -> None:
    names = ["b", "a", "a b", "a\n", "a!", "ä", "a", "\U0001f600"]
    await ground.fold(*(Set(f"{9 - number}", [], f"under {name}") for number, name in enumerate(names)))
    found = ground.partition.listed("alarms", "", None, 10)
    assert found == sorted(Listed(name, f"{9 - number}") for number, name in enumerate(names))
    assert ground.partition.listed("alarms", "a", None, 10) == [one for one in found if one.name.startswith("a")]
    beyond = Listed("a\U0010ffff", "")
    assert ground.partition.listed("alarms", "", beyond, 1) == [Listed("b", "9")]
    assert ground.partition.listed("alarms", "a", beyond, 1) == []


async def test_what_a_row_is_listed_under_changes_with_it(ground: Ground) -> None:
    await ground.fold(*(Set(key, []) for key in ("a", "b", "c", "d")))
    await ground.fold(Set("b", [], "shut"), Set("c", None))
    assert listed(ground, "left") == ["a", "d"]
    await ground.fold(Set("b", []), Set("a", [], "shut"), Set("a", [T1]), Set("d", [], "under left 1"))
    assert listed(ground, "left 0") == ["b"]
    assert listed(ground, "left 1") == ["a", "d"]


async def test_a_name_that_would_break_the_list_makes_a_dead_letter_of_its_record(ground: Ground) -> None:
    written = await ground.fold(Set("a", [], "under b\x00c"), Set("d", []))
    assert written is not None
    [dead] = written.emissions
    assert b"cannot be listed" in dict(dead.headers)[letters.DETAIL]
    assert listed(ground, "") == ["d"]


def rows_of(ground: Ground) -> list[Alarms]:
    return [ground.partition.read(key) for key in ground.partition.under("alarms", "", 1000)]


async def test_any_sequence_of_changes_leaves_table_index_and_log_the_same(ground: Ground) -> None:
    chance = random.Random(11)
    keys = ["a", "a b", "b", "ä"]
    times = [T0, T1, T2, T3]
    now = 0
    for _ in range(150):
        events = [
            Set(
                chance.choice(keys),
                chance.choice([None, [], sorted(chance.sample(times, 2)), [chance.choice(times)]]),
                chance.choice(["", "", "shut", "gone"]),
            )
            for _ in range(chance.randrange(1, 6))
        ]
        await ground.fold(*events)
        if chance.random() < 0.3:
            now = chance.randrange(4)
            await ground.ticks(times[now])
            assert all(row.left[0] > times[now] for row in rows_of(ground) if row.left)
        rows = rows_of(ground)
        expected = {f"due {row.left[0]} {row.key}" for row in rows if row.left}
        expected |= {f"listed {name}\x00{row.key}" for row in rows for name in names(row)}
        assert set(ground.index("alarms")) == {b"\xff" + one.encode() for one in expected}
        assert ground.stored("alarms") == ground.from_log("alarms")
