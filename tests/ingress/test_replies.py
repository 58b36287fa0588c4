"""Which messages a keyword's TwiML answers: never one that others answer, never a robot's."""

from typing import Any, get_args

import pytest
from pydantic import SecretStr, ValidationError

from services.domain.messages.events import KeywordHeard
from services.ingress.messages.translate import Arrival, inbound
from services.ingress.messages.webhooks import twiml
from services.runtime.replying import replies, words_of
from services.runtime.tenants.sections.consent import ConsentSettings
from services.runtime.tenants.sections.times import Weekday
from services.runtime.tenants.settings import TenantSettings
from tests.ingress.signing import ACCOUNT

HELP, STOP, START, BAJA = "Call +1 415 555 0100.", "You are out.", "You are in.", "Fuera."
PERSON, OURS = "+14155550123", "+14155550100"
WHATSAPP = {"From": f"whatsapp:{PERSON}", "To": f"whatsapp:{OURS}"}


def rules(texts: dict[str, str]) -> list[dict[str, Any]]:
    """A rule for each word, with this answer."""
    return [
        {"name": f"rule{number}", "says": [word], "reply": text} for number, (word, text) in enumerate(texts.items())
    ]


def tenant(**more: Any) -> TenantSettings:
    return TenantSettings(
        account_sid=ACCOUNT,
        auth_tokens=[SecretStr("t")],
        contact_secret=SecretStr("s"),
        **({"keywords": rules({"HELP": HELP, "STOP": STOP, "START": START, "Baja": BAJA})} | more),
    )


def answered(body: str, settings: TenantSettings | None = None, **fields: str) -> str | None:
    sent = {"AccountSid": ACCOUNT, "MessageSid": "SM" + "1" * 32, "From": PERSON, "To": OURS, "Body": body} | fields
    known = settings or tenant()
    arrival = Arrival("acme", b"s", "2026-11-28T10:00:00.000Z", None, words_of(known.consent))
    return replies(known).to(inbound(arrival, list(sent.items())))


@pytest.mark.parametrize("body", ["HELP", "help", " Help! ", "H.E.L.P", "ＨＥＬＰ", "«help»", "Help 🙏"])
def test_a_keyword_has_the_spellings_that_stop_has(body: str) -> None:
    assert answered(body) == HELP
    assert answered(body, **WHATSAPP) == HELP


@pytest.mark.parametrize("body", ["help me", "helpdesk", "", "!", "hel", "help " + "." * 200])
def test_what_is_no_keyword_is_not_answered(body: str) -> None:
    assert answered(body) is None


@pytest.mark.parametrize("told", ["HELP", "STOP", "START", "help", "NEW"])
@pytest.mark.parametrize("fields", [{}, WHATSAPP])
def test_where_twilio_answered_we_do_not(told: str, fields: dict[str, str]) -> None:
    assert answered("HELP", OptOutType=told, **fields) is None


@pytest.mark.parametrize("prefix", ["", "sms:", "mms:", "rcs:", "RCS:"])
@pytest.mark.parametrize("body", ["STOP", "Stop!", "unsubscribe", "START", "yes"])
def test_stop_and_start_are_twilios_on_its_own_networks(prefix: str, body: str) -> None:
    settings = tenant(keywords=rules({"STOP": STOP, "unsubscribe": STOP, "START": START, "YES": START}))
    assert answered(body, settings, From=prefix + PERSON) is None
    switched_off = settings.model_copy(update={"twilio_answers": ()})
    assert answered(body, switched_off, From=prefix + PERSON) in (STOP, START)


def test_help_is_twilios_where_the_settings_say_so() -> None:
    told = tenant(twilio_answers=("STOP", "START", "HELP"))
    assert answered("HELP", told) is None
    assert answered("HELP", told, **WHATSAPP) == HELP
    # A word of the tenant's own is none that Twilio hears without Advanced Opt-Out, which tells.
    assert answered("baja") == BAJA


def test_what_we_confirm_on_whatsapp_is_not_answered_twice() -> None:
    assert answered("STOP", **WHATSAPP) is None
    assert answered("start", **WHATSAPP) is None
    silent = tenant(consent=ConsentSettings(confirm_stop="", stop_words=["baja"]))
    assert answered("STOP", silent, **WHATSAPP) == STOP
    assert answered("baja", silent, **WHATSAPP) == BAJA
    assert answered("start", silent, **WHATSAPP) is None
    assert answered("baja", tenant(consent=ConsentSettings(stop_words=["baja"])), **WHATSAPP) is None


@pytest.mark.parametrize(
    "sender",
    ["68849", "+68849", "SUPPORT", "Acme Inc", "", " ", "+1210", "+", "+0000000000", "whatsapp:", "whatsapp:+1210"],
)
def test_a_robot_is_not_answered(sender: str) -> None:
    assert answered("HELP", From=sender) is None


@pytest.mark.parametrize("sender", [OURS, "14155550100", "whatsapp:+14155550199", "+14155550199", "rcs:+14155550199"])
def test_nor_are_we_ourselves(sender: str) -> None:
    assert answered("HELP", tenant(allowed_senders=["+14155550199"]), From=sender) is None


@pytest.mark.parametrize(
    "sender",
    [
        PERSON,
        "14155550123",
        "+5215512345678",
        "whatsapp:US.13491208655302741918",
        "whatsapp:US.ENT.13491208655302741918",
        "messenger:1234567890123456",
        "instagram:1784",
        "line:U4af4980629",
        "rcs:+14155550123",
    ],
)
def test_a_person_is_answered(sender: str) -> None:
    assert answered("HELP", From=sender) == HELP


@pytest.mark.parametrize(
    ("keywords", "said"),
    [
        (rules({"HELP": "a", "help!": "b"}), "for the same messages"),
        (
            [
                {"name": "a", "says": ["ACK {id}"], "tells": True},
                {"name": "b", "says": ["ack {number}"], "tells": True},
            ],
            "the same messages",
        ),
        (rules({"!": "a"}), "neither letters nor digits"),
        (rules({"HELP": " "}), "no text"),
        ([{"name": "it", "says": ["HELP"]}], "nothing comes of it"),
        ([{"name": "it", "says": []}], "at least 1"),
        ([{"name": "it", "says": ["{word}"], "tells": True}], "begin with a word"),
        ([{"name": "it", "says": ["STATUS{id}"], "tells": True}], "a word of its own"),
        ([{"name": "it", "says": ["SAY {text*} NOW"], "tells": True}], "at the end"),
        ([{"name": "it", "says": ["MOVE {a} {a}"], "tells": True}], "one name"),
        ([{"name": "it", "says": ["STATUS {id}", "STATUS"], "reply": "{id} is open"}], "not a place of every message"),
        ([{"name": "it", "says": ["STATUS {id}"], "reply": "{id.__class__}"}], "its name in braces"),
        ([{"name": "it", "says": ["STATUS {id}"], "reply": "{0}"}], "its name in braces"),
        ([{"name": "it", "says": ["STATUS {id}"], "reply": "{id!r:>9}"}], "its name in braces"),
        ([{"name": "it", "says": ["HELP"], "reply": "a", "zone": "Mars/Base"}], "no time zone"),
        ([{"name": "a rule", "says": ["HELP"], "reply": "a"}], "pattern"),
        ([{"name": "it", "says": ["A {x}"], "reply": "{x}" + "a" * 1500}], "may be longer"),
        ([{"name": "it", "says": ["A"], "reply": "a"}, {"name": "it", "says": ["B"], "reply": "b"}], "two rules have"),
    ],
)
def test_rules_that_cannot_be_meant(keywords: list[dict[str, Any]], said: str) -> None:
    with pytest.raises(ValidationError, match=said):
        tenant(keywords=keywords)


def told(body: str, rule: dict[str, Any], **fields: str) -> KeywordHeard | None:
    sent = {"AccountSid": ACCOUNT, "MessageSid": "SM" + "1" * 32, "From": PERSON, "To": OURS, "Body": body} | fields
    known = tenant(keywords=[{"name": "it", **rule}])
    arrival = Arrival("acme", b"s", "2026-11-28T10:00:00.000Z", None, words_of(known.consent))
    return replies(known).heard(inbound(arrival, list(sent.items())))


TICKET = {"says": ["TICKET {text*}"], "reply": "We look at it: {text}", "tells": True}


def test_a_message_is_told_with_what_stands_at_its_places() -> None:
    found = told("Ticket: the <door> is stuck!", TICKET)
    assert found is not None
    assert (found.rule, found.values, found.replied) == ("it", {"text": "the <door> is stuck"}, True)
    assert answered("Ticket: the <door> is stuck!", tenant(keywords=[{"name": "it", **TICKET}])) == (
        "We look at it: the <door> is stuck"
    )
    again = told("Ticket: the <door> is stuck!", TICKET)
    assert again == found, "a webhook that comes again has the same id"


def test_who_may_not_be_answered_is_told_of_all_the_same() -> None:
    found = told("ticket door", TICKET, OptOutType="HELP")
    assert found is not None
    assert not found.replied


@pytest.mark.parametrize("sender", ["68849", OURS, "SUPPORT"])
def test_what_a_robot_writes_sets_nothing_off(sender: str) -> None:
    assert told("ticket door", TICKET, From=sender) is None


def test_a_closed_tenant_answers_nobody() -> None:
    assert answered("HELP", tenant(state="closed")) is None


def test_a_rule_that_does_not_tell_is_silent() -> None:
    assert told("HELP", {"says": ["HELP"], "reply": HELP}) is None


@pytest.mark.parametrize(
    ("only", "fields", "holds"),
    [
        ({"senders": [OURS]}, {}, True),
        ({"senders": [OURS]}, {"To": "+14155550101"}, False),
        ({"channels": ["sms"]}, {"From": f"mms:{PERSON}"}, True),
        ({"channels": ["sms"]}, WHATSAPP, False),
        ({"channels": ["whatsapp"]}, WHATSAPP, True),
        ({"channels": ["messenger"]}, {"From": "messenger:1034"}, True),
        # It is Saturday, ten o'clock in London, eleven in Paris.
        ({"hours": {"begin": "10:00", "end": "11:00"}}, {}, True),
        ({"hours": {"begin": "10:00", "end": "11:00"}, "zone": "Europe/Paris"}, {}, False),
        ({"hours": {"begin": "18:00", "end": "08:00"}}, {}, False),
        ({"hours": {"begin": "18:00", "end": "08:00", "days": ["saturday"]}}, {}, True),
        ({"hours": {"days": list(get_args(Weekday))}}, {}, True),
    ],
)
def test_a_rule_holds_where_and_when_it_says(only: dict[str, Any], fields: dict[str, str], holds: bool) -> None:
    assert (told("ticket door", TICKET | only, **fields) is not None) == holds


@pytest.mark.parametrize(
    ("staging", "heard"),
    [
        ({"recipients": [PERSON]}, HELP),
        ({"recipients": ["+1*"]}, HELP),
        ({"recipients": ["+14155550124"]}, None),
        ({"recipients": []}, None),
        ({"dry_run": True}, None),
    ],
)
def test_a_staging_tenant_answers_its_recipients_alone(staging: dict[str, Any], heard: str | None) -> None:
    assert answered("HELP", tenant(**staging)) == heard


def test_what_no_xml_can_hold_is_left_out_of_an_answer() -> None:
    assert b"<Message>a b\xf0\x9f\x91\x8b &lt;c&gt;</Message>" in twiml("a\x02 b👋\ufffe <c>\ud800")
