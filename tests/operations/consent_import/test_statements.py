"""Rows into statements: what a file of strangers says, and what must never come of it."""

from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.operations.consent_import.statements import FIELDS, Asked, Faulty, Statement, read
from services.operations.consent_import.table import Row

NOW = "2026-11-28T12:00:00.000Z"
ASKED = Asked("acme", b"a secret", {field: field for field in FIELDS}, NOW, action="opt_out", source="the old CRM")


def one(asked: Asked = ASKED, **cells: str) -> Statement | Faulty:
    return read(Row(7, {"address": "+14155550123", **cells}), asked)


def statement(asked: Asked = ASKED, **cells: str) -> Statement:
    found = one(asked, **cells)
    assert isinstance(found, Statement), found
    return found


def faults(asked: Asked = ASKED, **cells: str) -> str:
    found = one(asked, **cells)
    assert isinstance(found, Faulty), found
    assert found.number == 7
    return "; ".join(found.faults)


def test_a_row_is_a_public_command_that_intake_takes() -> None:
    found = statement(given_at="2025-03-04T10:00:00+01:00", proof="box ticked", ip="192.0.2.7", sender="+14155550100")
    command = found.command
    assert (command.action, command.address, command.source) == ("opt_out", "+14155550123", "the old CRM")
    assert (command.given_at, command.proof, command.ip) == ("2025-03-04T09:00:00.000Z", "box ticked", "192.0.2.7")
    assert found.accepted.scope == "sender:+14155550100"
    assert found.accepted.given_at == command.given_at


def test_the_same_row_is_the_same_command_and_another_is_another() -> None:
    assert statement().command == statement().command
    others = (
        statement(address="+14155550124"),
        statement(action="opt_in", given_at="2025-01-01T00:00:00Z"),
        statement(given_at="2025-01-01T00:00:00Z"),
        statement(proof="a letter"),
    )
    assert len({found.command.command_id for found in (statement(), *others)}) == 5
    assert statement(ASKED._replace(tenant="globex")).command.command_id != statement().command.command_id


def test_a_yes_without_its_date_would_lift_a_later_no() -> None:
    assert "given_at: missing" in faults(action="opt_in")
    assert statement().command.given_at is None, "a no counts from when it is recorded"


@pytest.mark.parametrize(
    ("action", "given_at"),
    [("opt_in", "2025-03-03T23:00:00.000Z"), ("opt_out", "2025-03-04T22:59:59.999Z")],
)
def test_of_a_day_a_yes_counts_from_its_beginning_and_a_no_from_its_end(action: str, given_at: str) -> None:
    berlin = ASKED._replace(zone=ZoneInfo("Europe/Berlin"))
    assert statement(berlin, action=action, given_at="2025-03-04").command.given_at == given_at


def test_times_without_a_zone_or_in_the_future_are_named() -> None:
    assert "--timezone" in faults(given_at="2025-03-04 10:00:00")
    assert "--timezone" in faults(given_at="2025-03-04")
    assert "future" in faults(given_at="2027-03-04T10:00:00Z")
    assert "ISO 8601" in faults(given_at="4.3.2025")
    today = statement(ASKED._replace(zone=ZoneInfo("UTC")), given_at="2026-11-28")
    assert today.command.given_at == NOW, "the end of today has not come"


def test_a_number_that_lost_its_plus_is_never_guessed_to_be_another_countrys() -> None:
    """Read with a plus in front, 4155550123 would be somebody in Switzerland."""
    assert "--region" in faults(address="4155550123")
    american = ASKED._replace(region="US")
    for spelling in ("4155550123", "14155550123", "(415) 555-0123"):
        assert statement(american, address=spelling).command.address == "+14155550123"
    assert "no number of US" in faults(american, address="41555501")
    assert "phone number" in faults(american, address="#")


def test_what_spreadsheets_make_of_numbers_is_refused() -> None:
    for address in ("1.41556E+10", "#N/A", "", "n/a"):
        found = one(address=address) if address else read(Row(7, {}), ASKED)
        assert isinstance(found, Faulty), address


def test_other_addresses_are_as_intake_takes_them() -> None:
    assert statement(address="whatsapp:+14155550123").accepted.contact == statement().accepted.contact
    assert statement(address="US.13491208655302741918").command.address == "US.13491208655302741918"
    assert "action" in faults(ASKED._replace(action=None))
    assert "action" in faults(action="unsubscribed")
    assert "sender" in faults(sender="whatsapp:nobody")


@given(st.dictionaries(st.sampled_from(FIELDS), st.text(min_size=1), max_size=len(FIELDS)))
def test_any_row_is_a_statement_or_its_faults(cells: dict[str, str]) -> None:
    found = read(Row(1, cells), ASKED)
    if isinstance(found, Faulty):
        assert found.faults
    else:
        assert found.accepted.given_at <= NOW
