"""Times on the log: one spelling, and no moment that is an error."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.domain import clock
from services.domain.clock import FIRST, LAST, iso, later, parse, seconds_between, to_iso


@pytest.mark.parametrize(
    ("milliseconds", "written"),
    [
        (0, "1970-01-01T00:00:00.000Z"),
        (1_771_698_131_123, "2026-02-21T18:22:11.123Z"),
        (1_699_999_999_999, "2023-11-14T22:13:19.999Z"),
        (-1, "1969-12-31T23:59:59.999Z"),
        (2**63 - 1, LAST),
        (-(2**63), FIRST),
    ],
)
def test_a_timestamp_is_written_to_the_millisecond(milliseconds: int, written: str) -> None:
    assert iso(milliseconds) == written


@pytest.mark.parametrize(
    ("moment", "seconds", "afterwards"),
    [
        ("2026-02-21T18:22:11.123Z", 0.5, "2026-02-21T18:22:11.623Z"),
        ("2026-02-21T18:22:11Z", -11, "2026-02-21T18:22:00.000Z"),
        ("2026-02-21T19:22:11+01:00", 86_400, "2026-02-22T18:22:11.000Z"),
        ("2026-02-21T18:22:11Z", float("inf"), LAST),
        ("2026-02-21T18:22:11Z", 1e15, LAST),
        ("2026-02-21T18:22:11Z", -1e12, FIRST),
    ],
)
def test_a_later_moment(moment: str, seconds: float, afterwards: str) -> None:
    assert later(moment, seconds) == afterwards


def test_what_is_remembered_has_the_length_of_a_time() -> None:
    clock._later.cache_clear()
    assert later(f"2026-02-21T18:22:11.{'0' * 200_000}Z", 1) == "2026-02-21T18:22:12.000Z"
    assert clock._later.cache_info().currsize == 0
    assert later("2026-02-21T18:22:11.000Z", 1) == later("2026-02-21T18:22:11.000Z", 1) == "2026-02-21T18:22:12.000Z"
    assert clock._later.cache_info().hits == 1


@pytest.mark.parametrize("text", ["", "soon", "2026-02-21", "2026-02-21T18:22:11", "2026-02-30T00:00:00Z", "18:22Z"])
def test_what_is_no_time_or_has_no_zone_is_refused(text: str) -> None:
    with pytest.raises(ValueError):  # noqa: PT011 - the type is the contract; the words are Python's
        parse(text)


@pytest.mark.parametrize(
    ("text", "written"),
    [
        ("9999-12-31T23:59:59-01:00", LAST),
        ("0001-01-01T00:00:00+01:00", FIRST),
        ("2026-02-21T19:22:11.123999+01:00", "2026-02-21T18:22:11.123Z"),
    ],
)
def test_any_time_that_parses_can_be_written(text: str, written: str) -> None:
    assert to_iso(parse(text)) == written


def test_between_two_moments_lie_seconds_of_either_sign() -> None:
    assert seconds_between("2026-02-21T18:22:11Z", "2026-02-21T18:22:12.500Z") == 1.5
    assert seconds_between("2026-02-21T18:22:11Z", "2026-02-21T19:22:11+01:00") == 0
    assert seconds_between("2026-02-21T18:22:11Z", "2026-02-21T18:22:10Z") == -1


@given(st.integers(), st.integers())
def test_written_times_sort_as_the_moments_do(one: int, other: int) -> None:
    """The gate and the schedule compare texts."""
    earlier, afterwards = sorted((one, other))
    assert iso(earlier) <= iso(afterwards)
    assert parse(iso(one))
