"""Intake: which commands are taken, as what, and every fault of those that are not."""

from typing import Any, cast

import msgspec
import pytest

from services.domain.about_another import cancel
from services.domain.clock import later
from services.domain.contact import contact_key
from services.domain.identity import Place
from services.domain.messages.about import resolve
from services.domain.messages.commands import (
    CancelMessage,
    CommandAccepted,
    NamedTemplate,
    ResolveAmbiguous,
    SendMessage,
)
from services.domain.messages.intake import Rules, accept
from services.domain.messages.routing import Route
from services.domain.outbox.accepted import CancelAccepted, ResolutionAccepted

SERVICE, OTHER_SERVICE = "MG" + "d" * 32, "MG" + "e" * 32
CONTENT = "HX" + "a" * 32
RULES = Rules(contact_secret=b"secret", lifetime=3600.0)
AT = "2026-02-21T18:22:11.123Z"
COMMAND = SendMessage(command_id="order-18473", tenant="acme", to="+14155550123", from_="+14155550100", body="hello")


def judged(rules: Rules = RULES, **changed: Any) -> CommandAccepted | list[str]:
    return accept(msgspec.structs.replace(COMMAND, **changed), rules, AT, Place(0, 7))


def taken(rules: Rules = RULES, **changed: Any) -> CommandAccepted:
    command = judged(rules, **changed)
    assert isinstance(command, CommandAccepted), command
    return command


def faults(rules: Rules = RULES, **changed: Any) -> list[str]:
    found = judged(rules, **changed)
    assert isinstance(found, list), found
    return found


def test_a_command_is_taken_with_its_identity_time_and_place() -> None:
    command = taken()
    assert (command.tenant, command.command_id, command.accepted_at, command.sequence) == ("acme", "order-18473", AT, 7)
    assert command.contact == contact_key("acme", "+14155550123", b"secret")
    assert (command.channel, command.country, command.to, command.from_) == (
        "sms",
        "US",
        "+14155550123",
        "+14155550100",
    )
    assert command.not_after == "2026-02-21T19:22:11.123Z"


@pytest.mark.parametrize(
    ("to", "region", "normalised"),
    [
        ("+14155550123", None, "+14155550123"),
        (" +1 (415) 555-0123 ", None, "+14155550123"),
        ("(415) 555-0123", "US", "+14155550123"),
        ("089 636 48018", "DE", "+498963648018"),
        ("sms:+14155550123", None, "+14155550123"),
        ("+14155550123", "DE", "+14155550123"),
        ("٤١٥٥٥٥٠١٢٣", "US", "+14155550123"),
    ],
)
def test_numbers_become_e164(to: str, region: str | None, normalised: str) -> None:
    command = taken(RULES._replace(default_region=region), to=to)
    assert command.to == normalised
    assert command.contact == contact_key("acme", normalised, b"secret")


@pytest.mark.parametrize(
    "to",
    [
        "",
        "4155550123",
        "+999123456789",
        "+1415555",
        "+141555501234567",
        "someone@example.com",
        "US.14155550123",
        "tel:+14155550123",
        "+14155550123;ext=5",
        "1-800-FLOWERS",
        "ring me: 4155550123",
        "+" * 300,
    ],
)
def test_what_is_no_number_is_not_sent_to(to: str) -> None:
    assert [fault.split(":")[0] for fault in faults(to=to)] == ["to"]


RECEIVED = [
    # WhatsApp keeps what a library has forgotten.
    ("whatsapp:+5215512345678", "MX"),
    ("+5215512345678", "MX"),
    ("whatsapp:+5491123456789", "AR"),
    ("+551187654321", "BR"),
    ("whatsapp:+22507123456", "CI"),
    ("+22520301234", "CI"),
    ("+22961000000", "BJ"),
    ("+2290161000000", "BJ"),
    ("+23777123456", "CM"),
    ("+841621234567", "VN"),
    # Of a plan that is newer than the library, or older.
    ("+225070712345678", "CI"),
    ("+234801234567890", "NG"),
    ("+452123456789", "DK"),
    ("whatsapp:+1415555", None),
    ("whatsapp:+999123456789", None),
    ("whatsapp:+888123456789", None),
    ("+12005551234", None),
    ("whatsapp:14155550123", "US"),
    ("+18335550123", "US"),
]


@pytest.mark.parametrize(("address", "country"), RECEIVED)
def test_whoever_wrote_to_us_can_be_answered(address: str, country: str | None) -> None:
    command = taken(to=address, from_="whatsapp:+14155550100" if address.startswith("whatsapp") else "+14155550100")
    assert command.contact == contact_key("acme", address, b"secret"), "the key that their message has"
    assert command.country == country
    if "+" in address:
        assert command.to == address, "to the address as it was received"


@pytest.mark.parametrize(
    ("to", "channel", "says"),
    [
        ("68849", None, "short code"),
        ("911", None, "short code"),
        ("whatsapp:68849", None, "short code"),
        ("SUPPORT", None, "the name of a sender"),
        ("Acme & Co", None, "the name of a sender"),
        ("rcs:acme_agent", None, "rcs:"),
        ("viber:1234567890123456", None, "another channel"),
        ("instagram:14155550123", None, "another channel"),
        ("line:U4af4980629", None, "another channel"),
        ("ann@example.org", None, "e-mail"),
        ("+1415555XXXX", None, "masked"),
        ("+266696687", None, "withheld"),
        ("Anonymous", None, "withheld"),
        ("", None, "empty"),
        ("whatsapp:", None, "empty"),
        ("+1210", None, "no such phone number"),
        ("14155550123", None, "without +"),
        ("whatsapp:4155550123", None, "without +"),
        ("US.ENT.2", None, "whatsapp:"),
        ("sip:ann@example.org", None, "not a phone number"),
        ("+14155550123;ext=5", None, "not a phone number"),
        ("+999123456789", None, "calling code"),
        ("\ud800", None, "not a phone number"),
    ],
)
def test_what_is_nobodys_number_is_called_what_it_is(to: str, channel: Any, says: str) -> None:
    [fault] = faults(to=to, channel=channel, from_=None, messaging_service_sid=SERVICE)
    assert fault.startswith("to: ")
    assert says in fault
    assert len(fault) < 200


def test_a_short_code_is_no_national_number_either() -> None:
    """phonenumbers takes five digits for a German number."""
    for region in ("DE", "US", "AT"):
        assert "short code" in faults(RULES._replace(default_region=region), to="68849")[0]
    assert taken(RULES._replace(default_region="DK"), to="32123456").to == "+4532123456"


@pytest.mark.parametrize("to", ["whatsapp:US.ENT.20000000000000000001", "whatsapp:us.ENT.20000000000000000001"])
def test_a_parent_id_is_a_person_of_its_country(to: str) -> None:
    command = taken(to=to, from_="whatsapp:+14155550100")
    assert (command.to, command.country) == ("whatsapp:US.ENT.20000000000000000001", "US")
    assert command.contact == contact_key("acme", "us.ENT.20000000000000000001", b"secret")


@pytest.mark.parametrize(
    "to", ["5550123", "US.14155550123", "messenger:+4155550123", "instagram:4155550123", "1-800-FLOWERS"]
)
def test_a_default_region_makes_no_stranger_of_what_is_no_number(to: str) -> None:
    assert faults(RULES._replace(default_region="US"), to=to)


@pytest.mark.parametrize(
    ("changed", "channel", "to", "sender"),
    [
        ({"to": "whatsapp:+14155550123"}, "whatsapp", "whatsapp:+14155550123", "whatsapp:+14155550100"),
        ({"to": "WhatsApp: +1 415 555 0123"}, "whatsapp", "whatsapp:+14155550123", "whatsapp:+14155550100"),
        ({"channel": "whatsapp"}, "whatsapp", "whatsapp:+14155550123", "whatsapp:+14155550100"),
        ({"from_": " whatsapp:+14155550100"}, "whatsapp", "whatsapp:+14155550123", "whatsapp:+14155550100"),
        ({"to": "US.13491208655302741918", "channel": "whatsapp"}, "whatsapp", "whatsapp:US.13491208655302741918",
         "whatsapp:+14155550100"),
        ({"to": "whatsapp:us.1349a"}, "whatsapp", "whatsapp:US.1349a", "whatsapp:+14155550100"),
        ({"to": "whatsapp:US.1349a"}, "whatsapp", "whatsapp:US.1349a", "whatsapp:+14155550100"),
        ({"media_urls": ["https://example.com/a.jpg"], "body": None}, "mms", "+14155550123", "+14155550100"),
        ({"media_urls": ["https://example.com/a.jpg"], "channel": "sms"}, "mms", "+14155550123", "+14155550100"),
        ({"channel": "mms"}, "mms", "+14155550123", "+14155550100"),
        ({"to": "whatsapp:+14155550123", "media_urls": ["https://example.com/a.jpg"]}, "whatsapp",
         "whatsapp:+14155550123", "whatsapp:+14155550100"),
        ({"from_": "72345"}, "sms", "+14155550123", "72345"),
        ({"from_": "Acme & Co"}, "sms", "+14155550123", "Acme & Co"),
    ],
)  # fmt: skip
def test_the_channel_and_the_addresses_as_twilio_wants_them(
    changed: dict[str, Any], channel: str, to: str, sender: str
) -> None:
    command = taken(**changed)
    assert (command.channel, command.to, command.from_) == (channel, to, sender)


def test_a_person_has_one_contact_on_every_channel_and_in_every_spelling() -> None:
    contacts = {
        taken(to=to).contact
        for to in ("+5511987654321", "whatsapp:+5511987654321", "+551187654321", "+55 11 8765 4321")
    }
    assert len(contacts) == 1


@pytest.mark.parametrize(
    ("to", "service"),
    [("+14155550123", SERVICE), ("+498963648018", OTHER_SERVICE), ("whatsapp:US.1349", SERVICE)],
)
def test_without_a_sender_the_country_routes_else_the_default(to: str, service: str) -> None:
    rules = RULES._replace(default_messaging_service=SERVICE, routes=(Route({OTHER_SERVICE: 1}, frozenset({"DE"})),))
    command = taken(rules, to=to, from_=None)
    assert (command.messaging_service_sid, command.from_, command.sender) == (service, None, service)


def test_a_route_names_a_sender_as_its_producer_could() -> None:
    pool = {"+14155550100": 1.0}
    by_label = RULES._replace(routes=(Route(pool, labels=frozenset({"spring"})),))
    command = taken(by_label, from_=None, label="spring")
    assert (command.from_, command.messaging_service_sid) == ("+14155550100", None)
    assert taken(by_label, from_=None, label="spring", to="whatsapp:+14155550123").from_ == "whatsapp:+14155550100"
    assert faults(by_label, from_=None) == [
        "from, messaging_service_sid: give one of them, or configure routing for the tenant"
    ]
    assert (
        taken(by_label, from_=None, label="spring").fingerprint
        == taken(RULES._replace(default_messaging_service=SERVICE), from_=None, label="spring").fingerprint
    ), "the same command is the same by whichever sender"
    named = RULES._replace(routes=(Route({"ACME": 1.0}),))
    assert "from: neither E.164" in faults(named, from_=None, to="whatsapp:+14155550123")[0]


def test_a_named_sender_or_service_is_not_routed_away() -> None:
    rules = RULES._replace(default_messaging_service=SERVICE)
    assert taken(rules).messaging_service_sid is None
    assert taken(rules, from_=None, messaging_service_sid=OTHER_SERVICE).messaging_service_sid == OTHER_SERVICE


@pytest.mark.parametrize(
    ("from_", "to"),
    [("ACME", "+447700900123"), ("+14155550100", "+14155550123"), ("whatsapp:+14155550100", "whatsapp:+14155550123")],
)
def test_a_sender_of_a_services_pool_is_taken_with_the_service(from_: str, to: str) -> None:
    command = taken(from_=from_, to=to, messaging_service_sid=SERVICE)
    assert (command.from_, command.messaging_service_sid) == (from_, SERVICE)
    assert command.sender == from_, "the number has the rate, and so the lane"


def test_a_service_as_sender_is_told_where_it_belongs() -> None:
    assert faults(from_=SERVICE) == ["from: this is a Messaging Service; name it in messaging_service_sid"]


@pytest.mark.parametrize(
    ("not_after", "normalised"),
    [
        ("2026-02-21T20:00:00+01:00", "2026-02-21T19:00:00.000Z"),
        ("2020-01-01T00:00:00Z", "2020-01-01T00:00:00.000Z"),
        (later(AT, 36 * 86_400), later(AT, 36 * 86_400)),
    ],
)
def test_not_after_is_kept_in_utc(not_after: str, normalised: str) -> None:
    assert taken(not_after=not_after).not_after == normalised


@pytest.mark.parametrize(
    ("changed", "fields"),
    [
        ({"command_id": ""}, ["command_id"]),
        ({"command_id": "two words"}, ["command_id"]),
        ({"command_id": "order\n"}, ["command_id"]),
        ({"command_id": "x" * 129}, ["command_id"]),
        ({"body": None}, ["body, media_urls, content_sid, template"]),
        ({"body": ""}, ["body, media_urls, content_sid, template"]),
        ({"body": "x" * 1601}, ["body"]),
        ({"media_urls": ["https://example.com/a"] * 11}, ["media_urls"]),
        ({"media_urls": ["ftp://example.com/a"]}, ["media_urls[0]"]),
        ({"body": None, "content_sid": "HX1"}, ["content_sid"]),
        ({"body": None, "content_sid": CONTENT + "\n"}, ["content_sid"]),
        ({"body": None, "content_sid": CONTENT, "template": NamedTemplate(name="shipped")}, ["content_sid, template"]),
        ({"template": NamedTemplate(name="shipped")}, ["body, media_urls"]),
        ({"body": None, "template": NamedTemplate(name=" ")}, ["template.name"]),
        ({"body": None, "template": NamedTemplate(name="shipped", language="German")}, ["template.language"]),
        ({"content_variables": {"1": "x"}}, ["content_variables"]),
        ({"from_": None}, ["from, messaging_service_sid"]),
        ({"from_": SERVICE}, ["from"]),
        ({"from_": f"whatsapp:{SERVICE}"}, ["from"]),
        ({"from_": SERVICE, "messaging_service_sid": OTHER_SERVICE}, ["from"]),
        ({"messaging_service_sid": "MG1"}, ["messaging_service_sid"]),
        ({"from_": None, "messaging_service_sid": "MG1"}, ["messaging_service_sid"]),
        ({"from_": "4155550100"}, ["from"]),
        ({"from_": "much too long a name"}, ["from"]),
        ({"from_": ""}, ["from"]),
        ({"from_": "whatsapp:Acme"}, ["from"]),
        ({"channel": "sms", "to": "whatsapp:+14155550123"}, ["channel"]),
        ({"channel": "whatsapp", "to": "sms:+14155550123"}, ["channel"]),
        ({"to": "rcs:+14155550123"}, ["from"]),
        ({"from_": "viber:1034567"}, ["to, from"]),
        ({"not_after": "tomorrow"}, ["not_after"]),
        ({"not_after": "2026-02-21T20:00:00"}, ["not_after"]),
        ({"validity_period": 0}, ["validity_period"]),
        ({"validity_period": 36_001}, ["validity_period"]),
        ({"max_price": 0.0}, ["max_price"]),
        ({"validity_period": 2**70}, ["validity_period"]),
        ({"max_price": 1_000_000.01}, ["max_price"]),
        ({"max_price": float("inf")}, ["max_price"]),
        ({"max_price": float("nan")}, ["max_price"]),
        ({"attempt": 0}, ["attempt"]),
        ({"attempt": 1_000_001}, ["attempt"]),
        ({"attempt": 2**64}, ["attempt"]),
        ({"attempt": -(2**64)}, ["attempt"]),
        ({"application_sid": "AP1"}, ["application_sid"]),
        ({"shorten_urls": True}, ["shorten_urls"]),
        ({"channel": "whatsapp", "send_as_mms": True}, ["send_as_mms"]),
        ({"persistent_action": ["geo:1,2"]}, ["persistent_action"]),
        ({"channel": "whatsapp", "persistent_action": ["geo:1,2"] * 11}, ["persistent_action"]),
        *(
            ({"channel": "whatsapp", "persistent_action": ["geo:1,2", wrong]}, ["persistent_action[1]"])
            for wrong in ("", "1,2", "geo:91,0", "geo:0,-181", "geo:1", "geo:1,2|", "geo:1,2|a\nb", "geo:١,٢")
        ),
        (
            {"command_id": "", "to": "nobody", "from_": "", "body": None, "not_after": "soon", "attempt": -1},
            ["to", "from", "not_after", "command_id", "body, media_urls, content_sid, template", "attempt"],
        ),
    ],
)
def test_every_fault_is_named_and_all_at_once(changed: dict[str, Any], fields: list[str]) -> None:
    assert [fault.split(":")[0] for fault in faults(**changed)] == fields


@pytest.mark.parametrize(
    "changed",
    [
        {"command_id": "x" * 128},
        {"body": "x" * 1600},
        {"body": "🎉" * 1600},
        {"media_urls": ["HTTPS://example.com/a"] * 10},
        {"content_sid": CONTENT, "content_variables": {"1": "x"}, "body": None},
        {"max_price": 1_000_000.0, "attempt": 1_000_000},
        {"shorten_urls": False, "send_as_mms": True},
        {"shorten_urls": True, "messaging_service_sid": "MG" + "5" * 32},
        {"channel": "whatsapp", "persistent_action": ["geo:-90,180|Café ☕", "geo:37.787890,-122.391664"] * 5},
        {"validity_period": 36_000, "max_price": 0.01, "attempt": 1, "application_sid": "AP" + "f" * 32},
    ],
)
def test_the_limits_themselves_are_allowed(changed: dict[str, Any]) -> None:
    taken(**changed)


def test_a_text_that_goes_as_mms_has_no_segments() -> None:
    command = taken(body="x" * 1000, send_as_mms=True)
    assert (command.channel, command.segments, command.encoding) == ("mms", None, None)


def test_options_pass_through() -> None:
    options = {"max_price": 0.5, "provide_feedback": True, "validity_period": 60, "attempt": 2, "force_delivery": False}
    command = taken(**options)
    assert msgspec.to_builtins(command.options) == options


def test_a_field_that_says_nothing_is_no_content() -> None:
    """A later release has more fields: the same command must stay the same."""
    said = msgspec.json.decode(msgspec.json.encode(COMMAND))
    assert taken(max_price=None, urgent=False, media_urls=[]).fingerprint == taken().fingerprint
    assert set(said) == {
        field.encode_name
        for field in msgspec.structs.fields(SendMessage)
        if getattr(COMMAND, field.name) not in (None, False, [], {}, "send_message")
    }


def test_a_command_produced_twice_is_two_facts_with_one_fingerprint() -> None:
    again = accept(COMMAND, RULES, "2026-03-01T00:00:00.000Z", Place(0, 99))
    assert isinstance(again, CommandAccepted)
    assert again.fingerprint == taken().fingerprint
    assert again.event_id != taken().event_id, "their offsets and times differ, so their ids do"
    beside = accept(COMMAND, RULES, AT, Place(1, 7))
    assert isinstance(beside, CommandAccepted)
    assert beside.event_id != taken().event_id, "one offset and one time, on two partitions"
    assert taken().event_id == taken().event_id
    assert taken(body="other").event_id != taken().event_id
    assert taken(body="other").fingerprint != taken().fingerprint
    assert taken(urgent=True).fingerprint != taken().fingerprint


MESSAGE = "SM" + "e" * 32
RESOLVE = ResolveAmbiguous(command_id="order-18473", tenant="acme", outcome="not_sent", by="ann", to="+14155550123")


def resolution(**changed: Any) -> ResolutionAccepted | list[str]:
    return resolve(msgspec.structs.replace(RESOLVE, **changed), RULES, AT, Place(0, 7))


def test_a_resolution_is_taken_as_what_a_person_found_out() -> None:
    found = resolution(outcome="sent", message_sid=MESSAGE, note="in the console")
    assert isinstance(found, ResolutionAccepted)
    assert (found.tenant, found.command_id, found.accepted_at, found.by) == ("acme", "order-18473", AT, "ann")
    assert (found.outcome, found.sid, found.note) == ("sent", MESSAGE, "in the console")


@pytest.mark.parametrize(
    "whom",
    [
        {},
        {"to": "whatsapp:+14155550123"},
        {"to": " +14155550123"},
        {"to": None, "contact": contact_key("acme", "+14155550123", b"secret")},
    ],
)
def test_a_resolution_is_keyed_as_its_command(whom: dict[str, Any]) -> None:
    found = resolution(**whom)
    assert isinstance(found, ResolutionAccepted), found
    assert found.contact == taken().contact


def test_a_resolution_finds_a_command_to_a_business_scoped_id() -> None:
    found = resolution(to="whatsapp:US.1349a")
    assert isinstance(found, ResolutionAccepted), found
    assert found.contact == taken(to="whatsapp:US.1349a").contact


def test_a_message_that_was_not_sent_has_no_sid() -> None:
    found = resolution(message_sid=MESSAGE)
    assert isinstance(found, ResolutionAccepted)
    assert found.sid is None


@pytest.mark.parametrize(
    ("changed", "fields"),
    [
        ({"to": None}, ["to, contact"]),
        ({"contact": "acme|" + "f" * 32}, ["to, contact"]),
        ({"to": "nobody"}, ["to"]),
        ({"to": "(415) 555-0123"}, ["to"]),
        ({"to": None, "contact": ""}, ["contact"]),
        ({"to": None, "contact": "f" * 32}, ["contact"]),
        ({"to": None, "contact": "other|" + "f" * 32}, ["contact"]),
        ({"to": None, "contact": "acme|" + "F" * 32}, ["contact"]),
        ({"to": None, "contact": "acme|" + "f" * 32 + "\n"}, ["contact"]),
        ({"command_id": ""}, ["command_id"]),
        ({"command_id": "two words"}, ["command_id"]),
        ({"outcome": "sent"}, ["message_sid"]),
        ({"outcome": "sent", "message_sid": ""}, ["message_sid"]),
        ({"outcome": "sent", "message_sid": "CA" + "e" * 32}, ["message_sid"]),
        ({"outcome": "sent", "message_sid": MESSAGE + "0"}, ["message_sid"]),
        ({"by": "x" * 1001}, ["by, note"]),
        ({"note": "x" * 1001}, ["by, note"]),
        (
            {"to": "nobody", "command_id": "", "outcome": "sent", "note": "x" * 1001},
            ["to", "message_sid", "command_id", "by, note"],
        ),
    ],
)
def test_every_fault_of_a_resolution_is_named_and_all_at_once(changed: dict[str, Any], fields: list[str]) -> None:
    found = resolution(**changed)
    assert isinstance(found, list), found
    assert [fault.split(":")[0] for fault in found] == fields


def test_the_limits_of_a_resolution_are_allowed() -> None:
    assert isinstance(resolution(by="x" * 1000, note="y" * 1000, command_id="x" * 128), ResolutionAccepted)


def test_a_resolution_produced_twice_is_two_facts() -> None:
    again = resolve(RESOLVE, RULES, AT, Place(0, 8))
    first = resolution()
    assert isinstance(again, ResolutionAccepted)
    assert isinstance(first, ResolutionAccepted)
    assert again.event_id != first.event_id
    assert resolution() == first


CANCEL = CancelMessage(command_id="order-18473", tenant="acme", by="ann", to="+14155550123")


def canceled(**changed: Any) -> CancelAccepted | list[str]:
    return cancel(msgspec.structs.replace(CANCEL, **changed), RULES.contact_secret, AT, Place(0, 7))


@pytest.mark.parametrize("whom", [{}, {"to": None, "contact": contact_key("acme", "+14155550123", b"secret")}])
def test_a_cancel_is_keyed_as_its_command(whom: dict[str, Any]) -> None:
    found = canceled(**whom, note="the customer called")
    assert isinstance(found, CancelAccepted), found
    assert (found.contact, found.command_id) == (taken().contact, "order-18473")
    assert (found.accepted_at, found.by, found.note) == (AT, "ann", "the customer called")
    assert found.event_id != cast(CancelAccepted, cancel(CANCEL, RULES.contact_secret, AT, Place(0, 8))).event_id


@pytest.mark.parametrize(
    ("changed", "fields"),
    [
        ({"to": None}, ["to, contact"]),
        ({"to": None, "contact": "other|" + "f" * 32}, ["contact"]),
        ({"command_id": "two words"}, ["command_id"]),
        ({"by": " "}, ["by"]),
        ({"to": "nobody", "command_id": "", "by": "", "note": "x" * 1001}, ["to", "command_id", "by", "by, note"]),
    ],
)
def test_every_fault_of_a_cancel_is_named_and_all_at_once(changed: dict[str, Any], fields: list[str]) -> None:
    found = canceled(**changed)
    assert isinstance(found, list), found
    assert [fault.split(":")[0] for fault in found] == fields


@pytest.mark.parametrize(
    ("said", "not_before", "not_after"),
    [
        ({}, None, later(AT, RULES.lifetime)),
        ({"not_before": later(AT, 3600)}, later(AT, 3600), later(AT, 3600 + RULES.lifetime)),
        ({"not_before": "2026-02-21T20:22:11.123+01:00"}, later(AT, 3600), later(AT, 3600 + RULES.lifetime)),
        # What has passed already is no wait, and lengthens no life.
        ({"not_before": AT}, None, later(AT, RULES.lifetime)),
        ({"not_before": "1999-01-01T00:00:00Z"}, None, later(AT, RULES.lifetime)),
        ({"not_before": later(AT, 35 * 86_400)}, later(AT, 35 * 86_400), later(AT, 35 * 86_400 + RULES.lifetime)),
        ({"not_before": later(AT, 60), "not_after": later(AT, 61)}, later(AT, 60), later(AT, 61)),
        ({"not_before": "1999-01-01T00:00:00Z", "not_after": later(AT, 5)}, None, later(AT, 5)),
    ],
)
def test_a_command_may_go_between_two_times(said: dict[str, Any], not_before: str | None, not_after: str) -> None:
    assert (taken(**said).not_before, taken(**said).not_after) == (not_before, not_after)


@pytest.mark.parametrize(
    ("said", "fault"),
    [
        ({"not_before": later(AT, 35 * 86_400 + 1)}, "not_before: more than 35 days ahead"),
        ({"not_before": "9999-12-31T23:59:59Z"}, "not_before: more than 35 days ahead"),
        ({"not_before": "tomorrow"}, "not_before: not ISO 8601"),
        ({"not_before": "2026-02-22T00:00:00"}, "not_before: not ISO 8601 with a zone"),
        ({"not_before": ""}, "not_before: not ISO 8601"),
        ({"not_before": later(AT, 60), "not_after": later(AT, 59)}, "not_after: not later than not_before"),
        ({"not_before": later(AT, 60), "not_after": later(AT, 60)}, "not_after: not later than not_before"),
        ({"not_after": later(AT, 36 * 86_400 + 1)}, "not_after: more than 36 days ahead"),
        ({"not_after": "9999-12-31T23:59:59-01:00"}, "not_after: more than 36 days ahead"),
        ({"not_before": later(AT, 60), "not_after": "9999-12-31T23:59:59Z"}, "not_after: more than 36 days ahead"),
        ({"label": ""}, "label: 1 to 64"),
        ({"label": "spring sale"}, "label: 1 to 64"),
        ({"label": "x" * 65}, "label: 1 to 64"),
        ({"label": "frühling"}, "label: 1 to 64"),
    ],
)
def test_times_and_labels_that_make_no_sense_are_faults(said: dict[str, Any], fault: str) -> None:
    found = accept(msgspec.structs.replace(COMMAND, **said), RULES, AT, Place(0, 7))
    assert isinstance(found, list), found
    assert [one[: len(fault)] for one in found] == [fault]


@pytest.mark.parametrize(
    ("said", "purpose"),
    [
        ({}, "utility"),
        ({"body": None, "content_sid": "HX" + "a" * 32}, "marketing"),
        ({"body": None, "template": NamedTemplate(name="shipped")}, "marketing"),
        ({"purpose": "marketing"}, "marketing"),
        ({"body": None, "content_sid": "HX" + "a" * 32, "purpose": "authentication"}, "authentication"),
    ],
)
def test_a_purpose_that_is_left_out_follows_from_the_content(said: dict[str, Any], purpose: str) -> None:
    assert (taken(**said).purpose, taken(**said).purpose_said) == (purpose, "purpose" in said)
    assert taken(label="spring-sale").label == "spring-sale"
    assert taken().label is None


def test_no_producer_may_claim_to_answer_a_stop() -> None:
    assert taken().confirms is None


@pytest.mark.parametrize(
    ("to", "towards"),
    [
        ("+919876543210", "+91"),
        ("+917400123456", "+9174"),
        ("+14155550123", ""),
        ("whatsapp:+919876543210", ""),
    ],
)
def test_the_destination_that_has_a_rate_is_the_longest_that_fits_and_a_carriers(to: str, towards: str) -> None:
    rules = RULES._replace(destinations=("+91", "+9174", "+92"))
    assert taken(rules, to=to, **({"from_": "whatsapp:+14155550100"} if "whatsapp" in to else {})).towards == towards
