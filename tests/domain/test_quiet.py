"""Quiet hours, against an oracle that looks at every minute; and where somebody with an address may be."""

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo, available_timezones

import pytest
from hypothesis import given
from hypothesis import strategies as st
from phonenumbers.tzdata import TIMEZONE_DATA

from services.domain.clock import parse, to_iso
from services.domain.quiet import Hours, look
from services.domain.zones import zones_of

NIGHT = Hours(begins="21:00", ends="08:00")
LOS_ANGELES, PARIS, KATHMANDU, LORD_HOWE = (
    "America/Los_Angeles",
    "Europe/Paris",
    "Asia/Kathmandu",
    "Australia/Lord_Howe",
)


def is_quiet(moment: datetime, hours: list[Hours], zones: list[str]) -> bool:
    """The oracle's word on one minute."""
    for zone in zones:
        local = moment.astimezone(ZoneInfo(zone))
        minute = local.hour * 60 + local.minute
        for one in hours:
            begins, ends = (int(text[:2]) * 60 + int(text[3:]) for text in (one.begins, one.ends))
            within = begins <= minute < ends if begins <= ends else minute >= begins or minute < ends
            if within or local.weekday() in one.days:
                return True
    return False


def put_forward(moment: datetime, zones: list[str]) -> bool:
    before = moment - timedelta(minutes=1)
    return any(
        moment.astimezone(zone).utcoffset() != before.astimezone(zone).utcoffset() for zone in map(ZoneInfo, zones)
    )


CLOCKS = st.times().map(lambda one: f"{one:%H:%M}")
HOURS = st.builds(Hours, begins=CLOCKS, ends=CLOCKS, days=st.lists(st.integers(0, 6), max_size=2, unique=True))
MOMENTS = st.datetimes(datetime(2026, 1, 1), datetime(2027, 12, 31)).map(lambda one: one.replace(tzinfo=UTC))
# Half an hour of summer time, quarters of an hour, both sides of the date line.
ZONES = st.sampled_from(
    [
        LOS_ANGELES,
        PARIS,
        KATHMANDU,
        LORD_HOWE,
        "America/St_Johns",
        "Pacific/Apia",
        "Pacific/Pago_Pago",
        "America/Santiago",
    ]
)


@given(MOMENTS, st.lists(HOURS, min_size=1, max_size=2), st.lists(ZONES, min_size=1, max_size=3, unique=True))
def test_it_is_day_at_the_first_minute_that_is_quiet_nowhere(
    moment: datetime, hours: list[Hours], zones: list[str]
) -> None:
    seen = look(to_iso(moment), hours, zones)
    if not is_quiet(moment, hours, zones):
        assert (seen.until, seen.never) == (None, False)
        return
    found = moment.replace(second=0, microsecond=0) + timedelta(minutes=1)
    for _ in range(9 * 24 * 60):
        if not is_quiet(found, hours, zones):
            assert seen.until is not None
            # An end that no clock shows, as one is put forward, comes by the clock that was.
            late = timedelta(hours=1) if put_forward(found, zones) else timedelta(0)
            assert timedelta(0) <= parse(seen.until) - found <= late
            return
        found += timedelta(minutes=1)
    # A week later all is as it was, but for the clock's own changes.
    assert seen.never or parse(seen.until or "") > found


@pytest.mark.parametrize(
    ("now", "hours", "zone", "until"),
    [
        pytest.param("2026-11-30T04:59:59.999Z", NIGHT, LOS_ANGELES, None, id="the last moment of the day"),
        pytest.param("2026-11-30T05:00:00.000Z", NIGHT, LOS_ANGELES, "2026-11-30T16:00:00.000Z", id="nine o'clock"),
        pytest.param("2026-11-30T15:59:59.999Z", NIGHT, LOS_ANGELES, "2026-11-30T16:00:00.000Z", id="a moment early"),
        pytest.param("2026-11-30T16:00:00.000Z", NIGHT, LOS_ANGELES, None, id="eight o'clock"),
        # The clock goes from 2 to 3 on March 8, from 2 back to 1 on November 1.
        pytest.param("2026-03-08T06:00:00.000Z", NIGHT, LOS_ANGELES, "2026-03-08T15:00:00.000Z", id="a shorter night"),
        pytest.param("2026-11-01T05:00:00.000Z", NIGHT, LOS_ANGELES, "2026-11-01T16:00:00.000Z", id="a longer night"),
        pytest.param(
            "2026-03-08T09:00:00.000Z",
            Hours(begins="00:00", ends="02:30"),
            LOS_ANGELES,
            "2026-03-08T10:30:00.000Z",
            id="an end that no clock shows",
        ),
        pytest.param(
            "2026-11-28T22:30:00.000Z",
            Hours(begins="22:00", ends="08:00", days=[6]),
            PARIS,
            "2026-11-30T07:00:00.000Z",
            id="a Saturday's night, a Sunday and its night",
        ),
        pytest.param("2026-11-30T12:00:00.000Z", Hours(begins="08:00", ends="08:00"), PARIS, None, id="no hours"),
    ],
)
def test_a_night_ends_by_the_clock_of_the_place(now: str, hours: Hours, zone: str, until: str | None) -> None:
    assert look(now, [hours], [zone]).until == until


def test_where_no_zone_is_known_it_is_never_known_to_be_day() -> None:
    assert look("2026-11-30T12:00:00.000Z", [NIGHT], []).never


def test_two_zones_that_are_never_awake_together_are_told() -> None:
    long = Hours(begins="12:00", ends="10:00")
    assert look("2026-11-30T12:00:00.000Z", [long], [LOS_ANGELES, PARIS]).never


@pytest.mark.parametrize(
    ("address", "zones"),
    [
        ("+14155550123", {LOS_ANGELES}),
        ("whatsapp:+33612345678", {PARIS}),
        ("whatsapp:+552187654321", {"America/Sao_Paulo"}),
        # Not assigned, so the library has no area for it: somewhere in its country.
        ("+447700900123", {"Europe/London", "Europe/Jersey", "Europe/Guernsey", "Europe/Isle_of_Man"}),
        ("whatsapp:IN.13491234567890", {"Asia/Calcutta"}),
        ("messenger:1034567", set()),
        ("nobody", set()),
        # A satellite's.
        ("+883510000000", set()),
    ],
)
def test_an_address_says_where_somebody_may_be(address: str, zones: set[str]) -> None:
    assert set(zones_of(address)) == zones


def test_a_toll_free_number_may_be_anywhere_in_its_plan() -> None:
    zones = set(zones_of("+18005550100"))
    assert {"America/New_York", LOS_ANGELES, "Pacific/Honolulu", "America/St_Johns"} <= zones
    # Still there is a time at which it is day for all of them.
    assert not look("2026-11-30T12:00:00.000Z", [NIGHT], sorted(zones)).never


def test_every_zone_of_the_library_is_one_that_the_clock_knows() -> None:
    named = {zone for zones in TIMEZONE_DATA.values() for zone in zones} - {"Etc/Unknown"}
    assert named <= available_timezones()
