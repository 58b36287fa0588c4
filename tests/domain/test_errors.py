"""What is known of Twilio's error codes."""

import re
from collections import Counter
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services import simulator
from services.domain import errors
from services.domain.errors import CATALOGUE, NO_CODE, UNKNOWN, explain
from tests.domain.referenced_codes import NAMED


@pytest.mark.parametrize("code", NAMED)
def test_every_code_that_the_documents_name_is_explained(code: int) -> None:
    assert explain(code) is not UNKNOWN


def test_every_code_that_the_simulator_answers_is_explained() -> None:
    source = "".join(path.read_text() for path in Path(simulator.__path__[0]).rglob("*.py"))
    codes = {int(code) for code in re.findall(r"(?<![\d.])(?:2[01]|30|35|63)\d{3}(?![\d.])", source)}
    assert {21211, 21610, 30003, 63016} <= codes
    assert codes <= set(CATALOGUE)


@pytest.mark.parametrize(
    ("code", "category"),
    [
        (20003, "auth"),
        (20429, "rate_limit"),
        (21211, "recipient"),
        (21610, "opted_out"),
        (30003, "unreachable"),
        (30007, "filtered"),
        (30032, "registration"),
        (63016, "window"),
        (63018, "rate_limit"),
    ],
)
def test_what_others_act_on(code: int, category: str) -> None:
    assert explain(code).category == category


@pytest.mark.parametrize(
    ("code", "fault"),
    [
        (21609, "house"),
        (20003, "account"),
        (30002, "account"),
        (21703, "sender"),
        (63007, "sender"),
        (20404, "command"),
        (21606, "sender"),
        (30034, "sender"),
        (63041, "template"),
        (21610, "command"),
        (None, "command"),
    ],
)
def test_whose_fault_it_is(code: int | None, fault: str) -> None:
    assert explain(code).fault == fault


@pytest.mark.parametrize(
    ("code", "tells"),
    [
        (21610, "opted_out"),
        (30630, "opted_out"),
        (63014, "opted_out"),
        (63033, "opted_out"),
        (63032, None),
        (63016, "window_closed"),
        (63049, "marketing_capped"),
        (30003, "out_of_reach"),
        (30046, "out_of_reach"),
        (30005, "unreachable"),
        (30006, "landline"),
        (21614, "landline"),
        (30011, "no_mms"),
        (63024, "unreachable"),
        (30007, None),
        (21609, None),
        (None, None),
    ],
)
def test_what_a_code_says_of_the_person(code: int | None, tells: str | None) -> None:
    assert explain(code).tells == tells


def test_only_these_say_that_a_person_opted_out() -> None:
    # Suppression rests on it: 63032 (an experiment of Meta's) and 30004 (a carrier's block, too) are no opt-outs.
    assert {code for code, info in CATALOGUE.items() if info.tells == "opted_out"} == {21610, 30630, 63014, 63033}


def test_meta_withholds_marketing_for_ever_in_the_us_and_for_a_while_elsewhere() -> None:
    remedy = explain(63049).remedy
    assert all(part in remedy for part in ("US number", "another channel", "never", "later", "growing gaps"))


def test_a_toll_free_number_is_to_be_verified() -> None:
    assert "Verify the toll-free number" in explain(30032).remedy


@given(st.integers() | st.none())
def test_explain_is_total(code: int | None) -> None:
    assert code in CATALOGUE or explain(code) is (UNKNOWN if code is not None else NO_CODE)


@pytest.mark.parametrize(
    ("code", "then", "holds"),
    [
        (20429, "waits", None),
        (21611, "waits", None),
        (20003, "waits_for_mending", "account"),
        (21609, "waits_for_mending", "house"),
        (21606, "waits_for_mending", "sender"),
        (63041, "ends", "template"),
        (21610, "ends", None),
        (63016, "ends", None),
        (30047, "ends", None),
        (99999, "ends", None),
        (None, "ends", None),
    ],
)
def test_what_becomes_of_a_refused_call(code: int | None, then: str, holds: str | None) -> None:
    info = explain(code)
    assert (info.then, info.holds) == (then, holds)


def test_what_waits_for_mending_says_for_whom() -> None:
    for code, info in CATALOGUE.items():
        assert (info.then == "waits_for_mending") == (info.holds in ("house", "account", "sender")), code
        # What the end of a message may hold is no matter of our own house: it was sent.
        assert not info.by_callback or info.holds in ("account", "sender"), code


def test_the_ends_of_messages_that_hold_more_than_their_own() -> None:
    held = {code: info.holds for code, info in CATALOGUE.items() if info.by_callback}
    assert {code for code, holds in held.items() if holds == "account"} == {30002, 30037}
    assert {30032, 30033, 30034, 30035, 63112} <= {code for code, holds in held.items() if holds == "sender"}


def test_only_a_refusal_for_being_too_fast_is_worth_repeating() -> None:
    assert {code for code, info in CATALOGUE.items() if info.retryable} == {20429, 21611}
    assert not UNKNOWN.retryable


def test_each_remedy_is_a_sentence_that_says_what_to_do() -> None:
    for code, info in CATALOGUE.items():
        assert info.remedy.endswith("."), code
        assert 20 < len(info.remedy) < 260, code


def test_no_code_stands_in_two_tables() -> None:
    assert max(Counter(code for table in errors.TABLES for code in table).values()) == 1
