"""Lines that are spared: of each kind one a second, of kinds that strangers name no more than of a hundred."""

import pytest

from services.runtime import sparing
from services.runtime.sparing import Sparing


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    moment = [0.0]
    monkeypatch.setattr(sparing, "monotonic", lambda: moment[0])
    return moment


def test_of_each_kind_there_is_a_line_a_second_with_the_number_of_the_others(clock: list[float]) -> None:
    told = Sparing()
    assert [told.kept_back("a"), told.kept_back("a"), told.kept_back("b")] == [0, None, 0]
    clock[0] = 1.5
    assert told.kept_back("a") == 1


def test_kinds_without_end_are_neither_lines_nor_memory_without_end(clock: list[float]) -> None:
    """Whoever may produce commands may name a tenant that nobody has, another in each."""
    told = Sparing()
    lines = 0
    for number in range(100_000):
        clock[0] = number / 50_000
        lines += told.kept_back(f"tenant {number}") is not None
    assert lines < 500
    assert len(told._told) <= 101
    clock[0] = 10.0
    assert told.kept_back("acme") == 0, "once they are gone, each has its own again"
