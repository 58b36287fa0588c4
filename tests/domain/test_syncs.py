"""When a list of Twilio's is to be read again: whatever the clock does, and not by all tenants at once."""

import pytest

from services.domain.clock import later
from services.domain.syncs import ListSynced, Syncs, again_s, due, fold, spread_s

NOW = "2026-11-30T12:00:00.000Z"


@pytest.mark.parametrize(
    ("synced_at", "own_s", "is_due"),
    [
        (None, None, True),
        (later(NOW, -899), None, False),
        (later(NOW, -900), None, True),
        (later(NOW, -899), 10.0, False),
        # A clock that stands says that no time has passed.
        (NOW, 899.0, False),
        (NOW, 900.0, True),
        # Another machine's may be a little ahead; one that was set back by a day would wait for that day.
        (later(NOW, 30), None, False),
        (later(NOW, 86_400), None, True),
        (later(NOW, 86_400), 1.0, True),
    ],
)
def test_a_list_is_read_by_time_and_a_clock_that_stands_or_goes_back_keeps_nobody_from_it(
    synced_at: str | None, own_s: float | None, is_due: bool
) -> None:
    assert due(synced_at, NOW, 900, own_s) is is_due


def test_after_a_clock_was_set_back_the_last_word_counts() -> None:
    """Else it would be due for as long as the clock was ahead."""
    row, _ = fold(None, ListSynced(tenant="acme", name="templates", at=later(NOW, 86_400)))
    row, _ = fold(row, ListSynced(tenant="acme", name="prices", at=NOW))
    row, told = fold(row, ListSynced(tenant="acme", name="templates", at=NOW))
    assert (row, told) == (Syncs(tenant="acme", at={"templates": NOW, "prices": NOW}), ())


def test_tenants_that_were_read_at_once_are_not_read_at_once_again() -> None:
    waits = [spread_s(900, f"tenant-{number}", "templates", NOW) for number in range(500)]
    assert 810 <= min(waits) < 820
    assert 980 < max(waits) <= 990
    by_second = [int(one) for one in waits]
    assert max(by_second.count(second) for second in set(by_second)) <= 12
    # It is the same for who takes over.
    assert spread_s(900, "tenant-7", "templates", NOW) == waits[7]
    assert spread_s(900, "tenant-7", "prices", NOW) != waits[7]


def test_what_fails_is_read_again_soon_and_then_seldom_and_who_is_refused_once_an_hour() -> None:
    assert [again_s(900, failures, refused=False) for failures in (1, 2, 3, 4, 5, 99)] == [60, 120, 240, 480, 900, 900]
    assert again_s(1, 1, refused=False) == 1
    assert again_s(900, 1, refused=True) == 3600
    assert again_s(86_400, 9, refused=True) == 86_400
