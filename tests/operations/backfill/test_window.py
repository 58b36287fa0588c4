"""The time range: defaults, zones, and the ranges that make no sense."""

from datetime import UTC, datetime, timedelta

import pytest

from services.operations.backfill.window import Window, window
from services.runtime.section import ConfigError

from .rig import NOW

KEPT = timedelta(days=30)


def test_by_default_it_is_the_last_24_hours() -> None:
    assert window(None, None, NOW, KEPT) == Window("2026-11-20T12:00:00.000Z", NOW)
    assert window(None, "2026-11-20T00:00Z", NOW, KEPT).since == "2026-11-19T00:00:00.000Z"


def test_times_have_a_zone_and_end_now_at_the_latest() -> None:
    asked = window("2026-11-20T01:00+01:00", "9999-12-31T23:59Z", NOW, KEPT)
    assert asked == Window("2026-11-20T00:00:00.000Z", NOW)
    assert asked.since_ms == 1795132800000
    assert "2026-11-20T00:00:00.000Z" in asked
    assert "2026-11-19T23:59:59.000Z" not in asked
    assert NOW not in asked


def test_twilio_is_asked_for_whole_days_and_a_little() -> None:
    asked = window("2026-11-20T13:30Z", "2026-11-21T00:00Z", NOW, KEPT)
    assert asked.days() == (
        datetime(2026, 11, 19, 23, 59, 59, tzinfo=UTC),
        datetime(2026, 11, 22, tzinfo=UTC),
    )


@pytest.mark.parametrize(
    ("since", "until", "sentence"),
    [
        ("yesterday", None, "--since 'yesterday' is no time"),
        ("2026-11-20T00:00", None, "is no time, or has no zone. Write it such as 2026-11-20T00:00Z"),
        ("2026-11-20", None, "is no time, or has no zone. Write it such as 2026-11-20T00:00Z"),
        (None, "2026-13-01T00:00Z", "--until '2026-13-01T00:00Z' is no time"),
        ("0001-01-01T00:00+10:00", None, "further back than the log reaches"),
        ("2026-11-21T00:00Z", "2026-11-20T00:00Z", "is not before --until"),
        ("2026-11-21T00:00Z", "2026-11-21T00:00Z", "is not before --until"),
        ("2026-12-24T00:00Z", None, "is not before --until"),
        ("2026-10-01T00:00Z", None, "further back than the log reaches (30 days)"),
    ],
)
def test_what_makes_no_sense_is_a_sentence(since: str | None, until: str | None, sentence: str) -> None:
    with pytest.raises(ConfigError) as told:
        window(since, until, NOW, KEPT)
    assert sentence in str(told.value)
    assert "  " not in str(told.value)
