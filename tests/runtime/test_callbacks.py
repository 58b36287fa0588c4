"""A public URL that Twilio cannot call is told before Twilio refuses the first message."""

import json

import pytest
from typer.testing import CliRunner

from services.cli.main import app
from services.runtime.callbacks import uncallable
from services.runtime.config import Settings
from services.runtime.sections.twilio import TwilioSettings


def told(public_url: str, api: str = "https://api.twilio.com") -> list[str]:
    return uncallable(Settings(public_url=public_url, twilio=TwilioSettings(api=api)))


@pytest.mark.parametrize(
    "public_url",
    [
        "http://127.0.0.1:8080",
        "https://127.0.0.1:8080",
        "https://my_hooks.example.com",
        "https://ingress.internal:8080",
        "https://ingress:8443",
        "https://localhost",
        "https://10.1.2.3/hooks",
        "https://[fd00::1]",
        "https://hooks.example.com:99999",
        "https://hooks example.com",
    ],
)
@pytest.mark.parametrize(
    "api", ["https://api.twilio.com", "https://api.ashburn.us1.twilio.com", "https://API.twilio.com:443"]
)
def test_what_twilio_cannot_call_is_named(public_url: str, api: str) -> None:
    (fault,) = told(public_url, api)
    assert fault.startswith("public_url ")
    assert "21609" in fault


@pytest.mark.parametrize(
    ("public_url", "api"),
    [
        ("https://hooks.example.com", "https://api.twilio.com"),
        ("https://user:secret@hooks.example.com/base", "https://api.twilio.com"),
        ("https://8.8.8.8", "https://api.twilio.com"),
        # An emulator calls what it can.
        ("http://127.0.0.1:8080", "http://127.0.0.1:8090"),
        ("https://ingress:8080", "https://simulator:8090"),
        ("http://127.0.0.1:8080", "https://api.twilio.com.example.org"),
    ],
)
def test_what_can_be_called_is_not_complained_of(public_url: str, api: str) -> None:
    assert told(public_url, api) == []


@pytest.mark.parametrize(
    ("public_url", "usable"), [("http://127.0.0.1:8080", False), ("https://hooks.example.com", True)]
)
def test_config_check_names_it(public_url: str, usable: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("SWITCHBOARD_CONFIG", raising=False)
    monkeypatch.setenv("SWITCHBOARD_PUBLIC_URL", public_url)
    tenant = {
        "account_sid": "AC" + "1" * 32,
        "auth_tokens": [{"env": "A_SECRET"}],
        "contact_secret": {"env": "A_SECRET"},
    }
    monkeypatch.setenv("SWITCHBOARD_TENANTS", json.dumps({"acme": tenant}))
    monkeypatch.setenv("A_SECRET", "x")
    result = CliRunner().invoke(app, ["config", "check"])
    assert ("The settings can be used." in result.output) is usable
    assert result.exit_code == (0 if usable else 2)
    assert usable or result.stderr.startswith("public_url names a loopback")
