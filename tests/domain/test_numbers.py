"""Whether a number can be reached: the same whatever the order, and what an oracle says that shares nothing with it."""

from typing import Any

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st
from msgspec.structs import replace

from services.domain.consent.deactivations import NumberDeactivated
from services.domain.due import Due
from services.domain.messages.number import Number, NumberStated, due, in_order, unreachable
from services.domain.messages.numbers import MOST_AWAY, MOST_OTHERS, fold
from services.domain.reachability import STANDARD, RestRule, standing
from tests.domain import numbers_oracle as oracle
from tests.domain.numbers_oracle import CONTACT, Fact, at, ended, looked_up, wrote

HOURS = [0, 0.2, 0.9, 1, 23, 24, 24 * 7, 24 * 7 + 1, 24 * 13, 24 * 14, 24 * 15]
CHANNELS = ["sms", "sms", "mms", "whatsapp", "rcs"]
CODES = [30003, 30005, 30046, 30006, 21614, 30011, 63024, 30007, 21610]
AWAY = {30003, 30005, 30046, 63024}
RULES = [RestRule(), RestRule(1, 1, 1, 1), RestRule(2, 30, 3, 10), RestRule(3, 1 / 24, 7, 180)]


@st.composite
def histories(draw: st.DrawFn) -> list[Fact]:
    """Messages by several channels: ends, some of them told again, and what the person writes."""
    found: list[Fact] = []
    for number in range(draw(st.integers(1, 9))):
        hour, channel = draw(st.sampled_from(HOURS)), draw(st.sampled_from(CHANNELS))
        match draw(st.sampled_from(["failed", "failed", "failed", "again", "overruled", "delivered", "wrote", "line"])):
            case "line":
                found.append(looked_up(hour, draw(st.sampled_from(["landline", "mobile", None]))))
            case "wrote":
                found.append(wrote(hour, f"SMin{number}", channel if channel != "rcs" else "sms"))
            case "delivered":
                found.append(ended(hour, f"SM{number}", channel))
            case "overruled":
                # It arrived, which was heard before its failure was folded.
                found.append(ended(hour + 0.1, f"SM{number}", channel, draw(st.sampled_from(CODES))))
                found.append(ended(hour, f"SM{number}", channel, overruled_at=at(hour + 0.1)))
            case kind:
                found.append(ended(hour, f"SM{number}", channel, draw(st.sampled_from(CODES))))
                if kind == "again":
                    found.append(ended(hour + 0.5, f"SM{number}", channel, draw(st.sampled_from(CODES))))
    return found


def play(facts: list[Fact], state: Number | None = None) -> tuple[Number | None, list[NumberStated]]:
    told: list[NumberStated] = []
    for fact in facts:
        state, derived = fold(state, fact)
        told += derived
    return state, told


def plain(state: Number | None) -> list[tuple[str, str, int]]:
    return sorted((one.at, one.channel, one.code) for one in state.failures.values()) if state else []


@given(st.data(), histories())
def test_any_order_and_repetition_gives_the_same_and_the_oracle_says_so(data: st.DataObject, facts: list[Fact]) -> None:
    again = data.draw(st.permutations(facts + data.draw(st.lists(st.sampled_from(facts), max_size=5))))
    # Of what says that a number takes no texts the row keeps the latest four, which the oracle does not know.
    assume(sum(code not in AWAY for _, _, code in oracle.left(facts)) <= MOST_OTHERS)
    state, other = play(facts)[0], play(again)[0]
    # A row of nothing that counts is the same as none.
    assert plain(state) == plain(other) == oracle.left(facts)
    assert (state.arrived if state else {}) == (other.arrived if other else {})
    assert (state.line if state else None) == (other.line if other else None)
    alone = unreachable(state).get("sms")
    assert oracle.landline(facts) is None or (alone is not None and alone.why in ("landline", "failures"))
    if state and not state.failures:
        assert (alone.last_at if alone else None) == oracle.landline(facts)


@given(histories(), st.sampled_from(RULES))
def test_who_is_left_alone_is_whom_the_oracle_leaves_alone(facts: list[Fact], rule: RestRule) -> None:
    state, _ = play(facts)
    for channel in ("sms", "mms", "whatsapp", "rcs"):
        # What Lookup says is asked of apart.
        found = standing(state.failures.values(), channel, rule) if state else None
        expected = oracle.alone(oracle.left(facts), channel, rule)
        assert (found.until if found else None) == (expected.until if expected else None)


@given(histories())
def test_the_last_word_states_the_whole_and_no_id_comes_twice(facts: list[Fact]) -> None:
    state, told = play(facts)
    assert len({one.event_id for one in told}) == len(told)
    last = told[-1] if told else None
    assert (last.failures if last else []) == (in_order(state) if state else [])
    assert (last.unreachable if last else {}) == unreachable(state)
    assert play(facts, state) == (state, [])


@given(histories())
def test_in_the_end_nothing_is_kept(facts: list[Fact]) -> None:
    state, told = play(facts)
    while state is not None:
        moment = due(state)
        assert moment is not None
        before = state
        state, derived = fold(state, Due(key=CONTACT, at=moment))
        assert state != before
        told += derived
    assert not told or told[-1].failures == []


def test_three_failures_in_a_fortnight_rest_the_number_for_a_week_and_a_fourth_for_another() -> None:
    facts = [ended(day * 24, f"SM{day}", "sms", code) for day, code in ((0, 30003), (1, 30005), (2, 30003))]
    assert unreachable(play(facts[:2])[0]) == {}
    found = unreachable(play([*facts])[0])
    assert set(found) == {"sms", "mms"}
    assert (found["sms"].until, found["sms"].codes, found["sms"].failures) == (at(9 * 24), [30003, 30005], 3)
    again = unreachable(play([*facts, ended(9 * 24, "SM9", "sms", 30003)])[0])
    assert again["sms"].until == at(16 * 24)


def test_what_lookup_calls_a_landline_is_left_alone_by_text_until_something_arrives_there() -> None:
    state, told = play([looked_up(0)])
    assert {channel: (one.why, one.until) for channel, one in unreachable(state).items()} == dict.fromkeys(
        ("mms", "sms"), ("landline", at(180 * 24))
    )
    assert (told[-1].line, told[-1].failures) == (looked_up(0).line, [])
    # By WhatsApp a landline can be anybody.
    state, _ = play([wrote(1, "SMin", "whatsapp")], state)
    assert set(unreachable(state)) == {"sms", "mms"}
    # A landline may be enabled for texts, and that is forgotten no sooner than what Lookup said.
    state, told = play([ended(2, "SM1", "sms")], state)
    assert (unreachable(state), told[-1].unreachable) == ({}, {})
    state, _ = fold(state, Due(key=CONTACT, at=at(24 * 40)))
    assert state is not None
    assert (state.arrived, unreachable(state), state.line is not None) == ({}, {}, True)
    # Asked anew it is a landline again; what it cannot tell is no landline.
    assert set(unreachable(play([looked_up(24 * 50)], state)[0])) == {"sms", "mms"}
    assert unreachable(play([looked_up(24 * 50, None)], state)[0]) == {}


def test_a_number_that_was_taken_back_is_somebody_elses_until_they_write() -> None:
    end = "2026-02-02T23:59:59.999Z"
    gone = NumberDeactivated(event_id="list", tenant="acme", contact=CONTACT, date="2026-02-02", at=end)
    # Nobody is known there: nothing is kept of it.
    assert play([gone])[0] is None
    before, after = wrote(1, "SM1", "sms"), wrote(48, "SM2", "sms")
    for facts in ([before, gone], [before, gone, gone], [before, gone, ended(49, "SM3", "sms")]):
        state, told = play(facts)
        assert {one.why for one in unreachable(state).values()} == {"deactivated"}
        assert {"sms", "mms", "whatsapp", "rcs"} == set(unreachable(state))
        assert told[-1].deactivated_at == end
    # Whoever has it now has written: in whatever order that is heard, and by whatever channel.
    for facts in ([before, gone, after], [before, after, gone], [wrote(48, "SM2", "whatsapp"), gone]):
        assert unreachable(play(facts)[0]) == {}
    state, _ = play([before, gone])
    while state is not None:
        moment = due(state)
        assert moment is not None
        state, told = fold(state, Due(key=CONTACT, at=moment))
    assert told[-1].deactivated_at is None


def test_ten_messages_to_a_phone_that_is_off_for_an_hour_are_one_failure() -> None:
    assert unreachable(play([ended(number / 20, f"SM{number}", "sms", 30003) for number in range(10)])[0]) == {}


@pytest.mark.parametrize("proof", [ended(49, "SM9", "sms"), ended(49, "MM9", "mms"), wrote(49, "SMin", "sms")])
def test_what_arrives_or_a_word_of_theirs_ends_it(proof: Fact) -> None:
    failed: list[Fact] = [ended(day * 24, f"SM{day}", "sms", 30003) for day in range(3)]
    state, told = play([*failed, proof])
    assert (unreachable(state), told[-1].failures, told[-1].unreachable) == ({}, [], {})
    # As a word by another channel does not.
    assert unreachable(play([*failed, wrote(49, "SMin", "whatsapp")])[0])["sms"].why == "failures"


def test_a_landline_is_left_alone_at_once_and_for_long_and_only_by_text() -> None:
    found = unreachable(play([ended(0, "SM1", "sms", 30006)])[0])
    assert {channel: (one.why, one.until) for channel, one in found.items()} == {
        "sms": ("landline", at(180 * 24)), "mms": ("landline", at(180 * 24)),
    }  # fmt: skip
    assert play([ended(0, "SM1", "whatsapp", 30006)]) == (None, [])


def test_what_takes_no_mms_may_take_sms_and_an_sms_that_arrives_says_nothing_of_mms() -> None:
    refused = ended(0, "", "mms", 21614, status="failed")
    found = unreachable(play([refused, ended(1, "SM1", "sms")])[0])
    assert {channel: one.why for channel, one in found.items()} == {"mms": "no_mms"}
    assert unreachable(play([refused, ended(1, "MM1", "mms")])[0]) == {}


def test_an_older_fact_names_no_channel_and_has_one_all_the_same() -> None:
    for sid, sender, channel in (("SM1", "+1415", "sms"), ("MM1", "+1415", "mms"), ("SM1", "whatsapp:+1", "whatsapp")):
        state, _ = play([replace(ended(0, sid, "sms", 30003, sender=sender), channel=None)])
        assert state is not None
        assert [one.channel for one in state.failures.values()] == [channel]


def test_a_thousand_failures_make_no_row_without_end() -> None:
    state, _ = play([ended(number, f"SM{number}", "sms", 30003) for number in range(1000)])
    assert state is not None
    assert [one.message_sid for one in in_order(state)] == [f"SM{number}" for number in range(1000 - MOST_AWAY, 1000)]


def test_the_rule_may_be_the_tenants_own() -> None:
    state, _ = play([ended(0, "SM1", "sms", 30003), ended(30, "SM2", "whatsapp", 63024)])
    own: Any = {"whatsapp": RestRule(failures=1, rest_days=1)}
    assert list(unreachable(state, own)) == ["whatsapp"]
    assert unreachable(state, {"whatsapp": RestRule(failures=1, rest_days=0)})["whatsapp"].until == at(30)
    assert STANDARD.failures == 3
