"""What is made of a Content resource, what is news in a list, and which values a template's placeholders take."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.domain.templates.catalogue import Catalogue
from services.domain.templates.events import TemplateStated
from services.domain.templates.listing import changes, stated
from services.domain.templates.placeholders import faults_of_variables, placeholders

AT, LATER = "2026-11-29T18:00:00.000Z", "2026-11-29T19:00:00.000Z"
SID, OTHER = "HX" + "a" * 32, "HX" + "b" * 32
BODY = "Hello {{1}}, your order {{2}} is on its way"


def resource(sid: str = SID, body: str = BODY, **approval: Any) -> dict[str, Any]:
    return {
        "sid": sid,
        "friendly_name": "Order shipped",
        "language": "en",
        "variables": {"1": "Ada", "2": "4711"},
        "types": {"twilio/text": {"body": body}},
        "approval_requests": {"status": "approved", "name": "shipped", "category": "UTILITY", **approval},
        "date_updated": "2026-11-01T00:00:00+00:00",
    }


def known(*found: TemplateStated) -> dict[str, TemplateStated]:
    return {one.content_sid: one for one in found}


def test_it_has_the_name_that_whatsapp_knows_and_before_that_its_own() -> None:
    one = stated("acme", resource(), AT)
    assert (one.name, one.language, one.state, one.category, one.body) == (
        "shipped", "en", "approved", "UTILITY", BODY,
    )  # fmt: skip
    draft = stated("acme", {**resource(), "approval_requests": {"name": "", "status": "unsubmitted"}}, AT)
    assert (draft.name, draft.state, draft.category) == ("Order shipped", "unsubmitted", None)


def test_of_several_types_the_text_is_that_for_where_nothing_richer_can_be_shown() -> None:
    types = {"twilio/quick-reply": {"body": "Tap one."}, "twilio/text": {"body": "Write yes or no."}}
    assert stated("acme", resource() | {"types": types}, LATER).body == "Write yes or no."
    assert stated("acme", resource() | {"types": {"twilio/quick-reply": types["twilio/quick-reply"]}}, LATER).body


@pytest.mark.parametrize("broken", [{}, {"approval_requests": None, "types": None}, {"types": [1], "sid": None}])
def test_what_lacks_everything_is_stated_as_unsubmitted(broken: dict[str, Any]) -> None:
    assert stated("acme", broken, AT).state == "unsubmitted"


def test_only_what_says_something_else_is_news() -> None:
    one, two = stated("acme", resource(), AT), stated("acme", resource(OTHER), AT)
    assert [(one.kind, one.fact.content_sid) for one in changes({}, [one, two])] == [("new", SID), ("new", OTHER)]
    # Listed again, later and in another order, it is the same.
    again = [stated("acme", resource(OTHER), LATER), stated("acme", resource(), LATER)]
    assert changes(known(one, two), again) == []
    edited = stated("acme", resource(body="Bye {{1}}"), LATER)
    found = changes(known(one, two), [edited])
    assert {(one.kind, one.fact.content_sid) for one in found} == {("changed", SID), ("gone", OTHER)}


@pytest.mark.parametrize("state", ["rejected", "paused", "disabled"])
def test_that_whatsapp_stopped_one_is_told_once(state: str) -> None:
    one, stopped = stated("acme", resource(), AT), stated("acme", resource(status=state), LATER)
    assert [change.kind for change in changes(known(one), [stopped])] == ["stopped"]
    why = stated("acme", resource(status=state, rejection_reason="spam"), LATER)
    assert [change.kind for change in changes(known(stopped), [why])] == ["changed"]
    assert [change.kind for change in changes(known(stopped), [one])] == ["changed"]


@given(st.permutations([resource(), resource(OTHER), resource("HX" + "c" * 32, status="paused")]))
def test_no_order_of_a_list_changes_what_is_news(listed: list[dict[str, Any]]) -> None:
    before = known(stated("acme", resource(status="pending"), AT))
    found = changes(before, [stated("acme", one, AT) for one in listed])
    assert [(one.kind, one.fact.content_sid[2]) for one in found] == [
        ("changed", "a"),
        ("new", "b"),
        ("stopped", "c"),
    ]


RICH = {
    "twilio/card": {
        "title": "{{name}} for {{10}}",
        "media": ["https://cdn.example.com/{{2}}", "{{3}}"],
        "actions": [
            {"type": "URL", "title": "{{1}}", "url": "https://example.com/{{1}}?a=b"},
            {"type": "PHONE_NUMBER", "title": "Call", "phone": "{{4}}"},
            {"type": "COPY_CODE", "title": "Copy", "code": "{{5}}"},
        ],
    },
    "twilio/location": {"latitude": "{{6}}", "longitude": 5.0, "label": "{ {7} } {{}} {{a b}}"},
}
USES = {
    "1": ["text", "url_part"], "2": ["url_part"], "3": ["url"], "4": ["phone"], "5": ["code"], "6": ["number"],
    "10": ["text"], "name": ["text"],
}  # fmt: skip
GOOD = {
    "1": "docs", "2": "a.png", "3": "https://cdn.example.com/a.png", "4": "+14155550123", "5": "A1B2", "6": "-37.7",
    "10": "you", "name": "A card",
}  # fmt: skip


def test_placeholders_are_found_with_what_they_become_wherever_they_stand() -> None:
    found = placeholders(RICH)
    assert (found, list(found)) == (USES, list(USES))
    assert placeholders({"whatsapp/authentication": {"actions": [{"type": "COPY_CODE"}]}}) == {"1": ["code"]}
    assert placeholders({"twilio/text": {"body": "nothing"}}) == {}


def test_good_values_are_good() -> None:
    assert faults_of_variables(placeholders(RICH), GOOD) == []
    assert faults_of_variables({}, {}) == []


@pytest.mark.parametrize(
    ("changed", "words"),
    [
        ({"1": "two words"}, "content_variables.1: it stands within a URL"),
        ({"3": "a.png"}, "content_variables.3: it stands for a whole URL"),
        ({"3": "http://127.0.0.1/a.png"}, "content_variables.3: it stands for a whole URL"),
        ({"4": "0171 555"}, "content_variables.4: it stands for a phone number"),
        ({"5": "A 1"}, "content_variables.5: it stands for a code"),
        ({"6": "north"}, "content_variables.6: it stands for a coordinate"),
        ({"7": "more"}, "content_variables.7: the template has no such placeholder"),
        ({"name": None}, "content_variables.name: missing"),
    ],
)
def test_each_fault_is_a_sentence_that_quotes_no_value(changed: dict[str, str | None], words: str) -> None:
    values = {name: value for name, value in {**GOOD, **changed}.items() if value is not None}
    [fault] = faults_of_variables(placeholders(RICH), values)
    assert fault.startswith(words)
    assert all(value not in fault for value in changed.values() if value and len(value) > 4)


@given(
    st.dictionaries(st.sampled_from(["1", "2", "3"]), st.text(max_size=3)), st.sets(st.sampled_from(["1", "2", "3"]))
)
def test_a_send_fits_when_its_names_are_those_of_the_template(values: dict[str, str], names: set[str]) -> None:
    known = {name: ["text"] for name in names}
    assert (faults_of_variables(known, values) == []) == (set(values) == names)  # type: ignore[arg-type]


def variant(language: str, state: str = "approved", letter: str = "a", **fields: Any) -> TemplateStated:
    made = {**resource("HX" + letter * 32, status=state), "language": language, **fields}
    return stated("acme", made, AT)


def approved(one: TemplateStated) -> bool:
    return one.state == "approved"


ALL = [variant(name, letter=f"{place:x}") for place, name in enumerate(("en", "en_US", "de", "pt_BR", "zh_TW", "es"))]


@pytest.mark.parametrize(
    ("language", "country", "chosen"),
    [
        ("de", "US", "de"),
        ("pt-br", "DE", "pt_BR"),
        ("fr", "FR", None),
        ("de_DE", "DE", None),
        (None, "DE", "de"),
        (None, "BR", "pt_BR"),
        (None, "PT", "en_US"),
        (None, "TW", "zh_TW"),
        (None, "MX", "es"),
        (None, "US", "en_US"),
        (None, "GB", "en"),
        (None, "CH", "de"),
        (None, "JP", "en_US"),
        (None, None, "en_US"),
        (None, "ZZ", "en_US"),
    ],
)
def test_a_language_that_is_named_is_meant_and_else_it_is_the_countrys(
    language: str | None, country: str | None, chosen: str | None
) -> None:
    found = Catalogue(ALL).named("shipped", language, country, approved)
    assert (found.language if found else None) == chosen
    assert Catalogue(ALL).named("other", language, country, approved) is None


def test_a_translation_that_waits_stops_nothing_unless_it_is_named() -> None:
    found = Catalogue([variant("de", "pending"), variant("en", letter="b")])
    assert found.named("shipped", None, "DE", approved) == variant("en", letter="b")
    assert found.named("shipped", "de", "DE", approved) == variant("de", "pending")
    # Where none may go, it is the person's own that is told of.
    stopped = Catalogue([variant("de", "paused"), variant("en", "rejected", "b")])
    assert stopped.named("shipped", None, "DE", approved) == variant("de", "paused")
    assert stopped.languages("shipped") == {"de": "paused", "en": "rejected"}


@given(st.permutations([variant("de", "rejected"), variant("de", letter="b"), variant("de", "paused", "c")]))
def test_of_several_in_one_language_the_one_that_may_go_counts(found: list[TemplateStated]) -> None:
    assert Catalogue(found).named("shipped", "de", None, approved) == variant("de", letter="b")
    assert Catalogue(found).get("HX" + "c" * 32) == variant("de", "paused", "c")
    newer = variant("de", letter="9", date_updated="2026-11-20T00:00:00+00:00")
    assert Catalogue([*found, newer]).named("shipped", "de", None, approved) == newer
