"""How far an opt-out reaches, as text: one spelling for each sender and service."""

import pytest

from services.domain.consent.scopes import TENANT, scopes_of, sender_scope, service_scope


@pytest.mark.parametrize(
    ("sender", "scope"),
    [
        ("+14155550100", "sender:+14155550100"),
        ("14155550100", "sender:+14155550100"),
        (" +14155550100 ", "sender:+14155550100"),
        ("sms:+14155550100", "sender:+14155550100"),
        ("mms:+14155550100", "sender:+14155550100"),
        ("whatsapp:+14155550100", "sender:whatsapp:+14155550100"),
        ("WhatsApp:+14155550100", "sender:whatsapp:+14155550100"),
        ("whatsapp: 14155550100", "sender:whatsapp:+14155550100"),
        ("rcs:acme_agent", "sender:rcs:acme_agent"),
        # By RCS a number of ours is the sender that it is by SMS.
        ("rcs:+14155550100", "sender:+14155550100"),
        ("Messenger:1034", "sender:messenger:1034"),
        ("messenger:1034", "sender:messenger:1034"),
        # A person of Brazil is written in two ways, and so is a sender.
        ("whatsapp:+551187654321", "sender:whatsapp:+5511987654321"),
        ("12345", "sender:12345"),
        ("ACME", "sender:ACME"),
        ("MG9752274e9e519418a7406176694466fa", "service:MG9752274e9e519418a7406176694466fa"),
    ],
)
def test_a_sender_has_one_scope(sender: str, scope: str) -> None:
    assert sender_scope(sender) == scope


def test_a_number_is_another_sender_by_whatsapp() -> None:
    assert sender_scope("+14155550100") != sender_scope("whatsapp:+14155550100")


@pytest.mark.parametrize(
    ("sender", "service", "scopes"),
    [
        ("+14155550100", None, ("sender:+14155550100",)),
        ("+14155550100", "MG1", ("sender:+14155550100", "service:MG1")),
        (None, "MG1", ("service:MG1",)),
        ("", "", ()),
        (None, None, ()),
    ],
)
def test_a_message_stands_in_the_scopes_of_its_sender_and_service(
    sender: str | None, service: str | None, scopes: tuple[str, ...]
) -> None:
    assert scopes_of(sender, service) == scopes


def test_no_sender_and_no_service_is_the_tenant() -> None:
    assert TENANT not in {sender_scope("tenant"), service_scope("tenant")}
