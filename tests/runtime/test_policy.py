"""The tenants' settings as the domain wants them: words, texts, and the rules of a country."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.domain.consent.hearing import Message, hear
from services.domain.consent.keywords import Words
from services.domain.gate.view import ConsentRules
from services.domain.messages.confirmation import Texts
from services.runtime.config import Settings
from services.runtime.policy import Policy
from services.runtime.replying import confirmation_texts, words_of
from services.runtime.tenants.live import Tenants
from services.runtime.tenants.sections.consent import ConsentSettings

STRICT = {"stop_reaches": "tenant", "consent_for": "everything", "consent_days": 365.0}


def policy(**settings: Any) -> Policy:
    return Policy(ConsentSettings(**settings))


def plain(rules: ConsentRules) -> tuple[str, str, float | None]:
    return rules.stop_reaches, rules.consent_for, rules.consent_days


def settings(monkeypatch: pytest.MonkeyPatch, **consents: dict[str, Any]) -> Settings:
    """Settings with these tenants' consent."""
    monkeypatch.delenv("SWITCHBOARD_CONFIG", raising=False)
    monkeypatch.setenv("TEST_SECRET", "secret")
    tenant = {
        "account_sid": "AC" + "1" * 32,
        "auth_tokens": [{"env": "TEST_SECRET"}],
        "contact_secret": {"env": "TEST_SECRET"},
    }
    return Settings(tenants={name: tenant | {"consent": consent} for name, consent in consents.items()})


def test_without_settings_nothing_is_asked_but_suppression_holds() -> None:
    assert plain(policy().rules("US")) == plain(ConsentRules()) == ("sender", "nothing", None)


@pytest.mark.parametrize(
    ("country", "rules"),
    [
        ("US", ("tenant", "everything", 365.0)),
        # What is left out stays as it is.
        ("DE", ("tenant", "templates", 30.0)),
        ("FR", ("sender", "templates", 30.0)),
    ],
)
def test_the_recipients_country_overrides_what_it_names(country: str | None, rules: tuple[str, str, float]) -> None:
    regions = {"US": STRICT, "DE": {"stop_reaches": "tenant"}}
    found = policy(consent_for="templates", consent_days=30, regions=regions)
    assert plain(found.rules(country)) == rules


@pytest.mark.parametrize(
    ("address", "rules"),
    [
        # A number of North America that no table knows may be Canadian.
        ("+12005551234", ("tenant", "everything", 30.0)),
        ("whatsapp:+12005551234", ("tenant", "everything", 30.0)),
        # Known after all, though nobody said so.
        ("+14155550123", ("sender", "templates", 90.0)),
        ("whatsapp:CA.1349", ("tenant", "nothing", None)),
        ("whatsapp:us.ENT.2", ("sender", "templates", 90.0)),
        # A German one of which only the calling code is known is not French.
        ("+4900000000", ("sender", "everything", 30.0)),
        # Wholly unknown: of nobody's calling code, or of no number at all.
        ("+999123456789", ("tenant", "everything", 7.0)),
        ("+888123456789", ("tenant", "everything", 7.0)),
        ("messenger:1234567890123456", ("tenant", "everything", 7.0)),
        ("", ("tenant", "everything", 7.0)),
    ],
)
def test_a_country_that_is_not_known_has_the_strictest_rules_that_it_may_have(
    address: str, rules: tuple[str, str, float | None]
) -> None:
    regions = {
        "US": {"consent_for": "templates", "consent_days": 90},
        "CA": {"stop_reaches": "tenant"},
        "PR": {"consent_for": "everything", "consent_days": 30},
        "DE": {"consent_for": "everything", "consent_days": 30},
        "FR": {"consent_days": 7},
    }
    assert plain(policy(regions=regions).rules(None, address)) == rules


RULES = {
    "stop_reaches": st.sampled_from(["sender", "tenant"]),
    "consent_for": st.sampled_from(["nothing", "templates", "everything"]),
    "consent_days": st.none() | st.sampled_from([1, 30, 365]),
}


@given(st.dictionaries(st.sampled_from(["US", "CA", "JM", "DE"]), st.fixed_dictionaries(RULES)))
def test_no_rule_of_a_possible_country_is_milder_where_it_is_not_known(regions: dict[str, Any]) -> None:
    asked = policy(regions=regions)
    strictest = asked.rules(None, "+12005551234")
    for country in ("US", "CA", "JM", "BS"):
        rules = asked.rules(country)
        assert strictest.stop_reaches == "tenant" or rules.stop_reaches == "sender"
        order = ["nothing", "templates", "everything"]
        assert order.index(strictest.consent_for) >= order.index(rules.consent_for)
        assert rules.consent_days is None or (strictest.consent_days or 1e9) <= rules.consent_days
    assert strictest.version == asked.rules(None, "+12005551234").version != ""


def test_where_all_have_the_same_rules_it_is_all_the_same() -> None:
    assert policy(**STRICT).rules(None, "+12005551234") == policy(**STRICT).rules("US")


def test_a_country_cannot_undo_how_long_consent_holds() -> None:
    """Left out and empty are the same: `as it is`."""
    found = policy(consent_days=30, regions={"US": {"consent_days": None}})
    assert found.rules("US").consent_days == 30


def test_the_same_rules_have_the_same_version_wherever_they_come_from() -> None:
    by_region = policy(regions={"US": STRICT}).rules("US")
    outright = policy(**STRICT, stop_words=["alto"], confirm_stop="").rules(None)
    assert by_region == outright
    assert policy(regions={"US": {}}).rules("US") == policy().rules("US")
    # As they stand in results that were told long ago.
    assert (policy().rules(None).version, outright.version) == ("8e5472c0", "72314f3b")


@pytest.mark.parametrize(
    "change", [{"stop_reaches": "sender"}, {"consent_for": "templates"}, {"consent_days": 364}, {"consent_days": None}]
)
def test_other_rules_have_another_version(change: dict[str, Any]) -> None:
    assert policy(**STRICT).rules(None).version != policy(**(STRICT | change)).rules(None).version


@given(
    st.fixed_dictionaries(
        {
            "stop_reaches": st.sampled_from(["sender", "tenant"]),
            "consent_for": st.sampled_from(["nothing", "templates", "everything"]),
            "consent_days": st.none() | st.sampled_from([1, 1.0, 30, 365.25]),
        }
    ),
    st.data(),
)
def test_versions_are_equal_exactly_where_rules_are(rules: dict[str, Any], data: st.DataObject) -> None:
    other = data.draw(st.sampled_from([rules, STRICT, {**rules, "consent_days": 30}]))
    one, another = policy(**rules).rules(None), policy(**other).rules(None)
    assert (one.version == another.version) == (plain(one) == plain(another))
    assert len(one.version) == 8


def test_each_tenant_has_its_own_words_as_they_are_heard(monkeypatch: pytest.MonkeyPatch) -> None:
    tenants = settings(
        monkeypatch,
        acme={
            "stop_words": ["¡Basta!", "No más"],
            "start_words": ["Sí, quiero"],
            "not_stop_words": ["End"],
            "suspected_phrases": ["Ça suffit !"],
            "suspected": "stop",
        },
        other={},
    ).tenants
    words = {name: words_of(tenant.consent) for name, tenant in tenants.items()}
    assert words["acme"] == Words(
        stop=frozenset({"basta", "nomas"}),
        start=frozenset({"síquiero"}),
        off=frozenset({"end"}),
        phrases=("casuffit",),
        stops=True,
    )
    assert words["other"] == Words()
    assert hear(Message(to="+14155550100", body="basta"), words["acme"])
    assert hear(Message(to="+14155550100", body="basta"), words["other"]) is None


def test_each_tenant_has_its_own_answers(monkeypatch: pytest.MonkeyPatch) -> None:
    found = confirmation_texts(
        Tenants(settings(monkeypatch, acme={"confirm_stop": "Bye.", "confirm_start": ""}, other={}).tenants)
    )
    assert found["acme"] == Texts("Bye.", "")
    assert "START" in found["other"].stop
    assert "STOP" in found["other"].start
