"""What countries ask of messages: the file with its sources, and what follows from a row."""

import re
from datetime import date, time
from typing import Any

import pytest

from services.domain.compliance.countries import CountryRules, Going, found_by_country, refuses_name, rules_for
from services.runtime.country_rows import ROWS, read
from services.runtime.intake_rules import country_rows
from services.runtime.tenants.sections.compliance import ComplianceSettings

US, CANADA, UNKNOWN, BAHAMAS = "+12125550123", "+14165550123", "+19995550199", "+12423591234"
UK, SINGAPORE, GERMANY, INDIA = "+447700900123", "+6581234567", "+4915123456789", "+919812345678"


def kinds(rows: Any, **going: Any) -> list[tuple[str, bool]]:
    asked = Going(
        **{"sender": "+14155550100", "to": US, "channel": "sms", "purpose": "utility", "agreed": True} | going
    )
    return [(one.kind, one.blocks) for one in found_by_country(rules_for(rows, asked.to), asked, blocks=False)]


def test_each_row_says_where_it_stands_and_when_that_was_read() -> None:
    for code, row in ROWS.items():
        assert re.fullmatch("[A-Z]{2}", code)
        assert row.sources, code
        for where, day in row.sources:
            assert where
            assert date.fromisoformat(day) >= date(2026, 1, 1), code
        assert row != CountryRules(sources=row.sources), f"{code} says nothing"


def test_hours_of_countries_are_hours() -> None:
    found = [row.hours for row in ROWS.values() if row.hours]
    assert len(found) >= 3
    for hours in found:
        assert time.fromisoformat(hours.begins) != time.fromisoformat(hours.ends)
        assert set(hours.days) <= set(range(7))


@pytest.mark.parametrize("odd", ['[US]\nname = "refused"', '[US]\nnames = "maybe"', "[US", '[US]\nhours = "night"'])
def test_a_file_that_says_something_else_is_refused(odd: str) -> None:
    with pytest.raises(ValueError, match=r".+"):
        read(odd)


@pytest.mark.parametrize(
    ("going", "found"),
    [
        ({"sender": "ACME"}, [("sender", True)]),
        ({"sender": "ACME", "to": CANADA}, [("sender", True)]),
        # Nobody knows of which country: the strictest.
        ({"sender": "ACME", "to": UNKNOWN}, [("sender", True)]),
        ({"sender": "ACME", "to": SINGAPORE}, [("sender", False)]),
        ({"sender": "ACME", "to": INDIA}, [("sender", False)]),
        # Of these no row says anything.
        ({"sender": "ACME", "to": GERMANY}, []),
        ({"sender": "ACME", "to": BAHAMAS}, []),
        ({"sender": UK}, [("sender", False)]),
        ({"sender": "+14165550100"}, []),
        ({"to": UK}, [("sender", False)]),
        ({"sender": "12345"}, []),
        ({"sender": None}, []),
        ({"purpose": "marketing", "agreed": False}, [("opt_in", False)]),
        ({"purpose": "marketing"}, []),
        ({"agreed": False}, []),
        ({"channel": "mms"}, []),
        ({"channel": "mms", "to": SINGAPORE}, [("mms", False)]),
    ],
)
def test_what_a_country_asks_for_is_told_and_what_twilio_refuses_is_blocked(going: Any, found: Any) -> None:
    assert kinds(ROWS, **going) == found


def test_a_tenant_sets_rules_in_place_of_the_files() -> None:
    own = {"SG": {"names": "taken"}, "US": {"names": "taken", "opt_in": "nothing"}, "DE": {"names": "refused"}}
    rows = country_rows(ComplianceSettings.model_validate({"countries": own}))
    assert kinds(rows, sender="ACME", to=SINGAPORE) == []
    assert kinds(rows, purpose="marketing", agreed=False) == []
    assert kinds(rows, sender="ACME", to=GERMANY) == [("sender", True)]
    # The rest of the row stays as it is.
    assert rows["US"].stop_text
    assert rows["SG"].two_way is False
    assert country_rows(ComplianceSettings()) == dict(ROWS)


def test_what_is_strictest_of_several_countries_counts() -> None:
    strict = rules_for(ROWS, UNKNOWN)
    assert (strict.names, strict.opt_in, strict.stop_text) == ("refused", "marketing", True)
    assert refuses_name(strict, "ACME")
    assert not refuses_name(strict, "+14155550100")
    assert rules_for(ROWS, "nobody") == CountryRules()
