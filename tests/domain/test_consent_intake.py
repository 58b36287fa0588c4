"""Intake of explicit consent: which statements are taken, as what, and every fault of those that are not."""

from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.domain.consent.commands import ConsentAccepted, RecordConsent
from services.domain.consent.intake import MAX_PROOF_CHARACTERS, accept
from services.domain.consent.scopes import TENANT, scopes_of
from services.domain.consent.standing import consented, suppressed
from services.domain.contact import contact_key
from services.domain.identity import Place
from services.domain.messages.consent import Suppressing

AT = "2026-02-21T18:22:11.123Z"
SECRET = b"secret"
SERVICE = "MG" + "d" * 32
COMMAND = RecordConsent(command_id="form-1", tenant="acme", address="+14155550123", action="opt_in")


def judged(**changed: Any) -> ConsentAccepted | list[str]:
    return accept(msgspec.structs.replace(COMMAND, **changed), SECRET, AT, Place(0, 7))


def taken(**changed: Any) -> ConsentAccepted:
    accepted = judged(**changed)
    assert isinstance(accepted, ConsentAccepted), accepted
    return accepted


def faults(**changed: Any) -> list[str]:
    found = judged(**changed)
    assert isinstance(found, list), found
    return found


def test_a_statement_is_taken_with_its_identity_time_and_proof() -> None:
    told = {"source": "form", "ip": "203.0.113.7", "user_agent": "Firefox", "proof": "https://example.com/form-1"}
    accepted = taken(**told)
    assert (accepted.tenant, accepted.command_id, accepted.accepted_at) == ("acme", "form-1", AT)
    assert (accepted.action, accepted.scope, accepted.given_at) == ("opt_in", TENANT, AT)
    assert {name: getattr(accepted, name) for name in told} == told


@pytest.mark.parametrize(
    ("address", "kept"),
    [
        ("+14155550123", "+14155550123"),
        ("whatsapp:+14155550123", "+14155550123"),
        (" WhatsApp: +14155550123 ", "+14155550123"),
        ("sms:+14155550123", "+14155550123"),
    ],
)
def test_a_person_has_one_contact_on_every_channel(address: str, kept: str) -> None:
    accepted = taken(address=address)
    assert accepted.contact == contact_key("acme", "+14155550123", SECRET)
    assert accepted.address == kept


def test_a_person_may_have_a_business_scoped_id() -> None:
    assert taken(address="whatsapp:us.1349a").contact == contact_key("acme", "US.1349a", SECRET)


def test_a_person_may_have_an_email_in_one_spelling() -> None:
    accepted = taken(address=" Ann@Example.COM ")
    assert accepted.contact == contact_key("acme", "ann@example.com", SECRET)
    assert accepted.address == "ann@example.com"


@pytest.mark.parametrize(
    ("address", "name"),
    [
        ("us.ENT.20000000000000000001", "US.ENT.20000000000000000001"),
        ("messenger:1234567890123456", "messenger:1234567890123456"),
        ("whatsapp:14155550123", "+14155550123"),
        # A no is heard of whatever may be a number.
        ("+22507123456", "+2250707123456"),
        ("+2012345678901", "+2012345678901"),
    ],
)
def test_a_person_is_known_by_every_name(address: str, name: str) -> None:
    assert taken(address=address).contact == contact_key("acme", name, SECRET)


@pytest.mark.parametrize(
    "address",
    [
        "", "ann@", "@example.com", "ann@example", "ann @example.com", "a@b@example.com", f"{'a' * 65}@example.com",
        "+1415", "+0155550123", "555 0123", "US.", "+" * 300, "68849", "SUPPORT", "rcs:acme",
        "+1415555XXXX", "+266696687", "4155550123", "14155550123", "tel:+14155550123", "\ud800",
    ],
)  # fmt: skip
def test_whom_nobody_could_write_to_has_nothing_to_say(address: str) -> None:
    assert [fault.split(":")[0] for fault in faults(address=address)] == ["address"]


@pytest.mark.parametrize(
    ("sender", "service", "scope"),
    [
        (None, None, "tenant"),
        (None, SERVICE, f"service:{SERVICE}"),
        ("+14155550100", None, "sender:+14155550100"),
        ("whatsapp:+14155550100", None, "sender:whatsapp:+14155550100"),
        ("72345", None, "sender:72345"),
        ("Acme & Co", None, "sender:Acme & Co"),
        ("whatsapp:+551187654321", None, "sender:whatsapp:+5511987654321"),
    ],
)
def test_a_statement_reaches_one_sender_a_service_or_all_of_the_tenant(
    sender: str | None, service: str | None, scope: str
) -> None:
    accepted = taken(sender=sender, messaging_service_sid=service)
    assert accepted.scope == scope
    # The scope that a command of this sender is judged by.
    assert scope == TENANT or accepted.scope in scopes_of(sender, service)


@pytest.mark.parametrize(
    ("given_at", "kept"),
    [
        (None, AT),
        ("2026-02-20T12:00:00Z", "2026-02-20T12:00:00.000Z"),
        ("2026-02-21T19:22:11.122+01:00", "2026-02-21T18:22:11.122Z"),
        ("2026-02-21T18:22:11.124Z", AT),
        ("9999-12-31T23:59:59-12:00", AT),
        ("0001-01-01T00:00:00+12:00", "0001-01-01T00:00:00.000Z"),
    ],
)
def test_when_it_was_said_is_kept_in_utc_and_never_lies_ahead(given_at: str | None, kept: str) -> None:
    assert taken(given_at=given_at).given_at == kept


@given(st.text() | st.datetimes(timezones=st.timezones()).map(lambda moment: moment.isoformat()))
def test_whatever_is_said_of_the_time_it_is_a_fault_or_not_later_than_the_command(given_at: str) -> None:
    answer = judged(given_at=given_at)
    if isinstance(answer, list):
        assert [fault.split(":")[0] for fault in answer] == ["given_at"]
    else:
        assert answer.given_at <= answer.accepted_at == AT


@pytest.mark.parametrize(
    ("changed", "fields"),
    [
        ({"command_id": ""}, ["command_id"]),
        ({"command_id": "two words"}, ["command_id"]),
        ({"command_id": "x" * 129}, ["command_id"]),
        ({"sender": ""}, ["sender"]),
        ({"sender": "+14155550100 "}, ["sender"]),
        ({"sender": "much too long a name"}, ["sender"]),
        ({"sender": "messenger:+14155550100"}, ["sender"]),
        ({"sender": SERVICE}, ["sender"]),
        ({"messaging_service_sid": "MG1"}, ["messaging_service_sid"]),
        ({"messaging_service_sid": ""}, ["messaging_service_sid"]),
        ({"messaging_service_sid": SERVICE + "\n"}, ["messaging_service_sid"]),
        ({"sender": "+14155550100", "messaging_service_sid": SERVICE}, ["sender, messaging_service_sid"]),
        ({"given_at": "yesterday"}, ["given_at"]),
        ({"given_at": ""}, ["given_at"]),
        ({"given_at": "2026-02-20T12:00:00"}, ["given_at"]),
        ({"source": "x" * 201}, ["source"]),
        ({"ip": "x" * 65}, ["ip"]),
        ({"user_agent": "x" * 501}, ["user_agent"]),
        ({"proof": "x" * (MAX_PROOF_CHARACTERS + 1)}, ["proof"]),
        (
            {
                "address": "nobody", "command_id": "", "sender": "", "messaging_service_sid": "MG1", "given_at": "soon",
                "source": "x" * 999, "ip": "x" * 999, "user_agent": "x" * 999, "proof": "x" * 9999,
            },
            [
                "address", "command_id", "sender, messaging_service_sid", "messaging_service_sid", "given_at",
                "source", "ip", "user_agent", "proof",
            ],
        ),
    ],
)  # fmt: skip
def test_every_fault_is_named_and_all_at_once(changed: dict[str, Any], fields: list[str]) -> None:
    found = faults(**changed)
    assert [fault.split(":")[0] for fault in found] == fields
    assert all(len(fault) < 200 for fault in found), "none quotes what it was given"


@pytest.mark.parametrize(
    "changed",
    [
        {"command_id": "x" * 128},
        {"source": "x" * 200, "ip": "x" * 64, "user_agent": "x" * 500, "proof": "🎉" * MAX_PROOF_CHARACTERS},
        {"source": "", "ip": "", "user_agent": "", "proof": ""},
        {"sender": "x" * 11},
        {"sender": "+123456789012345"},
    ],
)
def test_the_limits_themselves_are_allowed(changed: dict[str, Any]) -> None:
    taken(**changed)


def test_a_statement_produced_twice_is_two_facts_and_one_statement() -> None:
    first, again = taken(), accept(COMMAND, SECRET, "2026-02-22T00:00:00.000Z", Place(0, 99))
    assert isinstance(again, ConsentAccepted)
    assert taken() == first
    assert again.event_id != first.event_id, "where and when it was produced is told"
    fold = Suppressing({})
    state, _ = fold(None, first)
    joined, told = fold(state, again)
    assert (joined, told) == (state, []), "the person has said it once"


@pytest.mark.parametrize("action", ["opt_in", "opt_out"])
@pytest.mark.parametrize("sender", [None, "+14155550100", "whatsapp:+14155550100", "72345"])
def test_what_is_taken_is_what_the_sender_is_judged_by(action: str, sender: str | None) -> None:
    state, _ = Suppressing({})(None, taken(action=action, sender=sender))
    scopes = scopes_of(sender, None) or (TENANT,)
    assert list(suppressed(state)) == ([*scopes] if action == "opt_out" else [])
    assert (consented(state, scopes) is not None) == (action == "opt_in")


MESSAGE = "SM" + "a" * 32


def test_a_dismissal_names_a_message() -> None:
    accepted = taken(action="dismiss", message_sid=MESSAGE)
    assert (accepted.action, accepted.message_sid, accepted.scope) == ("dismiss", MESSAGE, TENANT)


@pytest.mark.parametrize(
    ("changed", "wrong"),
    [
        ({"action": "dismiss"}, ["message_sid"]),
        ({"action": "dismiss", "message_sid": "SM1"}, ["message_sid"]),
        ({"action": "dismiss", "message_sid": MESSAGE, "sender": "+14155550100"}, ["sender, messaging_service_sid"]),
        (
            {"action": "dismiss", "message_sid": MESSAGE, "messaging_service_sid": SERVICE},
            ["sender, messaging_service_sid"],
        ),
        ({"action": "opt_out", "message_sid": MESSAGE}, ["message_sid"]),
        ({"action": "opt_in", "message_sid": MESSAGE}, ["message_sid"]),
    ],
)
def test_a_dismissal_is_of_one_message_and_nothing_else_is(changed: dict[str, Any], wrong: list[str]) -> None:
    assert [fault.split(":")[0] for fault in faults(**changed)] == wrong
