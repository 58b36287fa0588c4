"""The gate: one verdict for each question and view, always one, and the same for whoever judges again."""

from typing import Any

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st
from msgspec.structs import replace

from services.contract import codec
from services.domain.consent.events import Suppression
from services.domain.frequency import Cap, Capped
from services.domain.gate.decide import decide
from services.domain.gate.media import picked
from services.domain.gate.purposes import counted_as, purpose
from services.domain.gate.question import Question
from services.domain.gate.receipt import Receipt
from services.domain.gate.view import ConsentRules, TemplateSeen, View
from services.domain.gate.windows import WINDOW_MARGIN_S, as_template
from services.domain.outbox.verdicts import ALLOW, Verdict, expired
from services.domain.quiet import Hours, Quiet
from services.domain.reachability import Unreachable
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


UNREAD = Suppression(since="2026-02-20T09:00:00.000Z", evidence="twilio.inbound.v1/3@17", source="unread")
DAY = Quiet(hours=[Hours()], zones=["Europe/Paris"])
NIGHT, NEVER = replace(DAY, until=at(30)), replace(DAY, never=True)
CAPPED = Capped(cap=Cap(messages=3, days=1), until=at(30))
ALONE = Unreachable(why="failures", until=at(30), failures=3, codes=[30003, 30005], last_at=at(0))
NEW, OLD = "2026-02-21T17:00:00.000Z", "2025-02-21T18:00:00.000Z"


SEEN = TemplateSeen(content_sid="HX1", name="x", language="en", state="approved", version="1")
PAUSED, DRAFT = replace(SEEN, state="paused"), replace(SEEN, state="unsubmitted")


def both(**other: Any) -> Question:
    """A text with a template beside it."""
    return whatsapp(template=True, freeform=True, **other)


# What ends no other way than blocked.
DECIDED = {
    None: "allow",
    "not_after": "expired",
    "hold": "deferred",
    "tenant": "deferred",
    "frequency": "deferred",
}


@pytest.mark.parametrize(
    ("asked", "seen", "rule"),
    [
        pytest.param(question(), view(), None, id="nothing stands against it"),
        pytest.param(question(), view(now=at(60)), None, id="at the last moment"),
        pytest.param(question(), view(now=at(60.001)), "not_after", id="a millisecond late"),
        pytest.param(question(), view(tenant_known=False), "tenant", id="a tenant that is not known yet"),
        pytest.param(question(), view(tenant_closed=True), "closed", id="a tenant that is closed"),
        pytest.param(question(), view(sender_allowed=False), "allowed_senders", id="a sender that is not allowed"),
        pytest.param(question(), view(recipient_allowed=False), "recipients", id="a person whom staging may not reach"),
        pytest.param(whatsapp(template=True), view(recipient_allowed=False), "recipients", id="nor by WhatsApp"),
        pytest.param(question(), view(dry_run=True), "dry_run", id="a rehearsal"),
        pytest.param(question(), view(dry_run=True, suppressed=out()), "suppressed", id="what a rehearsal finds"),
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
        # Night where the person may be.
        pytest.param(question(), view(quiet=DAY), None, id="by day"),
        pytest.param(question(), view(quiet=NIGHT), "quiet_hours", id="by night"),
        pytest.param(question(), view(quiet=NEVER), "quiet_hours", id="where it is never known to be day"),
        pytest.param(
            question(), view(quiet=NIGHT, suppressed=out()), "suppressed", id="nor does a no wait for the day"
        ),
        pytest.param(question(), view(quiet=NIGHT, dry_run=True), "quiet_hours", id="a rehearsal waits as all do"),
        pytest.param(question(confirms="stop"), view(quiet=NIGHT), None, id="who has just written is awake"),
        # A person who has had enough.
        pytest.param(question(), view(capped=CAPPED), "frequency", id="a cap that is used up"),
        pytest.param(question(), view(capped=CAPPED, quiet=NIGHT), "quiet_hours", id="by night the night is told"),
        pytest.param(question(), view(capped=CAPPED, suppressed=out()), "suppressed", id="a no beside a cap"),
        pytest.param(question(confirms="start"), view(capped=CAPPED), None, id="an answer is not one more"),
        # A number that nothing reaches.
        pytest.param(question(), view(unreachable=ALONE), "unreachable", id="a number that is left alone"),
        pytest.param(
            question(although_unreachable=True), view(unreachable=ALONE), None, id="what must be tried all the same"
        ),
        pytest.param(question(confirms="stop"), view(unreachable=ALONE), None, id="who has just written is reached"),
        pytest.param(
            question(although_unreachable=True),
            view(unreachable=ALONE, suppressed=out()),
            "suppressed",
            id="what must be tried breaks no no",
        ),
        pytest.param(question(), view(unreachable=ALONE, quiet=NIGHT), "unreachable", id="it waits for no morning"),
        # What could not be read may have been a no, a yes or a message.
        pytest.param(question(), view(held=UNREAD), "hold", id="something unread"),
        pytest.param(question(template=True), view(held=UNREAD), "hold", id="a template too"),
        pytest.param(question(), view(held=UNREAD, suppressed=out()), "hold", id="beside a no: it may be a START"),
        pytest.param(question(), asking("everything", held=UNREAD), "hold", id="without a yes: it may be one"),
        pytest.param(whatsapp(), view(held=UNREAD), "hold", id="without a window: it may open one"),
        pytest.param(question(confirms="start"), view(held=UNREAD), "hold", id="the answer to a START waits"),
        pytest.param(question(confirms="stop"), view(held=UNREAD), None, id="the answer to a STOP goes"),
        pytest.param(question(), view(held=UNREAD, now=at(61)), "not_after", id="not beyond its time"),
        pytest.param(
            question(), view(held=UNREAD, sender_allowed=False), "allowed_senders", id="nor what never may go"
        ),
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
        # Of a text and a template the window picks.
        pytest.param(both(), view(window_until=at(3000), template=PAUSED), None, id="the text, while it is open"),
        pytest.param(both(), view(template=SEEN), None, id="the template, when it is not"),
        pytest.param(both(), view(window_until=at(30), template=PAUSED), "template", id="one about to close"),
        pytest.param(
            both(), view(window_until=at(3000), window_refused_at=at(1), template=SEEN), None, id="after 63016"
        ),
        pytest.param(both(), asking("templates"), "no_consent", id="a template asks for its yes"),
        pytest.param(both(), asking("templates", window_until=at(3000)), None, id="a text does not"),
        pytest.param(whatsapp(template=True), view(template=PAUSED), "template", id="a template that is paused"),
        pytest.param(
            whatsapp(template=True), view(template=PAUSED, window_until=at(3000)), "template", id="in no window either"
        ),
        pytest.param(question(template=True), view(template=PAUSED), None, id="by SMS it is no matter"),
        pytest.param(whatsapp(template=True), view(template=DRAFT), "template", id="one that was never submitted"),
        pytest.param(
            whatsapp(template=True), view(template=DRAFT, window_until=at(3000)), None, id="may go to who has written"
        ),
        pytest.param(
            whatsapp(template=True),
            view(template=replace(DRAFT, only_approved=True), window_until=at(3000)),
            "template",
            id="but for a code",
        ),
        pytest.param(whatsapp(template=True), view(template=replace(SEEN, opens=False)), "template", id="a picker"),
        pytest.param(question(template=True), view(template=replace(SEEN, faults=["1: no"])), "template", id="faults"),
        pytest.param(question(template=True, template_name="x"), view(), "template", id="a name that nobody knows"),
        pytest.param(whatsapp(template=True), view(), None, id="a sid that nobody has listed"),
        pytest.param(question(channel="mms"), view(window_until=NEW), None, id="nor does MMS"),
        # The answer to a STOP or START.
        pytest.param(question(confirms="stop"), view(recipient_allowed=False), "recipients", id="not to anybody"),
        pytest.param(question(confirms="stop"), view(dry_run=True), "dry_run", id="nor in a rehearsal"),
        pytest.param(question(confirms="stop"), view(suppressed=out()), None, id="a confirmation after a no"),
        pytest.param(question(confirms="start"), view(), None, id="a confirmation after a yes"),
        pytest.param(question(confirms="stop"), asking("everything"), None, id="a confirmation asks for no yes"),
        pytest.param(
            whatsapp(confirms="stop"), view(suppressed=out(), window_until=at(3000)), None, id="within the window"
        ),
        pytest.param(whatsapp(confirms="stop"), view(suppressed=out()), "window_closed", id="but not outside it"),
        pytest.param(question(confirms="stop"), view(now=at(61)), "not_after", id="nor too late"),
        pytest.param(question(confirms="stop"), view(tenant_known=False), "tenant", id="nor for nobody"),
        pytest.param(question(confirms="stop"), view(tenant_closed=True), "closed", id="nor for who is closed"),
        pytest.param(question(confirms="stop"), view(sender_allowed=False), "allowed_senders", id="nor from anywhere"),
    ],
)
def test_a_question_and_a_view_have_a_verdict(asked: Question, seen: View, rule: str | None) -> None:
    verdict = decide(asked, seen)
    assert verdict.rule == rule
    assert verdict.decision == (
        "deferred" if seen.quiet == NIGHT and rule == "quiet_hours" else DECIDED.get(rule, "blocked")
    )
    assert (verdict == ALLOW) == (rule is None)
    assert bool(verdict.reason) == bool(verdict.remedy) == (rule is not None)


def test_a_sender_that_is_not_allowed_is_called_as_its_command_called_it() -> None:
    asked = question(scopes=["sender:+14155550100", SERVICE])
    verdict = decide(asked, view(sender_allowed=False))
    assert verdict.reason == f"the tenant may not send from +14155550100 and {SERVICE.removeprefix('service:')}"


def test_of_several_rules_the_first_is_named() -> None:
    seen = view(
        now=at(61),
        tenant_known=False,
        tenant_closed=True,
        sender_allowed=False,
        recipient_allowed=False,
        dry_run=True,
        held=UNREAD,
        suppressed=out(),
        rules=ConsentRules(consent_for="everything", consent_days=1),
    )
    asked, named = whatsapp(), []
    for remedy in (
        {"now": at(0)},
        {"tenant_known": True},
        {"tenant_closed": False},
        {"sender_allowed": True},
        {"recipient_allowed": True},
        {"held": None},
        {"suppressed": {}},
        {"consent_at": OLD},
        {"consent_at": NEW},
        {"window_until": at(3000)},
        {"dry_run": False},
    ):
        named.append(decide(asked, seen).rule)
        seen = replace(seen, **remedy)
    assert named == [
        "not_after",
        "tenant",
        "closed",
        "allowed_senders",
        "recipients",
        "hold",
        "suppressed",
        "no_consent",
        "stale_consent",
        "window_closed",
        "dry_run",
    ]
    assert decide(asked, seen) == ALLOW


@pytest.mark.parametrize(
    ("asked", "seen", "words"),
    [
        (question(), view(now=at(61)), [at(60)]),
        (question(), view(tenant_known=False), ["acme"]),
        (question(), view(tenant_closed=True), ["acme"]),
        (question(), view(sender_allowed=False), [SENDER]),
        (question(scopes=[SMS, SERVICE]), view(sender_allowed=False), [SENDER, "MG1"]),
        (question(), view(suppressed=out("tenant") | out()), [SMS, "2026-02-20T09:00:00.000Z", "keyword"]),
        (question(), view(held=UNREAD), [UNREAD.since, UNREAD.evidence]),
        (question(), asking("everything", 364.5, consent_at=OLD), [OLD, "364.5 days"]),
        (whatsapp(), view(window_until=NEW), [NEW]),
        (whatsapp(), view(), ["has not written"]),
    ],
)
def test_a_refusal_says_what_stood_against_it(asked: Question, seen: View, words: list[str]) -> None:
    assert all(word in decide(asked, seen).reason for word in words)


def test_whoever_finds_a_command_too_late_says_the_same() -> None:
    assert decide(question(), view(now=at(61))) == expired(at(60))


LATEST = "9999-12-31T23:59:59.999Z"
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
    suspected=st.sampled_from(["note", "defer_marketing", "stop"]),
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
    purpose=st.sampled_from(["marketing", "utility", "authentication"]),
)
VIEWS = st.builds(
    View,
    now=TIMES,
    # Mostly nothing wrong with these, so that the rules behind them have their turn.
    tenant_known=st.sampled_from([True, True, True, False]),
    tenant_closed=st.sampled_from([False, False, False, True]),
    sender_allowed=st.sampled_from([True, True, True, False]),
    recipient_allowed=st.sampled_from([True, True, True, False]),
    dry_run=st.sampled_from([False, False, False, True]),
    rules=RULES,
    held=st.none() | st.none() | events(Suppression),
    suppressed=st.just({}) | st.dictionaries(st.text(max_size=5), events(Suppression), max_size=3),
    suspected=st.just({}) | st.dictionaries(st.text(max_size=5), events(Suppression), max_size=3),
    consent_at=st.none() | TIMES,
    consent_evidence=st.none() | st.text(max_size=5),
    window_until=st.none() | TIMES,
    template=st.none() | st.sampled_from([SEEN, PAUSED, DRAFT]) | events(TemplateSeen),
)


# Nothing stands against it but what is said of the recipient.
_WILLING: dict[str, Any] = {
    "tenant_known": True,
    "tenant_closed": False,
    "sender_allowed": True,
    "recipient_allowed": True,
}


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
def test_nobody_of_whom_something_is_unread_is_written_to_nor_is_it_final(asked: Question, seen: View) -> None:
    asked = replace(asked, confirms=None, not_after=LATEST, contact="acme|1")
    verdict = decide(
        asked,
        replace(seen, held=UNREAD, tenant_known=True, tenant_closed=False, sender_allowed=True, recipient_allowed=True),
    )
    assert (verdict.decision, verdict.rule, verdict.condition) == ("deferred", "hold", "hold acme|1")


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
    # Else hardly anything would be allowed to begin with.
    seen = replace(
        seen,
        tenant_known=True,
        tenant_closed=False,
        sender_allowed=True,
        recipient_allowed=True,
        dry_run=False,
        suppressed={},
    )
    assume(decide(asked, seen) == ALLOW)
    free = View(now=min(seen.now, asked.not_after), window_until=seen.window_until)
    assert decide(asked, free) == ALLOW


@given(QUESTIONS, VIEWS)
def test_staging_reaches_nobody_but_its_testers(asked: Question, seen: View) -> None:
    assert decide(asked, replace(seen, dry_run=True)).decision != "allow"
    assert decide(asked, replace(seen, recipient_allowed=False)).decision != "allow"


@given(QUESTIONS, VIEWS)
def test_a_rehearsal_says_what_would_have_been(asked: Question, seen: View) -> None:
    rehearsed, earnest = decide(asked, replace(seen, dry_run=True)), decide(asked, replace(seen, dry_run=False))
    assert rehearsed == earnest or (earnest == ALLOW and rehearsed.rule == "dry_run")


def suspecting(rule: str = "defer_marketing", **other: Any) -> View:
    return view(**{"rules": ConsentRules(suspected=rule), "suspected": out(), "statements_version": "v1"} | other)


MARKETING = question(purpose="marketing", contact="acme|c0ffee")


def test_marketing_waits_for_a_decision_where_the_tenant_wants_it() -> None:
    verdict = decide(MARKETING, suspecting())
    assert (verdict.decision, verdict.rule, verdict.until) == ("deferred", "suspected_opt_out", None)
    assert verdict.condition == "suspected acme|c0ffee v1"
    for other in ("utility", "authentication"):
        assert decide(replace(MARKETING, purpose=other), suspecting()) == ALLOW
    for rule in ("note", "stop"):
        assert decide(MARKETING, suspecting(rule)) == ALLOW
    assert decide(MARKETING, suspecting(suspected={})) == ALLOW


def test_what_could_not_go_anyway_does_not_wait() -> None:
    assert decide(MARKETING, suspecting(suppressed=out())).decision == "blocked"
    assert decide(MARKETING, suspecting(now=at(61))).decision == "expired"
    assert decide(replace(MARKETING, channel="whatsapp"), suspecting()).rule == "window_closed"
    assert decide(MARKETING, suspecting(held=UNREAD)).rule == "hold"


@given(QUESTIONS, VIEWS)
def test_no_marketing_goes_while_an_opt_out_is_suspected(asked: Question, seen: View) -> None:
    rules = replace(seen.rules, suspected="defer_marketing")
    deferring = replace(seen, suspected=seen.suspected or out(), rules=rules)
    assert decide(replace(asked, purpose="marketing"), deferring).decision != "allow"


@given(QUESTIONS, VIEWS)
def test_no_template_goes_that_whatsapp_would_refuse(asked: Question, seen: View) -> None:
    asked = replace(asked, channel="whatsapp", template=True)
    if decide(asked, seen) != ALLOW or not as_template(asked, seen) or seen.template is None:
        return
    assert seen.template.state not in ("paused", "rejected", "disabled")
    assert not seen.template.faults
    if seen.window_until is None or seen.window_until <= seen.now:
        assert (seen.template.state, seen.template.opens) == ("approved", True)


@given(QUESTIONS, VIEWS)
def test_of_a_text_and_a_template_one_goes_and_the_text_in_a_window_alone(asked: Question, seen: View) -> None:
    asked = replace(asked, channel="whatsapp", template=True, freeform=True)
    assert picked(asked, seen) == ("template" if as_template(asked, seen) else "freeform")
    if seen.window_until is None or seen.window_until <= seen.now:
        assert picked(asked, seen) == "template"
    assert picked(replace(asked, freeform=False), seen) is None


@pytest.mark.parametrize(
    ("asked", "seen", "meant"),
    [
        (both(), view(template=replace(SEEN, category="UTILITY")), "utility"),
        (both(purpose_said=False), view(template=replace(SEEN, category="UTILITY")), "utility"),
        (both(purpose_said=False), view(template=replace(SEEN, category="MARKETING")), "marketing"),
        (both(purpose_said=False), view(template=replace(SEEN, category="AUTHENTICATION")), "authentication"),
        (both(purpose_said=False), view(template=replace(SEEN, category="TRANSACTIONAL")), "marketing"),
        (both(purpose_said=False), view(), "marketing"),
        (both(purpose="marketing"), view(template=replace(SEEN, category="UTILITY")), "marketing"),
        # While the window is open the text goes: it is for what its template is for.
        (both(purpose_said=False), view(window_until=at(3000)), "marketing"),
        (both(purpose_said=False), view(window_until=at(3000), template=replace(SEEN, category="UTILITY")), "utility"),
        (
            both(purpose_said=False),
            view(window_until=at(3000), template=replace(SEEN, category="MARKETING")),
            "marketing",
        ),
        (whatsapp(purpose_said=False, purpose="utility"), view(window_until=at(3000)), "utility"),
    ],
)
def test_what_a_producer_does_not_say_of_its_purpose_the_category_says(asked: Question, seen: View, meant: str) -> None:
    assert purpose(asked, seen) == counted_as(asked, seen) == meant
    assert counted_as(replace(asked, confirms="stop"), seen) is None


def test_a_text_beside_a_marketing_template_waits_as_marketing_does() -> None:
    opened = view(window_until=at(3000), template=replace(SEEN, category="MARKETING"))
    asked = both(purpose_said=False, contact="acme|c0ffee")
    assert decide(asked, opened) == ALLOW
    suspected = replace(opened, rules=ConsentRules(suspected="defer_marketing"), suspected=out())
    assert decide(asked, suspected).rule == "suspected_opt_out"
    assert decide(asked, replace(suspected, template=replace(SEEN, category="UTILITY"))) == ALLOW


def test_a_cap_is_told_with_the_purpose_that_was_judged() -> None:
    asked = both(purpose_said=False, purpose="marketing")
    seen = view(template=replace(SEEN, category="UTILITY"), capped=CAPPED)
    assert decide(asked, seen).reason == "the person has had 3 utility messages within a day"
    uncounted = decide(asked, replace(seen, capped=replace(CAPPED, uncounted=True)))
    assert (uncounted.rule, uncounted.until) == ("frequency", CAPPED.until)
    assert "had 3" not in uncounted.reason
    assert "the utility messages among them are not counted" in uncounted.reason


@pytest.mark.parametrize(
    ("why", "words", "instead"),
    [
        ("failures", "the last 3 messages did not reach it (30003, 30005)", "Use another channel"),
        ("landline", "it is a landline", "Use another channel"),
        ("no_mms", "it takes no MMS", "Send it as SMS with a link"),
    ],
)
def test_a_number_that_is_left_alone_says_until_when_and_what_to_do(why: Any, words: str, instead: str) -> None:
    found = decide(question(), view(unreachable=replace(ALONE, why=why)))
    assert f"left alone by sms until {at(30)}" in found.reason
    assert words in found.reason
    assert found.remedy.startswith(instead)
    assert "although_unreachable" in found.remedy
