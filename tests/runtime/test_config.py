"""The settings are checked at the start, each refusal with its remedy."""

from pathlib import Path
from typing import Any

import pytest
import yaml
from pydantic import SecretStr, ValidationError

from services.runtime.config import Settings, load
from services.runtime.section import ConfigError
from services.runtime.sections.kafka import KafkaSettings
from services.runtime.tenants.sections.consent import ConsentSettings
from services.runtime.tenants.settings import TenantSettings

REPOSITORY = Path(__file__).parents[2]


def loaded(monkeypatch: pytest.MonkeyPatch, folder: Path, content: dict[str, Any]) -> Settings:
    file = folder / "settings.yaml"
    file.write_text(yaml.safe_dump(content), encoding="utf-8")
    monkeypatch.setenv("SWITCHBOARD_CONFIG", str(file))
    return load()


@pytest.mark.parametrize(
    "listening", [{"host": "0.0.0.0"}, {"host": "::"}, {"host": ""}, {"port": 0}, {"host": "0.0.0.0", "port": 0}]
)
def test_a_processor_that_its_peers_cannot_reach_is_refused(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, listening: dict[str, Any]
) -> None:
    with pytest.raises(ConfigError, match=r"^processor: host .* set advertised_url"):
        loaded(monkeypatch, tmp_path, {"processor": listening})
    url = "http://processor-0:8081"
    settings = loaded(monkeypatch, tmp_path, {"processor": listening | {"advertised_url": url}})
    assert settings.processor.url == url


def test_nobody_asks_a_sender_so_it_may_listen_anywhere(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    settings = loaded(monkeypatch, tmp_path, {"sender": {"host": "0.0.0.0", "port": 0}})
    assert settings.processor.url == "http://127.0.0.1:8081"


def test_the_remedy_may_come_from_the_environment(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """As in a cluster, where each worker has a name of its own and all have one file."""
    monkeypatch.setenv("SWITCHBOARD_PROCESSOR__ADVERTISED_URL", "http://processor-1:8081")
    settings = loaded(monkeypatch, tmp_path, {"processor": {"host": "0.0.0.0"}})
    assert settings.processor.url == "http://processor-1:8081"


def test_the_settings_of_docker_compose_are_taken(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    compose = yaml.safe_load((REPOSITORY / "docker-compose.yml").read_text(encoding="utf-8"))
    for name in ("AUTH_TOKEN", "CONTACT_SECRET"):
        monkeypatch.setenv(name, "secret")
    settings = loaded(monkeypatch, tmp_path, yaml.safe_load(compose["configs"]["settings"]["content"]))
    assert settings.processor.url == "http://processor:8081"


TENANT = {
    "account_sid": "AC" + "1" * 32,
    "auth_tokens": [{"env": "TEST_SECRET"}],
    "contact_secret": {"env": "TEST_SECRET"},
}


def consenting(monkeypatch: pytest.MonkeyPatch, folder: Path, **consent: Any) -> ConsentSettings:
    monkeypatch.setenv("TEST_SECRET", "secret")
    settings = loaded(monkeypatch, folder, {"tenants": {"acme": TENANT | {"consent": consent}}})
    return settings.tenants["acme"].consent


@pytest.mark.parametrize(
    ("consent", "key", "remedy"),
    [
        pytest.param({"stop_words": ["basta", "!"]}, "consent", r"'!' has neither letters nor digits", id="no letters"),
        pytest.param({"start_words": ["  "]}, "consent", "every such message would count", id="blank"),
        pytest.param({"start_words": ["👍"]}, "consent", "neither letters nor digits", id="an emoji"),
        pytest.param(
            {"stop_words": ["Basta", "alto"], "start_words": ["¡BASTA!"]},
            "consent",
            "basta: both a stop word and a start word; choose one",
            id="both, as they are heard",
        ),
        pytest.param(
            {"stop_words": ["Sí"], "start_words": ["si"]},
            "consent",
            "si: both a stop word and a start",
            id="but for marks",
        ),
        pytest.param({"start_words": ["Arrêt"]}, "consent", "is a STOP everywhere", id="a stop with an accent"),
        pytest.param({"not_stop_words": ["CANCEL", "S.T.O.P"]}, "consent", "S.T.O.P always stops", id="STOP taken off"),
        pytest.param({"not_stop_words": ["stöp"]}, "consent", "always stops", id="STOP with an accent taken off"),
        pytest.param({"not_stop_words": ["BAJA"]}, "consent", "none of the standard stop words", id="not on the list"),
        pytest.param(
            {"not_stop_words": ["End"], "stop_words": ["END"]}, "consent", "end: both in stop_words", id="on and off"
        ),
        pytest.param(
            {"suspected": "ignore"}, r"consent\.suspected", "'note', 'defer_marketing' or 'stop'", id="or else"
        ),
        pytest.param({"suspected_phrases": ["…"]}, "consent", "neither letters nor digits", id="no phrase"),
        pytest.param({"regions": {"usa": {}}}, r"consent\.regions\.usa", "pattern", id="no ISO country"),
        pytest.param({"regions": {"us": {}}}, r"consent\.regions\.us", "pattern", id="in small letters"),
        pytest.param(
            {"regions": {"US": {"confirm_stop": "x"}}}, r"consent\.regions\.US", "no such key", id="not by country"
        ),
        pytest.param({"regions": {"US": {"consent_days": 0}}}, r"consent\.regions\.US", "greater than 0", id="0 days"),
        pytest.param({"consent_days": -1}, r"consent\.consent_days", "greater than 0", id="less than 0 days"),
        pytest.param({"consent_for": "promotions"}, r"consent\.consent_for", "'nothing', 'templates'", id="for what"),
        pytest.param({"stop_reaches": "service"}, r"consent\.stop_reaches", "'sender' or 'tenant'", id="reaches what"),
        pytest.param({"stopwords": []}, r"consent\.stopwords", "no such key", id="misspelled"),
    ],
)
def test_consent_settings_that_cannot_be_meant_are_refused(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, consent: dict[str, Any], key: str, remedy: str
) -> None:
    with pytest.raises(ConfigError, match=rf"^tenants\.acme\.{key}.*: .*{remedy}"):
        consenting(monkeypatch, tmp_path, **consent)


def test_consent_is_a_tenants_own_and_may_be_left_out(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    settings = consenting(
        monkeypatch, tmp_path, stop_words=["basta"], start_words=["sí"], regions={"US": {"consent_for": "everything"}}
    )
    assert settings.regions["US"].consent_for == "everything"
    assert settings.regions["US"].stop_reaches is None
    plain = consenting(monkeypatch, tmp_path)
    assert (plain.stop_words, plain.stop_reaches, plain.consent_for, plain.regions) == ([], "sender", "nothing", {})


@pytest.mark.parametrize(
    "url",
    [
        "http://hooks.example.com",
        "http://simulator:8090",
        "http://10.0.0.1",
        "HTTP://hooks.example.com",
        "http://127.0.0.1@evil.example.com",
        "http://localhost.example.com",
        "http://127.1",
        "http://[::ffff:127.0.0.1]",
    ],
)
def test_nothing_goes_unencrypted_but_on_loopback(monkeypatch: pytest.MonkeyPatch, tmp_path: Path, url: str) -> None:
    with pytest.raises(ConfigError, match=r"^public_url: .*(https|pattern)"):
        loaded(monkeypatch, tmp_path, {"public_url": url})
    for key in ("api", "messaging"):
        with pytest.raises(ConfigError, match=rf"^twilio\.{key}: http://.* write https"):
            loaded(monkeypatch, tmp_path, {"twilio": {key: url}})


@pytest.mark.parametrize("host", ["127.0.0.1", "127.0.0.9:80", "localhost:8080", "[::1]:8080"])
def test_loopback_needs_no_tls(monkeypatch: pytest.MonkeyPatch, tmp_path: Path, host: str) -> None:
    url = f"http://{host}"
    assert loaded(monkeypatch, tmp_path, {"public_url": url, "twilio": {"api": url}}).twilio.api == url


@pytest.mark.parametrize(
    "twilio", [{}, {"api": "https://api.dublin.ie1.twilio.com"}, {"api": "https://API.TWILIO.COM."},
               {"api": "http://127.0.0.1:8090", "messaging": "https://messaging.twilio.com"}]
)  # fmt: skip
def test_with_real_twilio_nobody_moves_the_clock(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, twilio: dict[str, str]
) -> None:
    clock = {"clock_skew_file": str(tmp_path / "clock")}
    with pytest.raises(ConfigError, match=r"clock_skew_file .* remove it, or set twilio.api"):
        loaded(monkeypatch, tmp_path, clock | {"twilio": twilio})
    assert loaded(monkeypatch, tmp_path, clock | {"twilio": {"api": "http://127.0.0.1:8090"}}).clock_skew_file


def test_at_most_a_hundred_tenants_have_topics_of_their_own_and_each_once() -> None:
    names = [f"tenant-{number}" for number in range(101)]
    assert len(KafkaSettings(tenant_topics=names[:100]).tenant_topics) == 100
    for wrong, why in (
        (names, "at most 100"),
        (["acme", "acme"], "acme stands there twice"),
        (["No.Tenant"], "pattern"),
    ):
        with pytest.raises(ValidationError, match=why):
            KafkaSettings(tenant_topics=wrong)


def test_a_producers_key_is_long_enough_and_there_are_few() -> None:
    least = {"account_sid": "AC" + "a" * 32, "auth_tokens": [SecretStr("t")], "contact_secret": SecretStr("s")}
    long = SecretStr("k" * 32)
    assert TenantSettings(**least, producer_keys={"2026-11": long}).unsigned_commands == "taken"
    for keys, why in (
        ({"k": SecretStr("k" * 31)}, "openssl rand"),
        ({"a/b": long}, "pattern"),
        ({str(number): long for number in range(6)}, "at most 5"),
    ):
        with pytest.raises(ValidationError, match=why):
            TenantSettings(**least, producer_keys=keys)
