"""Whom a staging tenant may reach: those whom its settings name, in whatever spelling, and nobody who is like them."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.domain.messages.recipients import EVERYBODY, recipients, wrong_pattern


@pytest.mark.parametrize(
    ("patterns", "to", "allowed"),
    [
        (["+14155550123"], "+14155550123", True),
        (["+14155550123"], "whatsapp:+14155550123", True),
        (["whatsapp:+14155550123"], "+14155550123", True),
        (["+14155550123"], "+14155550124", False),
        (["+1415555012"], "+14155550123", False),
        (["+14155550123"], "+141555501234", False),
        (["+1415555*"], "+14155550123", True),
        (["+1415555*"], "whatsapp:+14155550123", True),
        (["+1415555*"], "+14156550123", False),
        (["+1415555*"], "+441415555012", False),
        (["US.1349120"], "whatsapp:US.1349120", True),
        (["US.1349120"], "whatsapp:US.13491201", False),
        (["US.*"], "whatsapp:US.1349120", True),
        (["US.*"], "whatsapp:BR.1349120", False),
        (["+1*"], "whatsapp:US.1349120", False),
        # One person's spellings.
        (["+5215512345678"], "+525512345678", True),
        (["+525512345678"], "whatsapp:+5215512345678", True),
        (["+52*"], "whatsapp:+5215512345678", True),
        (["+521*"], "whatsapp:+5215512345678", True),
        (["+14155550123", "+44*"], "+447700900123", True),
        ([], "+14155550123", False),
        ([], "whatsapp:US.1349120", False),
        ([], "", False),
    ],
)
def test_only_those_whom_the_setting_names(patterns: list[str], to: str, allowed: bool) -> None:
    assert recipients(patterns).allow(to) is allowed


@given(st.text())
def test_without_the_setting_everybody_is_reached_and_with_an_empty_one_nobody(to: str) -> None:
    assert EVERYBODY.allow(to)
    assert not recipients([]).allow(to)


@pytest.mark.parametrize(
    "pattern",
    ["+14155550123", "whatsapp:+14155550123", "+1*", "+1415555*", "US.1349", "US.*", "whatsapp:US.*", "+5215512345678"],
)
def test_an_entry_that_can_be_read(pattern: str) -> None:
    assert wrong_pattern(pattern) is None


@pytest.mark.parametrize(
    ("pattern", "words"),
    [
        ("", "E.164"),
        ("*", "E.164"),
        ("+*", "E.164"),
        ("14155550123", "E.164"),
        ("+1415555", "write +1415555*"),
        ("+1415555012", "write +1415555012*"),
        ("+1 415 555 0123", "E.164"),
        ("+1*5", "E.164"),
        ("ann@example.com", "E.164"),
        ("MG" + "d" * 32, "E.164"),
    ],
)
def test_an_entry_that_would_be_misread_says_what_to_write(pattern: str, words: str) -> None:
    assert words in (wrong_pattern(pattern) or "")
