"""The one clock: the system's, unless a test moves it for all processes that share a file."""

import time
from pathlib import Path

import pytest

from services.domain.clock import parse
from services.runtime import clock
from services.runtime.clock import Clock

HOUR_MS = 3_600_000


@pytest.fixture
def skew(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A skew file, looked at on every call."""
    monkeypatch.setattr(clock, "_LOOK_AGAIN_S", 0)
    return tmp_path / "skew"


def ahead(moved: Clock) -> float:
    """How far a clock is ahead of the system's, in milliseconds, rounded to seconds."""
    return round((moved.milliseconds() - time.time_ns() / 1_000_000) / 1000) * 1000


def test_it_is_the_systems_clock_unless_told_otherwise() -> None:
    moved = Clock()
    assert ahead(moved) == 0
    before = time.time()
    assert before - 1 <= parse(moved.now()).timestamp() <= time.time() + 1


def test_the_clock_of_the_process_follows_nothing() -> None:
    assert ahead(clock.CLOCK) == 0
    assert clock.now == clock.CLOCK.now


@pytest.mark.parametrize(("content", "by"), [("3600", HOUR_MS), ("-3600", -HOUR_MS), (" 7200.0\n", 2 * HOUR_MS)])
def test_it_is_moved_by_the_seconds_that_a_file_holds(skew: Path, content: str, by: int) -> None:
    skew.write_text(content)
    moved = Clock()
    moved.follow(skew)
    assert ahead(moved) == by
    assert abs(parse(moved.now()).timestamp() - time.time() - by / 1000) < 2


def test_clocks_of_one_file_move_together_and_as_it_changes(skew: Path) -> None:
    clocks = [Clock(), Clock()]
    for moved in clocks:
        moved.follow(skew)
    assert [ahead(moved) for moved in clocks] == [0, 0], "before there is a file"
    for hours in (1, 25, 24):
        skew.write_text(str(hours * 3600))
        assert [ahead(moved) for moved in clocks] == [hours * HOUR_MS] * 2


@pytest.mark.parametrize("content", [b"", b"36 00", b"soon", b"nan", b"\xff"])
def test_what_is_half_written_changes_nothing(skew: Path, content: bytes) -> None:
    skew.write_text("3600")
    moved = Clock()
    moved.follow(skew)
    assert ahead(moved) == HOUR_MS
    skew.write_bytes(content)
    assert ahead(moved) == HOUR_MS
    skew.unlink()
    assert ahead(moved) == HOUR_MS


def test_it_goes_back_to_the_systems(skew: Path) -> None:
    skew.write_text("3600")
    moved = Clock()
    moved.follow(skew)
    assert ahead(moved) == HOUR_MS
    moved.follow(None)
    assert ahead(moved) == 0


def test_it_does_not_read_the_file_for_every_message(tmp_path: Path) -> None:
    file = tmp_path / "skew"
    file.write_text("3600")
    moved = Clock()
    moved.follow(file)
    assert ahead(moved) == HOUR_MS
    looked = moved._looked_at
    while time.monotonic() - looked < clock._LOOK_AGAIN_S / 2:
        moved.milliseconds()
    assert moved._looked_at == looked
    time.sleep(clock._LOOK_AGAIN_S)
    moved.milliseconds()
    assert moved._looked_at > looked


def test_that_it_is_moved_is_told(skew: Path, caplog: pytest.LogCaptureFixture) -> None:
    Clock().follow(skew)
    assert "never" not in caplog.text
    assert "for tests and demos only" in caplog.text
