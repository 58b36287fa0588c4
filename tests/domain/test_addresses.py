"""What an address is: its kind, its country, whose it may be."""

import phonenumbers
import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from phonenumbers import PhoneNumberFormat, PhoneNumberType

from services.domain.addresses import Address, countries, is_ours, judge, kind, our_sender
from services.domain.contact import canonical
from services.domain.recipients import recipient


@pytest.mark.parametrize(
    ("address", "what", "channel", "country", "person"),
    [
        ("+14155550123", "phone", "", "US", True),
        ("14155550123", "phone", "", "US", True),
        ("whatsapp:+5215512345678", "phone", "whatsapp", "MX", True),
        ("whatsapp:68212345", "phone", "whatsapp", "CK", True),
        ("+22507123456", "phone", "", "CI", True),
        ("+12005551234", "phone", "", None, True),
        ("+888123456789", "phone", "", None, True),
        ("rcs:+14155550123", "phone", "rcs", "US", True),
        ("whatsapp:US.13491208655302741918", "scoped_id", "whatsapp", "US", True),
        ("us.ENT.2", "scoped_id", "", "US", True),
        ("whatsapp:BR.abc", "scoped_id", "whatsapp", "BR", True),
        ("messenger:14155550123", "id", "messenger", None, True),
        ("instagram:1", "id", "instagram", None, True),
        ("line:U4af4980629", "id", "line", None, True),
        ("68849", "short_code", "", None, False),
        ("12345678", "short_code", "", None, False),
        ("SUPPORT", "name", "", None, False),
        ("Acme 24-7", "name", "", None, False),
        ("rcs:acme_agent", "agent", "rcs", None, False),
        ("ann@example.org", "email", "", None, False),
        ("jürgen+news@müller.example", "email", "", None, False),
        ("xxx@example.org", "email", "", None, False),
        ("a***@example.org", "masked", "", None, False),
        ("ann@e•••.org", "masked", "", None, False),
        ("<ann@example.org>", "unknown", "", None, False),
        ("ann@example.org;", "unknown", "", None, False),
        ("ann@example.org,bob@example.org", "unknown", "", None, False),
        ("Ann <ann@example.org>", "unknown", "", None, False),
        ("whatsapp:ann@example.org", "unknown", "whatsapp", None, False),
        ("+1415555XXXX", "masked", "", None, False),
        ("+1415•••••23", "masked", "", None, False),
        ("whatsapp:+1415555XXXX", "masked", "whatsapp", None, False),
        ("+266696687", "withheld", "", None, False),
        ("Restricted", "withheld", "", None, False),
        ("", "nothing", "", None, False),
        ("whatsapp:", "nothing", "whatsapp", None, False),
        ("+1210", "unknown", "", None, False),
        ("+0155550123", "unknown", "", None, False),
        ("+14155550123;ext=5", "unknown", "", None, False),
        ("client:ann", "unknown", "client", None, False),
        ("Dr.Smith", "unknown", "", None, False),
        ("\ud800", "unknown", "", None, False),
    ],
)
def test_an_address_is_known_for_what_it_is(
    address: str, what: str, channel: str, country: str | None, person: bool
) -> None:
    found = judge(address)
    assert (found.kind, found.channel, found.country, found.is_person) == (what, channel, country, person)
    assert found.canonical == canonical(address)
    assert kind(address) == what
    assert bool(found.why_not) is not person


@pytest.mark.parametrize("phone", ["+18005550123", "+18335550123", "whatsapp:+18885550123", "18445550123"])
def test_toll_free_numbers_are_known(phone: str) -> None:
    assert judge(phone).toll_free


@pytest.mark.parametrize("phone", ["+14155550123", "+448005550123", "+18015550123", "80055", "messenger:18005550123"])
def test_others_are_not_toll_free(phone: str) -> None:
    assert not judge(phone).toll_free


WHOM: dict[str, tuple[str, ...]] = {
    "whatsapp": ("phone", "scoped_id"),
    "sms": ("phone",),
    "rcs": ("phone",),
    "messenger": ("id",),
}


# With Germany's code it has sixteen digits, which the library takes for possible.
@example("10000000000000")
@given(st.text() | st.text(alphabet="+0123456789whatsp:.@XUSENTxrc ;\ud800", max_size=20))
def test_judging_is_total(address: str) -> None:
    found = judge(address)
    assert found.canonical == canonical(address)
    for channel, kinds in WHOM.items():
        for region in (None, "US", "DE"):
            whom = recipient(address, channel, region)
            assert isinstance(whom, Address) or whom
            if isinstance(whom, Address):
                assert whom.kind in kinds
        assert our_sender(address, channel) != ""
    assert is_ours(address) in (True, False)
    assert countries(address) is not None


@pytest.mark.parametrize("region", sorted(phonenumbers.SUPPORTED_REGIONS))
def test_whoever_has_a_valid_number_is_answered_under_the_key_they_wrote_under(region: str) -> None:
    for type_ in PhoneNumberType.values():
        example = phonenumbers.example_number_for_type(region, type_)
        if example is None or not phonenumbers.is_valid_number(example):
            continue
        phone = phonenumbers.format_number(example, PhoneNumberFormat.E164)
        # Seven digits are E.164's least here, and Canada's 310 is dialled at home alone.
        if len(phone) < 8 or (example.country_code == 1 and len(phone) != 12):
            continue
        for channel in ("whatsapp", "sms", "rcs"):
            whom = recipient(phone, channel)
            assert isinstance(whom, Address), (phone, whom)
            assert whom.canonical == canonical(phone)


@given(st.from_regex(r"\+[1-9][0-9]{6,14}", fullmatch=True))
def test_whoever_wrote_by_whatsapp_can_be_answered(phone: str) -> None:
    found = judge(f"whatsapp:{phone}")
    assert isinstance(recipient(f"whatsapp:{phone}", "whatsapp"), Address) or found.kind == "withheld"


@pytest.mark.parametrize(
    ("address", "some", "others"),
    [
        ("+14155550123", {"US"}, {"CA"}),
        ("+12005551234", {"US", "CA", "PR", "DO"}, {"DE"}),
        ("whatsapp:FR.1", {"FR"}, {"DE"}),
        ("messenger:1", set(), {"US"}),
        ("+888123456789", set(), {"US"}),
        ("+999123456789", set(), {"US"}),
        ("", set(), {"US"}),
    ],
)
def test_where_the_country_is_not_known_all_of_the_calling_code_may_be(
    address: str, some: set[str], others: set[str]
) -> None:
    found = countries(address)
    assert some <= found
    assert not others & found
    assert bool(found) == bool(some)


@pytest.mark.parametrize(
    ("address", "channel", "sender"),
    [
        ("+14155550100", "sms", "+14155550100"),
        (" whatsapp:+14155550100", "whatsapp", "+14155550100"),
        ("72345", "sms", "72345"),
        ("Acme & Co", "sms", "Acme & Co"),
        ("PRIVATE", "sms", "PRIVATE"),
        ("72345", "whatsapp", None),
        ("Acme", "whatsapp", None),
        ("4155550100", "sms", None),
        ("", "sms", None),
        ("rcs:acme_agent", "rcs", "acme_agent"),
        ("acme_agent", "rcs", None),
        ("rcs:+14155550100", "rcs", None),
        ("messenger:103400000000001", "messenger", "103400000000001"),
        ("messenger:+14155550100", "messenger", None),
        ("instagram:103400000000001", "messenger", None),
    ],
)
def test_a_sender_of_ours(address: str, channel: str, sender: str | None) -> None:
    assert our_sender(address, channel) == sender
