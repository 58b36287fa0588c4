"""Which message a rule is for, and what stands at its places."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.domain.consent.keywords import LONGEST, normalise
from services.domain.messages.keyword_rules import Rule, match, pattern, places_of

AT = "2026-11-28T10:00:00.000Z"


@pytest.mark.parametrize(
    ("says", "body", "values"),
    [
        ("STATUS {id}", "STATUS 17", {"id": "17"}),
        ("STATUS {id}", "  status:  #17. ", {"id": "17"}),
        ("STATUS {id}", "Status\n17", {"id": "17"}),
        ("STATUS {id}", "ｓｔａｔｕｓ 17", {"id": "17"}),
        ("STATUS {id}", "STATUS", None),
        ("STATUS {id}", "STATUS !", None),
        ("STATUS {id}", "STATUS 17 now", None),
        ("STATUS {id}", "what is the STATUS 17", None),
        ("STATUS {id}", "STATUS17", None),
        ("ACK {id} {text*}", "ack 17 on my way", {"id": "17", "text": "on my way"}),
        ("ACK {id} {text*}", "ack 17", None),
        ("ACK {id} {text*}", "ack 17 …", {"id": "17", "text": "…"}),
        ("ACK {id} FROM {who}", "ack 17 from ann", {"id": "17", "who": "ann"}),
        ("ACK {id} FROM {who}", "ack 17 to ann", None),
        ("ON CALL", "On-call!", {}),
        ("ON CALL", "oncall", {}),
        ("ON CALL", "who is on call", None),
        ("रोकें", "रोकें।", {}),
        ("STATUS {id}", "STATUS {id}", {"id": "{id}"}),
        ("STATUS {id}", "STATUS %s" % ("1" * LONGEST), None),
    ],
)
def test_a_pattern_is_for_whole_messages(says: str, body: str, values: dict[str, str] | None) -> None:
    found = match([Rule("it", (pattern(says),))], body, "+14155550100", "sms", AT)
    assert (None if found is None else dict(found.values)) == values


def test_the_first_rule_counts_that_fits_and_holds() -> None:
    rules = [
        Rule("elsewhere", (pattern("HELP"),), senders=frozenset({"+14155550199"})),
        Rule("first", (pattern("INFO"), pattern("HELP"))),
        Rule("second", (pattern("HELP"),)),
    ]
    found = match(rules, "help", "+14155550100", "sms", AT)
    assert found is not None
    assert found.rule.name == "first"


def test_an_answer_says_what_was_written_and_is_no_format_itself() -> None:
    rule = Rule("it", (pattern("STATUS {id}"),), reply="{id} is {{open}}")
    found = match([rule], "status {other}", "+14155550100", "sms", AT)
    assert found is not None
    assert found.reply == "{other} is {open}"


@given(st.text(max_size=120))
def test_any_message_is_matched_or_not(body: str) -> None:
    rules = [Rule("it", (pattern("STATUS {id}"), pattern("SAY {text*}"), pattern("HELP")), reply="ok")]
    found = match(rules, body, "+14155550100", "sms", AT)
    if found is not None:
        assert found.reply == "ok"
        assert all(found.values.values())


@given(st.text(max_size=60))
def test_a_pattern_is_refused_or_matches_itself_where_it_has_no_place(text: str) -> None:
    try:
        made = pattern(text)
    except ValueError:
        return
    assert made.names or made.match(text, normalise(text)) == {}


@given(st.text(alphabet="{}ab!:.[]0", max_size=12))
def test_a_reply_is_refused_or_can_be_filled(text: str) -> None:
    try:
        names = places_of(text)
    except ValueError:
        return
    assert isinstance(text.format_map(dict.fromkeys(names, "x")), str)
