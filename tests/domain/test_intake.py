"""Intake: which commands are taken, as what, and every fault of those that are not."""

from typing import Any

import msgspec
import pytest

from services.domain.contact import contact_key
from services.domain.messages.commands import CommandAccepted, ResolutionAccepted, ResolveAmbiguous, SendMessage
from services.domain.messages.intake import Rules, accept, resolve

SERVICE, OTHER_SERVICE = "MG" + "d" * 32, "MG" + "e" * 32
CONTENT = "HX" + "a" * 32
RULES = Rules(contact_secret=b"secret", lifetime=3600.0)
AT = "2026-02-21T18:22:11.123Z"
COMMAND = SendMessage(command_id="order-18473", tenant="acme", to="+14155550123", from_="+14155550100", body="hello")


def judged(rules: Rules = RULES, **changed: Any) -> CommandAccepted | list[str]:
    return accept(msgspec.structs.replace(COMMAND, **changed), rules, AT, 7)


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


@pytest.mark.parametrize(
    "to", ["5550123", "US.14155550123", "messenger:4155550123", "instagram:4155550123", "1-800-FLOWERS"]
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
    rules = RULES._replace(default_messaging_service=SERVICE, messaging_service_by_country={"DE": OTHER_SERVICE})
    command = taken(rules, to=to, from_=None)
    assert (command.messaging_service_sid, command.from_, command.sender) == (service, None, service)


def test_a_named_sender_or_service_is_not_routed_away() -> None:
    rules = RULES._replace(default_messaging_service=SERVICE)
    assert taken(rules).messaging_service_sid is None
    assert taken(rules, from_=None, messaging_service_sid=OTHER_SERVICE).messaging_service_sid == OTHER_SERVICE


@pytest.mark.parametrize(
    ("not_after", "normalised"),
    [
        ("2026-02-21T20:00:00+01:00", "2026-02-21T19:00:00.000Z"),
        ("2020-01-01T00:00:00Z", "2020-01-01T00:00:00.000Z"),
        ("9999-12-31T23:59:59-01:00", "9999-12-31T23:59:59.999Z"),
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
        ({"body": None}, ["body, media_urls, content_sid"]),
        ({"body": ""}, ["body, media_urls, content_sid"]),
        ({"body": "x" * 1601}, ["body"]),
        ({"media_urls": ["https://example.com/a"] * 11}, ["media_urls"]),
        ({"media_urls": ["ftp://example.com/a"]}, ["media_urls"]),
        ({"content_sid": "HX1"}, ["content_sid"]),
        ({"content_sid": CONTENT + "\n"}, ["content_sid"]),
        ({"content_variables": {"1": "x"}}, ["content_variables"]),
        ({"from_": None}, ["from, messaging_service_sid"]),
        ({"messaging_service_sid": SERVICE}, ["from, messaging_service_sid"]),
        ({"from_": None, "messaging_service_sid": "MG1"}, ["messaging_service_sid"]),
        ({"from_": "4155550100"}, ["from"]),
        ({"from_": "much too long a name"}, ["from"]),
        ({"from_": ""}, ["from"]),
        ({"from_": "whatsapp:Acme"}, ["from"]),
        ({"channel": "sms", "to": "whatsapp:+14155550123"}, ["channel"]),
        ({"channel": "whatsapp", "to": "sms:+14155550123"}, ["channel"]),
        ({"to": "rcs:+14155550123"}, ["to, from"]),
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
        (
            {"command_id": "", "to": "nobody", "from_": "", "body": None, "not_after": "soon", "attempt": -1},
            ["to", "from", "not_after", "command_id", "body, media_urls, content_sid", "attempt"],
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
        {"validity_period": 36_000, "max_price": 0.01, "attempt": 1, "application_sid": "AP" + "f" * 32},
    ],
)
def test_the_limits_themselves_are_allowed(changed: dict[str, Any]) -> None:
    taken(**changed)


def test_options_pass_through() -> None:
    options = {"max_price": 0.5, "provide_feedback": True, "validity_period": 60, "attempt": 2, "force_delivery": False}
    command = taken(**options)
    assert msgspec.to_builtins(command.options) == options


def test_a_command_produced_twice_is_two_facts_with_one_fingerprint() -> None:
    again = accept(COMMAND, RULES, "2026-03-01T00:00:00.000Z", 99)
    assert isinstance(again, CommandAccepted)
    assert again.fingerprint == taken().fingerprint
    assert again.event_id != taken().event_id, "their offsets and times differ, so their ids do"
    assert taken().event_id == taken().event_id
    assert taken(body="other").event_id != taken().event_id
    assert taken(body="other").fingerprint != taken().fingerprint
    assert taken(urgent=True).fingerprint != taken().fingerprint


MESSAGE = "SM" + "e" * 32
RESOLVE = ResolveAmbiguous(command_id="order-18473", tenant="acme", outcome="not_sent", by="ann", to="+14155550123")


def resolution(**changed: Any) -> ResolutionAccepted | list[str]:
    return resolve(msgspec.structs.replace(RESOLVE, **changed), RULES, AT, 7)


def test_a_resolution_is_taken_as_what_a_person_found_out() -> None:
    found = resolution(outcome="sent", message_sid=MESSAGE, note="in the console")
    assert isinstance(found, ResolutionAccepted)
    assert (found.tenant, found.command_id, found.accepted_at, found.by) == ("acme", "order-18473", AT, "ann")
    assert (found.outcome, found.message_sid, found.note) == ("sent", MESSAGE, "in the console")


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
    assert found.message_sid is None


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
            ["to", "command_id", "message_sid", "by, note"],
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
    again = resolve(RESOLVE, RULES, AT, 8)
    first = resolution()
    assert isinstance(again, ResolutionAccepted)
    assert isinstance(first, ResolutionAccepted)
    assert again.event_id != first.event_id
    assert resolution() == first


def test_no_producer_may_claim_to_answer_a_stop() -> None:
    assert taken().confirms is None
