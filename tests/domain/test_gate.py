"""The gate: one verdict for each question and view, always one, and the same for whoever judges again."""

from typing import Any

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st
from msgspec.structs import replace

from services.contract import codec
from services.domain.consent.events import Suppression
from services.domain.messages.gate import (
    ALLOW,
    WINDOW_MARGIN_S,
    ConsentRules,
    Question,
    Receipt,
    Verdict,
    View,
    decide,
    expired,
)
from tests.contract.generated import events
from tests.sender.histories import at

SENDER = "+14155550100"
SMS, SERVICE = f"sender:{SENDER}", "service:MG1"


def question(**other: Any) -> Question:
    """A message by SMS, in time."""
    fields = {"tenant": "acme", "channel": "sms", "sender": SENDER, "scopes": [SMS], "template": False}
    return Question(**fields | {"not_after": at(60)} | other)


def whatsapp(**other: Any) -> Question:
    return question(channel="whatsapp", sender=f"whatsapp:{SENDER}", scopes=[f"sender:whatsapp:{SENDER}"], **other)


def view(**other: Any) -> View:
    return View(**{"now": at(0)} | other)


def asking(consent_for: str, days: float | None = None, **other: Any) -> View:
    """A view under rules that ask for a recorded yes."""
    return view(rules=ConsentRules(consent_for=consent_for, consent_days=days), **other)


def out(scope: str = SMS) -> dict[str, Suppression]:
    return {scope: Suppression(since="2026-02-20T09:00:00.000Z", evidence="e1", source="keyword")}


NEW, OLD = "2026-02-21T17:00:00.000Z", "2025-02-21T18:00:00.000Z"


@pytest.mark.parametrize(
    ("asked", "seen", "rule"),
    [
        pytest.param(question(), view(), None, id="nothing stands against it"),
        pytest.param(question(), view(now=at(60)), None, id="at the last moment"),
        pytest.param(question(), view(now=at(60.001)), "not_after", id="a millisecond late"),
        pytest.param(question(), view(tenant_known=False), "tenant", id="a tenant that is gone"),
        pytest.param(question(), view(sender_allowed=False), "allowed_senders", id="a sender that is not allowed"),
        pytest.param(question(), view(suppressed=out()), "suppressed", id="a no to the sender"),
        pytest.param(question(), view(suppressed=out("tenant")), "suppressed", id="a no to the tenant"),
        pytest.param(question(), view(suppressed=out(SERVICE)), "suppressed", id="a no to the service"),
        pytest.param(question(template=True), view(suppressed=out()), "suppressed", id="a template after a no"),
        pytest.param(
            question(), asking("everything", consent_at=NEW, suppressed=out()), "suppressed", id="a no beside a yes"
        ),
        # Consent, as the tenant asks for it.
        pytest.param(question(), asking("nothing"), None, id="no yes is asked for"),
        pytest.param(question(template=True), asking("nothing"), None, id="nor for a template"),
        pytest.param(question(), asking("templates"), None, id="a yes is asked for templates alone"),
        pytest.param(question(template=True), asking("templates"), "no_consent", id="a template without a yes"),
        pytest.param(question(template=True), asking("templates", consent_at=OLD), None, id="a template with one"),
        pytest.param(question(), asking("everything"), "no_consent", id="anything without a yes"),
        pytest.param(question(), asking("everything", consent_at=OLD), None, id="a yes of any age"),
        pytest.param(question(), asking("everything", 365, consent_at=OLD), None, id="a yes of just that age"),
        pytest.param(question(), asking("everything", 364.9, consent_at=OLD), "stale_consent", id="an old yes"),
        pytest.param(
            question(),
            asking("everything", 365, consent_at=OLD, now=at(0.1)),
            "stale_consent",
            id="a yes a moment too old",
        ),
        pytest.param(question(), asking("everything", 0.5, consent_at=NEW), None, id="a fresh yes"),
        pytest.param(question(), asking("everything", 1, consent_at=at(9)), None, id="a yes by a clock that is ahead"),
        pytest.param(question(), asking("templates", 1, consent_at=OLD), None, id="an old yes that nobody asks for"),
        pytest.param(question(), asking("nothing", 1), None, id="an age of nothing"),
        # WhatsApp's window.
        pytest.param(whatsapp(), view(), "window_closed", id="who never wrote"),
        pytest.param(whatsapp(), view(window_until=at(31)), None, id="an open window"),
        pytest.param(whatsapp(), view(window_until=at(30.001)), None, id="a window just open"),
        pytest.param(whatsapp(), view(window_until=at(30)), "window_closed", id="a window about to close"),
        pytest.param(whatsapp(), view(window_until=at(0)), "window_closed", id="a window closing now"),
        pytest.param(whatsapp(), view(window_until=NEW), "window_closed", id="a window long closed"),
        pytest.param(whatsapp(template=True), view(), None, id="a template needs no window"),
        pytest.param(whatsapp(template=True), view(window_until=NEW), None, id="nor an open one"),
        pytest.param(question(), view(window_until=NEW), None, id="SMS knows no windows"),
        pytest.param(question(channel="mms"), view(window_until=NEW), None, id="nor does MMS"),
        # The answer to a STOP or START.
        pytest.param(question(confirms="stop"), view(suppressed=out()), None, id="a confirmation after a no"),
        pytest.param(question(confirms="start"), view(), None, id="a confirmation after a yes"),
        pytest.param(question(confirms="stop"), asking("everything"), None, id="a confirmation asks for no yes"),
        pytest.param(
            whatsapp(confirms="stop"), view(suppressed=out(), window_until=at(3000)), None, id="within the window"
        ),
        pytest.param(whatsapp(confirms="stop"), view(suppressed=out()), "window_closed", id="but not outside it"),
        pytest.param(question(confirms="stop"), view(now=at(61)), "not_after", id="nor too late"),
        pytest.param(question(confirms="stop"), view(tenant_known=False), "tenant", id="nor for nobody"),
        pytest.param(question(confirms="stop"), view(sender_allowed=False), "allowed_senders", id="nor from anywhere"),
    ],
)
def test_a_question_and_a_view_have_a_verdict(asked: Question, seen: View, rule: str | None) -> None:
    verdict = decide(asked, seen)
    assert verdict.rule == rule
    assert verdict.decision == {None: "allow", "not_after": "expired"}.get(rule, "blocked")
    assert (verdict == ALLOW) == (rule is None)
    assert bool(verdict.reason) == bool(verdict.remedy) == (rule is not None)


def test_of_several_rules_the_first_is_named() -> None:
    seen = view(
        now=at(61),
        tenant_known=False,
        sender_allowed=False,
        suppressed=out(),
        rules=ConsentRules(consent_for="everything", consent_days=1),
    )
    asked, named = whatsapp(), []
    for remedy in (
        {"now": at(0)},
        {"tenant_known": True},
        {"sender_allowed": True},
        {"suppressed": {}},
        {"consent_at": OLD},
        {"consent_at": NEW},
        {"window_until": at(3000)},
    ):
        named.append(decide(asked, seen).rule)
        seen = replace(seen, **remedy)
    assert named == [
        "not_after",
        "tenant",
        "allowed_senders",
        "suppressed",
        "no_consent",
        "stale_consent",
        "window_closed",
    ]
    assert decide(asked, seen) == ALLOW


@pytest.mark.parametrize(
    ("asked", "seen", "words"),
    [
        (question(), view(now=at(61)), [at(60)]),
        (question(), view(tenant_known=False), ["acme"]),
        (question(), view(sender_allowed=False), [SENDER]),
        (question(), view(suppressed=out("tenant") | out()), [SMS, "2026-02-20T09:00:00.000Z", "keyword"]),
        (question(), asking("everything", 364.5, consent_at=OLD), [OLD, "364.5 days"]),
        (whatsapp(), view(window_until=NEW), [NEW]),
        (whatsapp(), view(), ["has not written"]),
    ],
)
def test_a_refusal_says_what_stood_against_it(asked: Question, seen: View, words: list[str]) -> None:
    assert all(word in decide(asked, seen).reason for word in words)


def test_whoever_finds_a_command_too_late_says_the_same() -> None:
    assert decide(question(), view(now=at(61))) == expired(at(60))


# Close to each other, to the margin and to the ages of consent, and far off.
TIMES = st.sampled_from(
    [
        *(at(second) for second in (0, 0.001, 30, 30.001, 31, 60, 60.001, 90, 3000)),
        "2026-02-20T18:00:00.000Z",
        OLD,
        NEW,
        "0001-01-01T00:00:00.000Z",
        "9999-12-31T23:59:59.999Z",
    ]
)
RULES = st.builds(
    ConsentRules,
    version=st.text(max_size=5),
    stop_reaches=st.sampled_from(["sender", "tenant"]),
    consent_for=st.sampled_from(["nothing", "templates", "everything"]),
    consent_days=st.none() | st.floats(allow_nan=False, allow_infinity=False) | st.sampled_from([0.0, 1.0, 365.0]),
)
QUESTIONS = st.builds(
    Question,
    tenant=st.text(max_size=5),
    channel=st.sampled_from(["sms", "mms", "whatsapp", "whatsapp", "rcs"]),
    sender=st.text(max_size=5),
    scopes=st.lists(st.text(max_size=5), max_size=2),
    template=st.booleans(),
    not_after=TIMES,
    country=st.sampled_from([None, "US", "DE"]),
    confirms=st.sampled_from([None, None, "stop", "start"]),
)
VIEWS = st.builds(
    View,
    now=TIMES,
    # Mostly nothing wrong with these, so that the rules behind them have their turn.
    tenant_known=st.sampled_from([True, True, True, False]),
    sender_allowed=st.sampled_from([True, True, True, False]),
    rules=RULES,
    suppressed=st.just({}) | st.dictionaries(st.text(max_size=5), events(Suppression), max_size=3),
    consent_at=st.none() | TIMES,
    consent_evidence=st.none() | st.text(max_size=5),
    window_until=st.none() | TIMES,
)


@given(QUESTIONS, VIEWS)
def test_every_question_has_one_verdict(asked: Question, seen: View) -> None:
    verdict = decide(asked, seen)
    assert isinstance(verdict, Verdict)
    assert decide(asked, seen) == verdict
    assert (verdict.decision == "allow") == (verdict == ALLOW)
    assert (verdict.decision == "expired") == (verdict.rule == "not_after")
    assert (verdict.rule is None) == (not verdict.reason) == (not verdict.remedy)


@given(QUESTIONS, VIEWS, st.dictionaries(st.text(max_size=5), st.integers(0, 2**63 - 1), max_size=3))
def test_a_receipt_is_enough_to_judge_again(asked: Question, seen: View, offsets: dict[str, int]) -> None:
    receipt = Receipt(question=asked, view=seen, offsets=offsets)
    kept = codec.decode(codec.encode(receipt), Receipt)
    assert kept == receipt
    assert decide(kept.question, kept.view) == decide(asked, seen)


@given(QUESTIONS, VIEWS)
def test_nobody_who_opted_out_is_written_to_but_to_confirm_it(asked: Question, seen: View) -> None:
    assume(seen.suppressed)
    assert decide(replace(asked, confirms=None), seen).decision != "allow"


@given(QUESTIONS, VIEWS)
def test_nothing_is_written_freely_by_whatsapp_outside_a_window(asked: Question, seen: View) -> None:
    freeform = replace(asked, channel="whatsapp", template=False)
    # As text: times on the log compare as they stand.
    if seen.window_until is None or seen.window_until <= seen.now:
        assert decide(freeform, seen).decision != "allow"
    closing = replace(seen, now=at(0), window_until=at(WINDOW_MARGIN_S))
    assert decide(freeform, closing).decision != "allow"


@given(QUESTIONS, VIEWS)
def test_what_is_too_late_expires_whatever_else_is_the_case(asked: Question, seen: View) -> None:
    verdict = decide(asked, seen)
    assert (verdict.decision == "expired") == (seen.now > asked.not_after)


@given(QUESTIONS, VIEWS)
def test_without_the_yes_that_a_tenant_asks_for_nothing_goes(asked: Question, seen: View) -> None:
    strict = replace(seen, rules=replace(seen.rules, consent_for="everything"), consent_at=None)
    assert decide(replace(asked, confirms=None), strict).decision != "allow"


@given(QUESTIONS, VIEWS)
def test_what_is_allowed_stays_allowed_with_less_against_it(asked: Question, seen: View) -> None:
    assume(decide(asked, seen) == ALLOW)
    free = View(now=min(seen.now, asked.not_after), window_until=seen.window_until)
    assert decide(asked, free) == ALLOW
