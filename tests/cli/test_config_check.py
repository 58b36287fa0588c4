"""`switchboard config check`: settings that can be used, with a warning where they will not do what was meant."""

from pathlib import Path

import pytest
from typer.testing import CliRunner

from services.cli.main import app

SETTINGS = """
public_url: https://hooks.example.com
tenants:
  acme:
    account_sid: AC00000000000000000000000000000001
    auth_tokens: [{env: A_TOKEN}]
    contact_secret: {env: A_TOKEN}
"""


@pytest.mark.parametrize(
    ("more", "warnings"),
    [
        ("", []),
        ("keywords: [{name: it, says: [HELP], reply: Call us.}]", []),
        ("keywords: [{name: it, says: [stop!], reply: You are out.}]", ["21610", "confirm_stop"]),
        ("keywords: [{name: it, says: [UNSUBSCRIBE], reply: You are out.}]\n    twilio_answers: []", ["confirm_stop"]),
        ("keywords: [{name: it, says: [STOP], reply: You are out.}]\n    consent: {confirm_stop: ''}", ["21610"]),
        (
            "keywords: [{name: it, says: [STOP], reply: You are out.}]\n    twilio_answers: []\n"
            "    consent: {confirm_stop: ''}",
            [],
        ),
    ],
)
def test_a_reply_to_stop_that_is_not_sent(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, more: str, warnings: list[str]
) -> None:
    file = tmp_path / "settings.yaml"
    file.write_text(f"{SETTINGS}    {more}\n", encoding="utf-8")
    monkeypatch.setenv("SWITCHBOARD_CONFIG", str(file))
    monkeypatch.setenv("A_TOKEN", "x")
    result = CliRunner().invoke(app, ["config", "check"])
    assert result.exit_code == 0
    assert "The settings can be used." in result.output
    told = [line for line in result.output.replace("\n", " ").split("keywords: it") if "is not sent" in line]
    assert len(told) == len(warnings)
    assert all(warning in line for warning, line in zip(warnings, told, strict=True))


@pytest.mark.parametrize(("says", "warned"), [("ONCALL", False), ("stop!", True), ("Unsubscribe", True)])
def test_a_command_of_a_stop_is_never_made(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, says: str, warned: bool
) -> None:
    file = tmp_path / "settings.yaml"
    rule = f"{{name: it, says: [{says}], command: {{to: ['+14155550177'], body: x}}}}"
    file.write_text(f"{SETTINGS}    keywords: [{rule}]\n", encoding="utf-8")
    monkeypatch.setenv("SWITCHBOARD_CONFIG", str(file))
    monkeypatch.setenv("A_TOKEN", "x")
    result = CliRunner().invoke(app, ["config", "check"])
    assert result.exit_code == 0
    assert (f"keywords: it: no command is made of {says}" in result.output) == warned


@pytest.fixture
def file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    monkeypatch.delenv("SWITCHBOARD_CONFIG", raising=False)
    monkeypatch.setenv("A_TOKEN", "x")
    file = tmp_path / "settings.yaml"
    file.write_text(SETTINGS, encoding="utf-8")
    return str(file)


@pytest.mark.parametrize("place", [0, 1, 2])
def test_the_file_is_named_before_or_after_the_command(file: str, monkeypatch: pytest.MonkeyPatch, place: int) -> None:
    # The option sets it; so that it is taken back.
    monkeypatch.setenv("SWITCHBOARD_CONFIG", "/nowhere.yaml")
    words = ["config", "check"]
    result = CliRunner().invoke(app, [*words[:place], "--config", file, *words[place:]])
    assert result.exit_code == 0, result.output
    assert f"file       {file}" in result.output
    assert "twilio     api.twilio.com (Twilio itself" in result.output
    assert "tenant     acme: AC0000…" in result.output


def test_settings_with_nothing_to_run_are_a_fault(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("SWITCHBOARD_CONFIG", raising=False)
    result = CliRunner().invoke(app, ["config", "check"])
    assert result.exit_code == 2
    assert "nothing can run" in result.stderr
    assert "--config" in result.stderr


def test_the_shared_webhook_url_is_named_and_who_is_not_told_apart_on_it(
    file: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SWITCHBOARD_CONFIG", file)

    def checked() -> str:
        return " ".join(CliRunner().invoke(app, ["config", "check"]).output.split())

    assert "https://hooks.example.com/twilio/messages" in checked()
    assert "tell them apart" not in checked()
    _, _, acme = SETTINGS.partition("  acme:\n")
    Path(file).write_text(f"{SETTINGS}  globex:\n{acme}", encoding="utf-8")
    assert "acme, globex share AC0000…, and the webhook URL without a tenant cannot tell them apart" in checked()
