"""A history is kept as a folder, read as it was, and what cannot be read is told with its file and line."""

from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from services.checker.history import (
    LOG_FILE,
    WITNESS_FILE,
    Entry,
    History,
    HistoryError,
    Witness,
    produced,
    produced_value,
    read_history,
    write_history,
)
from tests.checker.good import good

_OFFSETS = st.integers(min_value=0, max_value=2**62)
_ENTRIES = st.builds(
    Entry,
    topic=st.text(min_size=1, max_size=9, alphabet=st.characters(codec="utf-8")),
    partition=st.integers(min_value=0, max_value=9),
    offset=_OFFSETS,
    timestamp=_OFFSETS,
    key=st.binary(max_size=9),
    value=st.none() | st.binary(max_size=40) | st.just("Olá ☕️\u2028".encode()),
    headers=st.lists(st.tuples(st.just("name"), st.binary(max_size=9)), max_size=3).map(tuple),
)


@settings(max_examples=50, deadline=None)
@given(st.lists(_ENTRIES, max_size=5))
def test_any_bytes_come_back_as_they_were(tmp_path_factory: pytest.TempPathFactory, entries: list[Entry]) -> None:
    folder = tmp_path_factory.mktemp("record")
    write_history(folder, History(entries, at_rest=True))
    assert read_history(folder) == History(entries, None, at_rest=True)


def test_a_witness_comes_back(tmp_path: Path) -> None:
    witness = Witness([{"sid": "SM1"}], [], [produced("t", b"\xff", b"\xff\x00")], windows_enforced=True, settled=False)
    write_history(tmp_path / "new", History([], witness))
    again = read_history(tmp_path / "new").witness
    assert again == witness
    assert produced_value(witness.produced[0]) == b"\xff\x00"


def test_the_recorded_one_stays_what_it_is(tmp_path: Path) -> None:
    write_history(tmp_path, good())
    again = read_history(tmp_path)
    assert (again.entries, again.witness, again.settled) == (good().entries, good().witness, good().settled)


@pytest.mark.parametrize(
    ("file", "content", "says"),
    [
        (LOG_FILE, b"{}\n", "line 1: not a record"),
        (LOG_FILE, b"not json\n", "line 1: not JSON"),
        (LOG_FILE, b"[]\n", "line 1: not a record"),
        (
            LOG_FILE,
            b'{"topic":"t","partition":0,"offset":0,"timestamp":0,"key":7,"value":"","headers":[]}',
            "not a record",
        ),
        (
            LOG_FILE,
            b'{"topic":"t","partition":0,"offset":0,"timestamp":0,"key":{"base64":"!"},"value":"","headers":[]}',
            "line 1: not a record",
        ),
        (WITNESS_FILE, b"{", WITNESS_FILE),
        (WITNESS_FILE, b"[]", "not a witness"),
        (WITNESS_FILE, b'{"settled": true, "witness": {"messages": []}}', "not a witness"),
        (
            WITNESS_FILE,
            b'{"settled": true, "witness": {"messages": 1, "callbacks": [], "produced": [], "windows_enforced": true,'
            b' "settled": true}}',
            "messages: must be a list",
        ),
    ],
)
def test_what_cannot_be_read_is_named(tmp_path: Path, file: str, content: bytes, says: str) -> None:
    write_history(tmp_path, History([]))
    (tmp_path / file).write_bytes(content)
    with pytest.raises(HistoryError, match=f"{file}.*{says}|{says}") as raised:
        read_history(tmp_path)
    assert str(tmp_path / file) in str(raised.value)


def test_no_log_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(HistoryError, match="record one with --record"):
        read_history(tmp_path / "nowhere")


def test_a_log_without_a_witness_is_one(tmp_path: Path) -> None:
    write_history(tmp_path, History([]))
    (tmp_path / WITNESS_FILE).unlink()
    assert read_history(tmp_path) == History([])
