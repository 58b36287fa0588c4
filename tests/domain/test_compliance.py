"""Registrations with US carriers: who may write where, what is not concluded, and what does not fit a campaign."""

from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.domain.compliance.events import Brand, Campaign, ComplianceStated, Verification
from services.domain.compliance.listing import Listed, changes, stated
from services.domain.compliance.registry import NOTHING_KNOWN, Registry, said, told_of
from services.domain.compliance.states import state_of
from services.domain.compliance.throughput import a_second
from services.domain.compliance.usecases import misfits

AT = "2026-11-30T08:00:00.000Z"
MAIN, SUB = "AC" + "a" * 32, "AC" + "b" * 32
SERVICE, OTHER = "MG" + "a" * 32, "MG" + "b" * 32
# In New York, Toronto, Puerto Rico, Guam, the Bahamas, Jamaica; one of a plan that nobody knows; and overseas.
US, CANADA, PUERTO_RICO, GUAM, BAHAMAS, JAMAICA = (
    "+12125550123", "+14165550123", "+17872340123", "+16714720123", "+12423591234", "+18762101234",
)  # fmt: skip
UNKNOWN, UK = "+19995550199", "+447700900123"
LONG, SECOND, CANADIAN, FREE, CODE = "+14155550100", "+14155550101", "+16475550100", "+18885550100", "12345"


def account(
    campaigns: dict[str, str] | None = None, services: dict[str, list[str]] | None = None, **other: Any
) -> ComplianceStated:
    """`campaigns`: service → status."""
    made = [
        Campaign(sid=f"QE{place}", service=service, status=status)
        for place, (service, status) in enumerate((campaigns or {}).items())
    ]
    content = {
        "event_id": "e", "tenant": "acme", "account": MAIN, "at": AT, "campaigns": made, "services": services or {},
        "numbers": [LONG, SECOND, CANADIAN, FREE],
    }  # fmt: skip
    return ComplianceStated(**content | other)


def verified(status: str, number: str = FREE, sid: str = "HH1") -> Verification:
    return Verification(sid=sid, number=number, status=status)


@pytest.mark.parametrize(
    ("status", "state"),
    [
        ("VERIFIED", None),
        ("IN_PROGRESS", "pending"),
        ("PENDING", "pending"),
        ("SUSPENDED", "suspended"),
        ("FAILED", "refused"),
        ("verified", None),
        ("SOMETHING_NEW", None),
        (None, "unregistered"),
    ],
)
def test_a_long_code_writes_to_the_us_by_an_approved_campaign(status: str | None, state: str | None) -> None:
    registry = Registry([account({SERVICE: status} if status else {}, {SERVICE: [LONG]})])
    unfit = registry.unfit(LONG, None, US)
    assert (unfit.state if unfit else None) == state
    if unfit is not None:
        assert LONG in said(unfit)


@pytest.mark.parametrize(
    ("sender", "to", "may"),
    [
        (LONG, US, False),
        (LONG, PUERTO_RICO, False),
        (LONG, GUAM, False),
        # The rule of a plan that is newer than the library is the strictest of its calling code.
        (LONG, UNKNOWN, False),
        (LONG, CANADA, True),
        (LONG, BAHAMAS, True),
        (LONG, JAMAICA, True),
        (LONG, UK, True),
        (CANADIAN, US, False),
        (CANADIAN, CANADA, True),
        (FREE, US, False),
        (FREE, CANADA, False),
        (FREE, BAHAMAS, True),
        (FREE, UK, True),
        (CODE, US, True),
        ("ACME", US, True),
        # No list has it: it may have been bought since.
        ("+14155550177", US, True),
    ],
)
def test_what_is_registered_nowhere_writes_to_some_countries_of_plus_one(sender: str, to: str, may: bool) -> None:
    assert (Registry([account()]).unfit(sender, None, to) is None) == may
    assert NOTHING_KNOWN.unfit(sender, None, to) is None


@pytest.mark.parametrize(
    ("statuses", "state"),
    [
        ([], "unregistered"),
        (["TWILIO_APPROVED"], None),
        (["PENDING_REVIEW"], "pending"),
        (["IN_REVIEW"], "pending"),
        (["TWILIO_REJECTED"], "refused"),
        # It was submitted again, or is at two accounts.
        (["TWILIO_REJECTED", "IN_REVIEW"], "pending"),
        (["TWILIO_REJECTED", "TWILIO_APPROVED"], None),
        (["NEW_WORD"], None),
    ],
)
def test_of_several_verifications_of_a_number_the_best_counts(statuses: list[str], state: str | None) -> None:
    found = [verified(status, sid=f"HH{place}") for place, status in enumerate(statuses)]
    unfit = Registry([account(verifications=found)]).unfit(FREE, None, CANADA)
    assert (unfit.state if unfit else None) == state


@pytest.mark.parametrize(
    ("members", "state"),
    [
        ([LONG, SECOND], "unregistered"),
        ([LONG, FREE], "pending"),
        # Twilio may take these.
        ([LONG, CODE], None),
        ([LONG, "rcs:acme_agent"], None),
        ([LONG, UK], None),
        ([LONG, "+14155550177"], None),
        ([LONG, "ACME", "whatsapp:+14155550100"], "unregistered"),
        ([], None),
    ],
)
def test_a_service_is_stopped_where_none_of_its_members_may_write(members: list[str], state: str | None) -> None:
    registry = Registry([account({}, {SERVICE: members}, verifications=[verified("IN_REVIEW")])])
    unfit = registry.unfit(None, SERVICE, US)
    assert (unfit.state if unfit else None) == state
    if unfit is not None:
        assert SERVICE in said(unfit)
    assert registry.unfit(None, OTHER, US) is None


@pytest.mark.parametrize(
    ("members", "state"),
    [([LONG], "suspended"), ([SECOND], None), ([FREE], None), ([LONG, FREE], None), ([FREE, LONG], None)],
)
def test_by_what_is_listed_a_number_without_a_registration_stops_nothing(members: list[str], state: str | None) -> None:
    """It may be another account's: who has it verified is not always who owns it."""
    registry = Registry([account({SERVICE: "SUSPENDED"}, {SERVICE: [LONG], OTHER: members})])
    service, number = registry.unfit(None, OTHER, US, "listed"), registry.unfit(members[0], None, US, "listed")
    assert (service.state if service else None) == state
    if len(members) == 1:
        assert (number.state if number else None) == state
    assert registry.unfit(None, OTHER, US, "enforced") is not None
    assert registry.unfit(None, OTHER, US, "told") is None


def test_what_may_not_write_is_said_of_all_accounts_of_a_tenant_together() -> None:
    main = account({}, {}, numbers=[LONG, FREE])
    sub = account({OTHER: "FAILED"}, {OTHER: [SECOND]}, numbers=[SECOND], account=SUB, verifications=[verified("X")])
    assert told_of([main, sub]) == (
        "2 of 3 +1 numbers may not write to the US by these lists: 1 long code refused, 1 long code unregistered; what "
        "comes of that, the tenant's compliance.registration says"
    )
    assert told_of([account({}, {}, numbers=[])]) is None


def test_a_number_that_has_moved_goes_by_the_campaign_of_its_new_service() -> None:
    campaigns = {SERVICE: "VERIFIED", OTHER: "SUSPENDED"}
    before = account(campaigns, {SERVICE: [LONG], OTHER: []})
    after = account(campaigns, {SERVICE: [], OTHER: [LONG]})
    assert Registry([before]).unfit(LONG, None, US) is None
    moved = Registry([after]).unfit(LONG, None, US)
    assert moved is not None
    assert moved.state == "suspended"


def test_a_subaccounts_registrations_are_its_own() -> None:
    main = account({}, {}, numbers=[LONG])
    sub = account({OTHER: "VERIFIED"}, {OTHER: [SECOND]}, numbers=[SECOND], account=SUB, event_id="f")
    for registry in (Registry([main, sub]), Registry([sub, main])):
        assert registry.unfit(SECOND, None, US) is None
        assert registry.unfit(LONG, None, US) is not None
        assert registry.version == Registry([main, sub]).version
    # Only the main account was read: of the other's numbers nothing is known.
    assert Registry([main]).unfit(SECOND, None, US) is None


STATED = {"campaign_status": "VERIFIED", "messaging_service_sid": SERVICE, "sid": "QE1", "has_embedded_links": False}


def listed(**other: Any) -> ComplianceStated:
    told = Listed(
        [{"sid": "BN1", "status": "APPROVED", "brand_score": 61}], [STATED], [], [LONG, UK], {SERVICE: [LONG]}
    )
    return stated("acme", MAIN, told._replace(**other), AT)


def test_what_twilio_lists_is_stated_once_and_told_when_a_status_moves() -> None:
    before = listed()
    assert before.numbers == [LONG]
    assert before.campaigns[0].links is False
    assert before.campaigns[0].phones is None
    assert changes({MAIN: before}, [listed()]) == []
    [change] = changes({MAIN: before}, [listed(campaigns=[{**STATED, "campaign_status": "SUSPENDED"}])])
    assert (change.kind, change.told) == ("stopped", (f"campaign QE1 of {SERVICE}: VERIFIED → SUSPENDED",))
    [change] = changes({MAIN: before}, [listed(brands=[])])
    assert (change.kind, change.told) == ("changed", ("brand BN1: APPROVED → gone",))
    [change] = changes({}, [before])
    assert change.kind == "new"
    [change] = changes({MAIN: before}, [])
    assert change.kind == "gone"


@given(st.dictionaries(st.sampled_from([*sorted(STATED), "rate_limits", "errors", "mock"]), st.one_of(
    st.none(), st.booleans(), st.integers(), st.text(), st.lists(st.text()), st.dictionaries(st.text(), st.text())
)))  # fmt: skip
def test_whatever_twilio_says_is_stated(odd: dict[str, Any]) -> None:
    one = listed(campaigns=[odd], brands=[odd], verifications=[odd])
    assert len(one.campaigns) == len(one.brands) == len(one.verifications) == 1
    Registry([one]).unfit(LONG, None, US)


@pytest.mark.parametrize(
    ("usecase", "purpose", "fits"),
    [
        ("MARKETING", "marketing", True),
        ("MARKETING", "utility", True),
        ("MARKETING", "authentication", False),
        ("2FA", "authentication", True),
        ("2FA", "utility", False),
        ("2FA", "marketing", False),
        ("ACCOUNT_NOTIFICATION", "marketing", False),
        ("ACCOUNT_NOTIFICATION", "utility", True),
        ("MIXED", "marketing", True),
        ("LOW_VOLUME", "authentication", True),
        ("SOLE_PROPRIETOR", "marketing", True),
        ("A_NEW_ONE", "marketing", True),
        ("", "marketing", True),
    ],
)
def test_a_purpose_that_a_use_case_rules_out_is_told(usecase: str, purpose: str, fits: bool) -> None:
    campaign = Campaign(sid="QE1", service=SERVICE, status="VERIFIED", usecase=usecase)
    assert ([one.kind for one in misfits(campaign, purpose, "", shortens=False, blocks=False)] == []) == fits


@pytest.mark.parametrize(
    ("body", "kinds"),
    [
        ("Your order is on its way", []),
        ("See https://example.com/x", ["link"]),
        ("see www.example.com", ["link"]),
        ("see example.com/offer", ["link"]),
        ("e.g. 3.5 of 4/5, at 10.30/11", []),
        ("Call (212) 555-0123", ["phone"]),
        ("Call +1 212 555 0123 or see example.co.uk/x", ["link", "phone"]),
        ("Your code is 123456", []),
        ("Order 20261130", []),
    ],
)
def test_links_and_numbers_are_told_where_a_campaign_has_none(body: str, kinds: list[str]) -> None:
    campaign = Campaign(sid="QE1", service=SERVICE, status="VERIFIED", links=False, phones=False)
    assert [one.kind for one in misfits(campaign, "utility", body, shortens=False, blocks=False)] == kinds
    silent = Campaign(sid="QE1", service=SERVICE, status="VERIFIED", links=None, phones=True)
    assert misfits(silent, "utility", body, shortens=True, blocks=False) == []


def test_links_that_twilio_shortens_are_links() -> None:
    campaign = Campaign(sid="QE1", service=SERVICE, status="VERIFIED", links=False)
    [found] = misfits(campaign, "utility", "no link", shortens=True, blocks=True)
    assert (found.kind, found.blocks) == ("link", True)


@pytest.mark.parametrize(
    ("usecase", "brand", "rate"),
    [
        ("MIXED", Brand(sid="BN", status="APPROVED", score=75), 225.0),
        ("MIXED", Brand(sid="BN", status="APPROVED", score=74), 120.0),
        ("MARKETING", Brand(sid="BN", status="APPROVED", score=49), 12.0),
        ("LOW_VOLUME", Brand(sid="BN", status="APPROVED", score=90), 3.75),
        ("MIXED", Brand(sid="BN", status="APPROVED", type="SOLE_PROPRIETOR"), 1.0),
        ("MIXED", Brand(sid="BN", status="APPROVED"), None),
        ("MIXED", None, None),
    ],
)
def test_a_campaigns_rate_is_by_its_brands_score(usecase: str, brand: Brand | None, rate: float | None) -> None:
    assert a_second(Campaign(sid="QE", service=SERVICE, status="VERIFIED", usecase=usecase), brand) == rate


def test_a_word_of_twilios_that_is_new_stops_nobody() -> None:
    assert state_of("ENTIRELY_NEW") == "unknown"
    registry = Registry([account({SERVICE: "ENTIRELY_NEW"}, {SERVICE: [LONG]})])
    assert registry.unfit(LONG, None, US) is None
    assert registry.campaign(LONG, None, US) is None


def test_a_sender_goes_as_fast_as_its_one_campaign() -> None:
    brand = Brand(sid="BN1", status="APPROVED", score=60)
    made = [Campaign(sid="QE1", service=SERVICE, status="VERIFIED", usecase="MIXED", brand="BN1")]
    registry = Registry([account(campaigns=None, services={SERVICE: [LONG, SECOND], OTHER: [CODE]})])
    assert registry.pace(LONG) is None
    known = account(services={SERVICE: [LONG, SECOND, CODE], OTHER: []}, brands=[brand])
    registry = Registry([msgspec.structs.replace(known, campaigns=made)])
    for sender in (LONG, SECOND, SERVICE):
        assert registry.pace(sender) == ("QE1", 120.0)
    for sender in (CODE, FREE, "ACME", OTHER, CANADIAN):
        assert registry.pace(sender) is None
    pending = [msgspec.structs.replace(made[0], status="IN_PROGRESS")]
    assert Registry([msgspec.structs.replace(known, campaigns=pending)]).pace(LONG) is None
