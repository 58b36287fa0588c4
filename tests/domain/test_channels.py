"""RCS and Messenger: whom a command by them is for, from whom, when one may write, and what an opt-out reaches."""

from typing import Any

import pytest
from msgspec.structs import replace

from services.domain.consent.hearing import Message, hear
from services.domain.consent.scopes import scopes_of
from services.domain.contact import contact_key
from services.domain.gate.decide import decide
from services.domain.messages.content import MAX_BODY_CHARACTERS
from services.domain.messages.sessions import fold
from services.domain.messages.windows import open_windows, seen
from services.domain.outbox.verdicts import ALLOW
from services.domain.senders.names import family
from services.sender.messages.asking import ask
from tests.domain.sessions_oracle import wrote
from tests.domain.test_gate import question, view
from tests.domain.test_intake import CONTENT, SERVICE, faults, taken

PERSON, PAGE = "messenger:1034567890123456", "messenger:205678901234567"
AGENT, RCS = "rcs:acme_agent", "rcs:+14155550123"


@pytest.mark.parametrize(
    ("fields", "channel", "to", "from_"),
    [
        ({"to": RCS, "from_": AGENT}, "rcs", RCS, AGENT),
        ({"from_": AGENT}, "rcs", RCS, AGENT),
        ({"channel": "rcs", "from_": None, "messaging_service_sid": SERVICE}, "rcs", RCS, None),
        ({"to": RCS, "from_": AGENT, "messaging_service_sid": SERVICE}, "rcs", RCS, AGENT),
        ({"to": RCS, "from_": AGENT, "media_urls": ["https://example.com/a.jpg"]}, "rcs", RCS, AGENT),
        ({"to": PERSON, "from_": PAGE}, "messenger", PERSON, PAGE),
        ({"to": PERSON, "from_": None, "messaging_service_sid": SERVICE}, "messenger", PERSON, None),
    ],
)
def test_a_command_by_them_is_taken(fields: dict[str, Any], channel: str, to: str, from_: str | None) -> None:
    command = taken(**fields)
    assert (command.channel, command.to, command.from_, command.segments) == (channel, to, from_, None)
    assert command.contact == contact_key("acme", to, b"secret"), "the key that their own message has"


def test_by_rcs_a_person_is_who_they_are_by_sms() -> None:
    assert taken(to=RCS, from_=AGENT).contact == taken().contact
    assert taken(to=PERSON, from_=PAGE).contact != taken(to=PERSON[:-1], from_=PAGE).contact


@pytest.mark.parametrize(
    ("fields", "says"),
    [
        ({"to": RCS}, "from: RCS sends from an agent"),
        ({"channel": "rcs", "from_": "acme_agent"}, "from: RCS sends from an agent"),
        ({"to": RCS, "from_": None}, "from, messaging_service_sid: give one of them"),
        ({"to": AGENT, "from_": AGENT}, "to: rcs: and a name is a sender"),
        ({"to": PERSON, "from_": AGENT}, "channel: rcs and another one are named"),
        ({"to": RCS, "channel": "sms"}, "channel: rcs and another one are named"),
        ({"to": PERSON, "channel": "whatsapp"}, "channel: whatsapp and another one are named"),
        ({"to": PERSON}, "from: Messenger sends from a page"),
        ({"channel": "messenger", "from_": PAGE}, "to: Messenger knows people by ids of its own"),
        ({"to": "messenger:+14155550123", "from_": PAGE}, "to: Messenger knows people by ids of its own"),
        ({"to": "whatsapp:US.1", "channel": "rcs"}, "channel: whatsapp and another one are named"),
        ({"to": "US.13491208655302741918", "channel": "rcs", "from_": AGENT}, "to: a business-scoped id is WhatsApp's"),
        ({"to": "instagram:1", "from_": PAGE}, "to: Messenger knows people by ids of its own"),
        ({"to": RCS, "from_": AGENT, "send_as_mms": True}, "send_as_mms: this goes by RCS; leave it out"),
        ({"to": PERSON, "from_": PAGE, "send_as_mms": True}, "send_as_mms: this goes by Messenger; leave it out"),
        ({"to": RCS, "from_": AGENT, "persistent_action": ["geo:1,2"]}, "persistent_action: a location goes by What"),
        ({"to": PERSON, "from_": PAGE, "content_sid": CONTENT}, "body, media_urls: beside a template by WhatsApp"),
        ({"to": RCS, "from_": AGENT, "body": "x" * (MAX_BODY_CHARACTERS + 1)}, "body: 1601 characters"),
    ],
)
def test_what_their_rules_forbid_is_told(fields: dict[str, Any], says: str) -> None:
    told = faults(**fields)
    assert any(fault.startswith(says) for fault in told), told


FALLING_BACK: dict[str, Any] = {"from_": None, "messaging_service_sid": SERVICE, "fallback_from": "+14155550199"}


@pytest.mark.parametrize("sender", ["+14155550199", "72345", "ACME"])
def test_a_fallback_is_beside_a_service(sender: str) -> None:
    command = taken(**FALLING_BACK | {"fallback_from": sender})
    assert (command.channel, command.to, command.from_, command.fallback_from) == ("sms", "+14155550123", None, sender)
    assert taken(**FALLING_BACK, media_urls=["https://example.com/a.jpg"]).channel == "mms"


@pytest.mark.parametrize(
    ("fields", "says"),
    [
        ({"messaging_service_sid": None}, "fallback_from: needs a Messaging Service"),
        ({"from_": "+14155550100"}, "fallback_from: the Messaging Service chooses its RCS sender itself"),
        ({"from_": AGENT}, "fallback_from: the Messaging Service chooses its RCS sender itself"),
        ({"to": RCS}, "fallback_from: this goes by RCS and by nothing else; rcs: asks for RCS alone"),
        ({"to": "whatsapp:+14155550123"}, "fallback_from: this goes by WhatsApp and by nothing else"),
        ({"to": PERSON}, "fallback_from: this goes by Messenger and by nothing else"),
        ({"fallback_from": AGENT}, "fallback_from: neither E.164"),
        ({"fallback_from": "4155550199"}, "fallback_from: neither E.164"),
        ({"fallback_from": SERVICE}, "fallback_from: neither E.164"),
        ({"fallback_from": ""}, "fallback_from: neither E.164"),
    ],
)
def test_a_fallback_has_rules_of_its_own(fields: dict[str, Any], says: str) -> None:
    told = faults(**FALLING_BACK | fields)
    assert any(fault.startswith(says) for fault in told), told


def test_consent_is_asked_for_the_number_that_it_falls_back_to() -> None:
    scopes = ask(taken(**FALLING_BACK)).scopes
    assert scopes == [f"service:{SERVICE}", "sender:+14155550199"]


def test_by_messenger_nobody_is_written_to_but_within_a_day_of_their_message() -> None:
    asked = question(channel="messenger", sender=PAGE, scopes=list(scopes_of(PAGE, None)))
    closed = decide(asked, view())
    assert (closed.decision, closed.rule) == ("blocked", "window_closed")
    assert "Messenger" in closed.reason
    assert "template" not in closed.remedy
    assert decide(replace(asked, template=True), view()).rule == "window_closed", "no template opens it"
    assert decide(asked, view(window_until="2026-02-22T10:00:00.000Z")) == ALLOW
    assert decide(question(channel="rcs", sender=AGENT, scopes=[f"sender:{AGENT}"]), view()) == ALLOW


def test_their_message_opens_a_window_by_messenger_and_none_by_rcs() -> None:
    said = wrote(0)
    state, told = fold(None, replace(said, from_=PERSON, to=PAGE))
    assert [one.change for one in told] == ["opened"]
    assert list(open_windows(state)) == [PAGE]
    assert seen(state, PAGE, None, {}).sender == PAGE
    assert fold(None, replace(said, from_=RCS, to=AGENT)) == (None, [])


@pytest.mark.parametrize(("ours", "says"), [(AGENT, "start"), ("+14155550100", "start"), (PAGE, None)])
def test_a_yes_lifts_where_twilio_listens_for_it(ours: str, says: str | None) -> None:
    found = hear(Message(to=ours, body="yes"))
    assert (found.says if found else None) == says
    stop = hear(Message(to=ours, body="STOP"))
    assert stop is not None
    assert stop.says == "stop"


def test_an_opt_out_by_rcs_is_one_of_the_phone() -> None:
    assert family(AGENT) == family("+14155550100") == "sms"
    assert family(PAGE) == "messenger"
