"""Numbers are read as the library reads them."""

import phonenumbers
import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from phonenumbers import COUNTRY_CODE_TO_REGION_CODE, PhoneNumberType

from services.domain import numbering

_CODES = sorted(COUNTRY_CODE_TO_REGION_CODE)
# Of each country, and of each kind that it has.
_EXAMPLES = [
    phonenumbers.format_number(found, phonenumbers.PhoneNumberFormat.E164)
    for region in sorted(phonenumbers.SUPPORTED_REGIONS)
    for kind in PhoneNumberType.values()
    if (found := phonenumbers.example_number_for_type(region, kind)) is not None
]


def _as_the_library(phone: str) -> None:
    try:
        by_the_library = phonenumbers.parse(phone)
    except phonenumbers.NumberParseException:
        by_the_library = None
    ours = numbering.read(phone)
    assert ours == by_the_library, phone
    if ours is not None:
        assert numbering.region_of(ours) == phonenumbers.region_code_for_number(ours), phone


def test_a_number_of_every_kind_in_every_country() -> None:
    assert len(_EXAMPLES) > 1000
    for phone in _EXAMPLES:
        _as_the_library(phone)


@pytest.mark.parametrize("place", [3, 4, 5, 6, -1])
def test_one_digit_off(place: int) -> None:
    """The neighbours of numbers that exist: another country's, or nobody's."""
    for phone in _EXAMPLES:
        for digit in "0159":
            _as_the_library(f"{phone[:place]}{digit}{phone[place + 1 :] if place >= 0 else ''}")


@given(st.sampled_from(_CODES), st.from_regex(r"[0-9]{4,14}", fullmatch=True))
@example(39, "0612345678")
@example(1, "14155550123")
@example(44, "07400123456")
@example(54, "91123456789")
@example(7, "89123456789")
def test_any_digits_behind_any_calling_code(code: int, national: str) -> None:
    _as_the_library(f"+{code}{national}")


@given(st.one_of(st.from_regex(r"\+?[0-9]{0,17}", fullmatch=True), st.text(max_size=20)))
@example("+٤١٥٥٥٥٠١٢٣")
@example("")
def test_whatever_else_is_said(text: str) -> None:
    _as_the_library(text)
