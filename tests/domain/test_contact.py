"""Who a message is to or from: one person, one key."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.domain.contact import bare, canonical, contact_key

SECRET = b"a tenant's secret"


@pytest.mark.parametrize(
    ("address", "expected"),
    [
        ("+14155550123", "+14155550123"),
        ("14155550123", "+14155550123"),
        # A form that decodes + as a blank.
        (" 14155550123", "+14155550123"),
        ("whatsapp:+14155550123", "+14155550123"),
        ("WhatsApp:+14155550123", "+14155550123"),
        ("whatsapp:14155550123", "+14155550123"),
        ("whatsapp: +14155550123", "+14155550123"),
        ("whatsapp:whatsapp:+14155550123", "+14155550123"),
        ("rcs:+14155550123", "+14155550123"),
        # A person by RCS is their number, a sender is an agent.
        ("RCS: 14155550123", "+14155550123"),
        ("rcs:acme_agent", "rcs:acme_agent"),
        ("whatsapp:rcs:acme_agent", "rcs:acme_agent"),
        ("sms:+14155550123", "+14155550123"),
        # Each channel's ids are of its own.
        ("messenger:1234567890", "messenger:1234567890"),
        ("Messenger: 14155550123", "messenger:14155550123"),
        ("messenger:messenger:14155550123", "messenger:14155550123"),
        ("instagram:14155550123", "instagram:14155550123"),
        ("line:Ab:c", "line:Ab:c"),
        ("line:U4af4980629", "line:U4af4980629"),
        ("sip:Ann@example.org", "sip:Ann@example.org"),
        ("tel:+14155550123", "tel:+14155550123"),
        ("messenger:", "messenger:"),
        # Brazil: mobiles with and without the ninth digit; a landline has none.
        ("+5511987654321", "+5511987654321"),
        ("+551187654321", "+5511987654321"),
        ("whatsapp:+551187654321", "+5511987654321"),
        ("+551134567890", "+551134567890"),
        # Mexico: with and without the mobile 1.
        ("+5215512345678", "+525512345678"),
        ("+525512345678", "+525512345678"),
        # Argentina: with and without the mobile 9.
        ("+5491123456789", "+541123456789"),
        ("+541123456789", "+541123456789"),
        # Business-scoped ids never become phones.
        ("US.13491208655302741918", "US.13491208655302741918"),
        ("us.13491208655302741918", "US.13491208655302741918"),
        ("whatsapp:US.13491208655302741918", "US.13491208655302741918"),
        ("whatsapp:BR.1A2b3C", "BR.1A2b3C"),
        ("us.ENT.20000000000000000001", "US.ENT.20000000000000000001"),
        ("whatsapp:US.ENT.2", "US.ENT.2"),
        ("US..2", "US..2"),
        ("US." + "1" * 128, "US." + "1" * 128),
        ("us." + "1" * 129, "us." + "1" * 129),
        ("Ana.Silva@Example.ORG", "ana.silva@example.org"),
        # What is nobody's phone stays as it is.
        ("72645", "72645"),
        ("726450", "726450"),
        ("ACME", "ACME"),
        ("Acme Shop", "Acme Shop"),
        ("+1", "+1"),
        ("+1415555012345678", "+1415555012345678"),
        ("+1 (415) 555-0123", "+1 (415) 555-0123"),
        # Digits of other scripts, and what is pasted unseen.
        ("+１４１５５５５０１２３", "+14155550123"),
        ("＋١٤١٥٥٥٥٠١٢٣", "+14155550123"),
        ("\u202a+1415\u200b5550123\u202c", "+14155550123"),
        ("whats\u00adapp:+14155550123", "+14155550123"),
        # What no number begins with stays what it is.
        ("+0155550123", "+0155550123"),
        ("+1210", "+1210"),
        ("+1415555XXXX", "+1415555XXXX"),
        ("+266696687", "+266696687"),
        ("anonymous", "anonymous"),
        ("+14155550123;ext=5", "+14155550123;ext=5"),
        ("\ud800", "\ud800"),
        ("", ""),
        ("   ", ""),
        ("whatsapp:", ""),
    ],
)
def test_canonical(address: str, expected: str) -> None:
    assert canonical(address) == expected


@given(st.text() | st.text(alphabet="+0123456789whatspprcsm:.@ Sİſ\u200b０\ufeff", max_size=20))
def test_canonical_is_total_and_changes_nothing_twice(address: str) -> None:
    once = canonical(address)
    assert canonical(once) == once
    assert canonical(f"whatsapp:{address}") == once


@given(st.from_regex(r"[A-Za-z]{2}\.(ENT\.)?[0-9A-Za-z]{1,24}", fullmatch=True))
def test_a_business_scoped_id_is_never_prefixed(identity: str) -> None:
    assert canonical(identity) == identity[:2].upper() + identity[2:]


@given(st.text(alphabet=st.characters()) | st.just("\ud800"), st.binary(max_size=64))
def test_every_address_has_a_key(address: str, secret: bytes) -> None:
    tenant, _, digest = contact_key("acme", address, secret).partition("|")
    assert (tenant, len(digest)) == ("acme", 32)


@pytest.mark.parametrize(
    ("address", "expected"),
    [
        ("whatsapp:+14155550123", "acme|1a1f8c64e3cfd3aa307060fa518a7ae9"),
        ("US.13491208655302741918", "acme|e91ae2c41e296715752917b41bcededb"),
        ("ana.silva@example.org", "acme|ad8fb3f17632bcde9433ce8174695f8a"),
        ("", "acme|200e1e3f55785e8502208b4f0334779a"),
    ],
)
def test_keys_never_move(address: str, expected: str) -> None:
    """If this fails, every person has a new key: that is a migration, not a new golden value."""
    assert contact_key("acme", address, SECRET) == expected


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("+14155550123", "whatsapp:+14155550123"),
        ("+551187654321", "whatsapp:+5511987654321"),
        ("+5215512345678", "+525512345678"),
        ("+5491123456789", "+541123456789"),
        ("JO@example.org", "jo@EXAMPLE.org"),
    ],
)
def test_spellings_of_one_person_share_a_key(one: str, other: str) -> None:
    assert contact_key("acme", one, SECRET) == contact_key("acme", other, SECRET)


def test_no_key_is_shared_between_tenants_secrets_or_people() -> None:
    keys = {
        contact_key(tenant, address, secret)
        for tenant in ("acme", "other")
        for secret in (SECRET, b"another secret")
        for address in ("+14155550123", "+14155550124", "US.14155550123")
    }
    assert len(keys) == 12


def test_a_key_holds_no_address() -> None:
    assert "4155550123" not in contact_key("acme", "+14155550123", SECRET)


def test_bare_keeps_the_spelling() -> None:
    assert bare(" whatsapp:Ana@Example.ORG ") == "Ana@Example.ORG"
