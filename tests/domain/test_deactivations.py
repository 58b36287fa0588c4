"""Numbers that carriers took back: what counts of consent after that, in any order; and how the list is read."""

from datetime import UTC, date
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from services.domain.clock import parse
from services.domain.consent.deactivations import (
    KnownDeactivated,
    NumberDeactivated,
    NumbersDeactivated,
    end_of,
    parts,
)
from services.domain.consent.events import DeactivationRecorded, SuppressionChanged
from services.domain.consent.evidence import Evidence, recall
from services.domain.consent.standing import Standing, consented, suppressed
from services.domain.consent.version import version
from services.domain.messages.consent import Suppressing
from services.domain.messages.deactivated import Deactivated, ListRead, PartRead, due, fold, phone, today
from services.domain.messages.events import InboundReceived
from services.domain.senders.directory import Directory
from services.domain.senders.reach import Asked, reaching
from tests.domain.suppression_oracle import CONTACT, SENDER, at, stated, wrote

SMS = f"sender:{SENDER}"
FOLD = Suppressing({})


def gone(second: float) -> NumberDeactivated:
    return NumberDeactivated(
        event_id=f"list {second}", tenant="acme", contact=CONTACT, date="2026-02-21", at=at(second)
    )


def play(facts: list[Any], state: Standing | None = None) -> tuple[Standing | None, list[Any]]:
    told: list[Any] = []
    for fact in facts:
        state, derived = FOLD(state, fact)
        told += derived
    return state, told


def test_a_yes_from_before_counts_no_more_and_the_no_stays() -> None:
    yes = stated("opt_in", 0)
    state, _ = play([yes])
    assert consented(state, [SMS]) is not None
    state, told = play([gone(1000)], state)
    assert consented(state, [SMS]) is None
    assert [type(one) for one in told] == [DeactivationRecorded, KnownDeactivated]
    # Told once, however often the list is read; and an older list says nothing more.
    assert play([gone(1000), gone(500)], state) == (state, [])
    # Whoever has the number now may say yes.
    again, _ = play([stated("opt_in", 2000, command="later")], state)
    assert consented(again, [SMS]) is not None


def test_a_no_that_an_earlier_yes_had_lifted_stands_again() -> None:
    said = [wrote("STOP"), wrote("START", 600, "SM2")]
    state, _ = play(said)
    assert suppressed(state) == {}
    state, told = play([gone(1000)], state)
    assert set(suppressed(state)) == {SMS}
    assert [sorted(one.suppressed) for one in told if isinstance(one, SuppressionChanged)] == [[SMS]]
    asked = Asked(SENDER, None, "sms", False)
    assert reaching(state, asked, Directory()) != {}
    state, _ = play([wrote("START", 5000, "SM3")], state)
    assert (suppressed(state), reaching(state, asked, Directory())) == ({}, {})


@pytest.mark.parametrize("said_at", ["2026-02-21T20:00:00-05:00", "2026-02-21T23:59:00-10:00"])
def test_a_yes_of_that_evening_is_one_from_before_wherever_it_was_said(said_at: str) -> None:
    utc = parse(said_at).astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
    state, _ = play([replace(stated("opt_in", 0), given_at=utc, accepted_at=utc)])
    listed = replace(gone(0), at=end_of("2026-02-21"))
    assert consented(play([listed], state)[0], [SMS]) is None
    # The list is not asked for before: it may not be whole.
    assert today(utc) <= date(2026, 2, 21)
    assert today("2026-02-22T12:00:00.000Z") == date(2026, 2, 22)


def test_who_is_not_known_is_not_marked() -> None:
    assert play([gone(1000)]) == (None, [])


_SAID = st.sampled_from(
    [
        *(wrote("STOP", second, f"SMno{second}") for second in (0, 900, 2000)),
        *(wrote("START", second, f"SMyes{second}") for second in (300, 1500, 3000)),
        *(gone(second) for second in (500, 1000, 2500)),
    ]
)


@given(st.data(), st.lists(_SAID, min_size=1, max_size=9))
def test_any_order_gives_the_same_and_the_evidence_alone_too(data: st.DataObject, facts: list[Any]) -> None:
    # Somebody is known before the first list.
    first = wrote("STOP", -500, "SMfirst")
    state, told = play([first, *facts])
    again, _ = play([first, *data.draw(st.permutations(facts))])
    assert state == again
    last = max((one.at for one in facts if isinstance(one, NumberDeactivated)), default="")
    said = [one for one in (first, *facts) if isinstance(one, InboundReceived)]
    yeses = [one for one in said if one.body == "START" and one.received_at > last]
    noes = [one.received_at for one in said if one.body == "STOP"]
    left = [no for no in noes if not any(yes.received_at > no for yes in yeses)]
    assert (SMS in suppressed(state)) == bool(left)
    recalled: Standing | None = None
    for one in told:
        if isinstance(one, Evidence):
            recalled = recall(recalled, one)
    assert recalled == state
    assert (version(state) != version(play([first])[0])) or facts == [first]


def test_one_record_is_an_event_for_each_contact() -> None:
    record = NumbersDeactivated(
        event_id="e",
        key="|every-0",
        tenant="acme",
        date="2026-02-21",
        at="2026-02-21T23:59:59.999Z",
        contacts=["acme|a", "acme|b"],
    )
    assert [one.contact for one in parts(record)] == record.contacts
    assert list(parts(wrote("STOP"))) == [wrote("STOP")]


def test_a_day_is_noted_and_its_parts_have_the_same_ids_when_it_is_read_again() -> None:
    part = PartRead(tenant="acme", date="2026-02-21", key="|every-0", number=0, contacts=("acme|a",))
    state, told = fold(None, part)
    assert state is None
    assert fold(None, part)[1] == told
    done, none = fold(None, ListRead(tenant="acme", date="2026-02-21"))
    assert (done, none) == (Deactivated("acme", "2026-02-21"), ())
    assert fold(done, ListRead(tenant="acme", date="2026-02-20"))[0] == done


@pytest.mark.parametrize(
    ("through", "wanted"),
    [
        (None, ["2026-02-21"]),
        ("2026-02-21", []),
        ("2026-02-19", ["2026-02-20", "2026-02-21"]),
        ("2026-01-01", [f"2026-02-{day}" for day in range(15, 22)]),
    ],
)
def test_the_days_that_are_due(through: str | None, wanted: list[str]) -> None:
    state = Deactivated("acme", through) if through else None
    assert [one.isoformat() for one in due(state, date(2026, 2, 22))] == wanted


@pytest.mark.parametrize(
    ("line", "number"),
    [
        (b"14155550123\r", "+14155550123"),
        (b"+14155550123", "+14155550123"),
        (b"4155550123", "+14155550123"),
        (b"4915112345678", None),
        (b"phone_number", None),
        (b"\xff", None),
        (b"24155550123", None),
    ],
)
def test_lines_of_the_list(line: bytes, number: str | None) -> None:
    assert phone(line) == number
