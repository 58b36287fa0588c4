"""A `SWITCHBOARD_` variable that nobody reads is an error; a secret's, and those of Kubernetes, are none."""

from pathlib import Path
from typing import Any

import pytest
import yaml

from services.runtime.config import Settings, load
from services.runtime.environment import named_secrets, strays
from services.runtime.section import ConfigError

KUBERNETES = {
    "SWITCHBOARD_SERVICE_HOST": "10.0.0.1",
    "SWITCHBOARD_PORT": "tcp://10.0.0.1:8080",
    "SWITCHBOARD_INGRESS_SERVICE_HOST": "10.0.0.1",
    "SWITCHBOARD_INGRESS_SERVICE_PORT": "8080",
    "SWITCHBOARD_INGRESS_SERVICE_PORT_HTTP": "8080",
    "SWITCHBOARD_INGRESS_PORT": "tcp://10.0.0.1:8080",
    "SWITCHBOARD_INGRESS_PORT_8080_TCP": "tcp://10.0.0.1:8080",
    "SWITCHBOARD_INGRESS_PORT_8080_TCP_PROTO": "tcp",
    "SWITCHBOARD_INGRESS_PORT_8080_TCP_PORT": "8080",
    "SWITCHBOARD_INGRESS_PORT_8080_TCP_ADDR": "10.0.0.1",
}


def stray(**environment: str) -> list[str]:
    return strays(environment, Settings.model_fields, named_secrets({"a": [{"env": "SWITCHBOARD_TOKEN"}]}))


def test_what_somebody_reads_is_none() -> None:
    others = {"SWITCHBOARD_KAFKA__BOOTSTRAP": "x", "SWITCHBOARD_PUBLIC_URL": "x", "SWITCHBOARD_CONFIG": "x"}
    assert stray(PATH="x", SWITCHBOARD_TOKEN="x", **others, **KUBERNETES) == []


@pytest.mark.parametrize(
    ("name", "remedy"),
    [
        ("SWITCHBOARD_KAFKA_BOOTSTRAP", "write SWITCHBOARD_KAFKA__BOOTSTRAP"),
        ("SWITCHBOARD_INGRESS_PORT", "write SWITCHBOARD_INGRESS__PORT"),
        ("SWITCHBOARD_KAFAK__BOOTSTRAP", "SWITCHBOARD_KAFKA__… is one"),
        ("SWITCHBOARD_SECRET", "unset it, or rename it"),
    ],
)
def test_what_nobody_reads_is_told_with_what_was_meant(name: str, remedy: str) -> None:
    (said,) = stray(**{name: "8080"})
    assert said.startswith(f"{name}: no such setting")
    assert remedy in said


def test_settings_are_not_read_with_one(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("SWITCHBOARD_CONFIG", raising=False)
    monkeypatch.setenv("SWITCHBOARD_KAFKA_PARTITIONS", "4")
    with pytest.raises(ConfigError, match="SWITCHBOARD_KAFKA__PARTITIONS"):
        load()


def test_text_that_is_no_yaml_is_told_by_its_place(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    file = tmp_path / "settings.yaml"
    file.write_text("kafka:\n  bootstrap: [\n", encoding="utf-8")
    monkeypatch.setenv("SWITCHBOARD_CONFIG", str(file))
    with pytest.raises(ConfigError, match=r"is not YAML at line 3, column 1; correct it there$"):
        load()


def test_a_secret_of_the_environment_may_have_our_prefix(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    secret: dict[str, Any] = {"env": "SWITCHBOARD_TOKEN"}
    tenant = {"account_sid": "AC" + "1" * 32, "auth_tokens": [secret], "contact_secret": secret}
    file = tmp_path / "settings.yaml"
    file.write_text(yaml.safe_dump({"tenants": {"acme": tenant}}), encoding="utf-8")
    monkeypatch.setenv("SWITCHBOARD_CONFIG", str(file))
    monkeypatch.setenv("SWITCHBOARD_TOKEN", "x")
    assert load().tenants["acme"].contact_secret.get_secret_value() == "x"
