"""The frozen table of spellings: who is moved, onto whom, and that nobody else is."""

import hashlib
from datetime import date

import phonenumbers
import pytest
from hypothesis import given
from hypothesis import strategies as st
from phonenumbers import PhoneNumberFormat, PhoneNumberType

from services.checker.addresses import person
from services.domain.aliases import ALIAS_VERSION, ALIASES, one_spelling
from services.simulator.people import usual

REGIONS = sorted(phonenumbers.SUPPORTED_REGIONS)
# Brazil, Mexico and Argentina write one person in two ways to this day; the others have a form that is gone.
_BOTH_LIVE = {"BR", "MX", "AR"}


@pytest.mark.parametrize(
    ("old", "ours"),
    [
        ("+551187654321", "+5511987654321"),
        ("+5215512345678", "+525512345678"),
        ("+5491123456789", "+541123456789"),
        ("+5492664123456", "+542664123456"),
        # Ivory Coast: Moov, MTN, Orange; mobiles, then fixed lines.
        ("+22501234567", "+2250101234567"),
        ("+22573234567", "+2250173234567"),
        ("+22505234567", "+2250505234567"),
        ("+22596234567", "+2250596234567"),
        ("+22507123456", "+2250707123456"),
        ("+22598123456", "+2250798123456"),
        ("+22520812345", "+2252120812345"),
        ("+22536012345", "+2252536012345"),
        ("+22520301234", "+2252720301234"),
        ("+22534712345", "+2252734712345"),
        # Benin: mobiles and fixed lines alike.
        ("+22961000000", "+2290161000000"),
        ("+22921300000", "+2290121300000"),
        ("+23777123456", "+237677123456"),
        ("+23799123456", "+237699123456"),
        ("+841621234567", "+84321234567"),
        ("+841201234567", "+84701234567"),
        ("+841991234567", "+84591234567"),
    ],
)
def test_the_old_form_is_the_person_of_the_new_one(old: str, ours: str) -> None:
    assert one_spelling(old) == one_spelling(ours) == ours
    assert phonenumbers.is_valid_number(phonenumbers.parse(ours)), "the form that is ours is today's"
    # Learnt apart from us, by who plays Twilio and by who looks at us.
    assert usual(old) == ours
    assert person(old) == person(ours) == ours


@pytest.mark.parametrize(
    "phone",
    [
        "+2250707123456",
        "+2252720301234",
        # Ten digits that begin with 01 are new ones.
        "+2290161000000",
        # Eight that do are somebody's slip.
        "+22901610000",
        # An Ivorian operator that was gone by then, and one of which sources differ.
        "+22560123456",
        "+22569123456",
        "+22536812345",
        # Services kept their eight digits.
        "+22580012345",
        "+22990012",
        "+52155123456789",
        "+52155123456",
        "+549112345678",
        "+551134567890",
        "+23722123456",
        "+23788012345",
        "+237677123456",
        # Gabon's old form is valid to this day, as far as libphonenumber knows.
        "+24107123456",
        "+84912345678",
        "+841800123456",
        "+8419001234567",
        "+1410720330123",
    ],
)
def test_what_is_no_old_form_stays(phone: str) -> None:
    assert one_spelling(phone) == phone == person(phone)


@given(st.from_regex(r"\+(?:55|52|521|54|549|225|229|237|84|841)?[0-9]{1,12}", fullmatch=True))
def test_twice_is_once_and_all_three_agree(phone: str) -> None:
    once = one_spelling(phone)
    assert one_spelling(once) == once
    if 8 <= len(phone) <= 16:
        assert person(phone) == once


@pytest.mark.parametrize("region", REGIONS)
def test_no_number_of_today_is_moved_but_onto_itself(region: str) -> None:
    """Of every country and kind: what libphonenumber calls valid is where it was, or another spelling of the same."""
    for kind in PhoneNumberType.values():
        example = phonenumbers.example_number_for_type(region, kind)
        if example is None or not phonenumbers.is_valid_number(example):
            continue
        phone = phonenumbers.format_number(example, PhoneNumberFormat.E164)
        moved = one_spelling(phone)
        if moved != phone:
            assert region in _BOTH_LIVE, phone
            assert phonenumbers.is_valid_number(phonenumbers.parse(moved)), phone


@given(st.sampled_from([alias for alias in ALIASES if alias.country not in _BOTH_LIVE]), st.data())
def test_an_old_form_can_be_nobodys_number_today(alias: object, data: st.DataObject) -> None:
    old = data.draw(st.from_regex(alias.old, fullmatch=True))  # type: ignore[attr-defined]
    assert not phonenumbers.is_valid_number(phonenumbers.parse(old))
    assert phonenumbers.is_possible_number(phonenumbers.parse(one_spelling(old)))


def test_no_number_has_two_rows() -> None:
    for alias in ALIASES:
        assert alias.since <= date.today().isoformat()
        assert not [other for other in ALIASES if other is not alias and other.old.pattern == alias.old.pattern]


def test_the_table_is_frozen() -> None:
    """If this fails, people have new keys: raise ALIAS_VERSION, and write the migration."""
    rows = "\n".join(f"{alias.old.pattern} {alias.ours}" for alias in ALIASES)
    assert (ALIAS_VERSION, hashlib.sha256(rows.encode()).hexdigest()[:16]) == (2, "0592279ca5db6783")
