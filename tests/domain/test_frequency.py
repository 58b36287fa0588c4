"""Caps: how often a person is written to, against an oracle that counts at every moment."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.domain.clock import iso, later
from services.domain.frequency import Cap, look

HOUR_MS = 3_600_000
NOW_MS = 1_795_000_000_000
NOW = iso(NOW_MS)


def hours_ago(*hours: float) -> list[str]:
    return [iso(NOW_MS - int(hour * HOUR_MS)) for hour in hours]


@pytest.mark.parametrize(
    ("sent", "cap", "until_h"),
    [
        pytest.param([], Cap(messages=1, days=1), None, id="none went"),
        pytest.param([1.0], Cap(messages=2, days=1), None, id="one of two"),
        pytest.param([1.0, 2.0], Cap(messages=2, days=1), 22, id="two of two"),
        pytest.param([1.0, 2.0, 3.0], Cap(messages=2, days=1), 22, id="more than two: the cap is new"),
        pytest.param([24.0], Cap(messages=1, days=1), None, id="a day ago, to the moment"),
        pytest.param([23.5], Cap(messages=1, days=1), 0.5, id="less than a day ago"),
        pytest.param([-1.0], Cap(messages=1, days=1), 25, id="by a clock that ran ahead"),
    ],
)
def test_a_cap_is_used_up_until_its_oldest_message_counts_no_more(
    sent: list[float], cap: Cap, until_h: float | None
) -> None:
    found = look(NOW, hours_ago(*sent), [cap])
    assert (found and found.until) == (until_h and later(NOW, until_h * 3600))


CAPS = st.builds(Cap, messages=st.integers(1, 4), days=st.integers(1, 72).map(lambda hours: hours / 24))


@given(st.lists(st.integers(0, 100), max_size=12), st.lists(CAPS, max_size=3))
def test_it_goes_at_the_first_hour_at_which_no_cap_is_used_up(sent: list[int], caps: list[Cap]) -> None:
    def allowed(ahead: int) -> bool:
        return all(sum(ago + ahead < round(cap.days * 24) for ago in sent) < cap.messages for cap in caps)

    found = look(NOW, hours_ago(*sent), caps)
    first = next(hour for hour in range(1000) if allowed(hour))
    if first == 0:
        assert found is None
        return
    assert found is not None
    # Looked at again when the first wait is over, until none is left.
    waits = 0
    while found is not None:
        waits += 1
        at = found.until
        found = look(at, hours_ago(*sent), caps)
    assert at == later(NOW, first * 3600)
    assert waits <= len(caps)
