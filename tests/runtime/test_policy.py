"""The tenants' settings as the domain wants them: words, texts, and the rules of a country."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.domain.consent.confirmation import Texts
from services.domain.consent.keywords import Words, hear
from services.domain.messages.gate import ConsentRules
from services.runtime.config import ConsentSettings, Settings
from services.runtime.policy import Policy, confirmation_texts, consent_words

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
        (None, ("sender", "templates", 30.0)),
        ("", ("sender", "templates", 30.0)),
    ],
)
def test_the_recipients_country_overrides_what_it_names(country: str | None, rules: tuple[str, str, float]) -> None:
    regions = {"US": STRICT, "DE": {"stop_reaches": "tenant"}}
    found = policy(consent_for="templates", consent_days=30, regions=regions)
    assert plain(found.rules(country)) == rules


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
    assert (policy().rules(None).version, outright.version) == ("bdb3fdef", "f1c1e40e")


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
    words = consent_words(
        settings(monkeypatch, acme={"stop_words": ["¡Basta!", "No más"], "start_words": ["Sí, quiero"]}, other={})
    )
    assert words == {"acme": Words(frozenset({"basta", "nomás"}), frozenset({"síquiero"})), "other": Words()}
    assert hear("basta", whatsapp=False, words=words["acme"])
    assert hear("basta", whatsapp=False, words=words["other"]) is None


def test_each_tenant_has_its_own_answers(monkeypatch: pytest.MonkeyPatch) -> None:
    found = confirmation_texts(settings(monkeypatch, acme={"confirm_stop": "Bye.", "confirm_start": ""}, other={}))
    assert found["acme"] == Texts("Bye.", "")
    assert "START" in found["other"].stop
    assert "STOP" in found["other"].start
