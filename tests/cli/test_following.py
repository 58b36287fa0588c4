"""`switchboard feedback`, `redact`, `delete`, `reschedule`: what they are asked, and what they would write."""

from pathlib import Path
from typing import Any

import pytest
import yaml
from typer.testing import CliRunner

from services.cli import following
from services.cli.main import app
from services.domain.followups.commands import FollowUp
from services.domain.messages.commands import RescheduleMessage
from services.runtime.config import Settings

SECRET = {"env": "FOLLOWING_TEST_SECRET"}
TENANT = {"account_sid": "AC" + "a" * 32, "auth_tokens": [SECRET], "contact_secret": SECRET}
WHOSE = ["--tenant", "acme", "--to", "+14155550123"]


@pytest.fixture
def said(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> list[Any]:
    """What would be produced, with one tenant configured."""
    file = tmp_path / "settings.yaml"
    file.write_text(yaml.safe_dump({"tenants": {"acme": TENANT}}))
    monkeypatch.setenv("SWITCHBOARD_CONFIG", str(file))
    monkeypatch.setenv("FOLLOWING_TEST_SECRET", "secret")
    written: list[Any] = []

    async def produce(_: Settings, command: Any) -> None:
        written.append(command)

    monkeypatch.setattr(following, "produce", produce)
    return written


def run(*words: str) -> Any:
    return CliRunner().invoke(app, list(words))


def test_what_is_done_about_a_message_names_the_command_that_sent_it(said: list[Any]) -> None:
    for words in (["feedback", "--outcome", "confirmed"], ["redact"], ["delete"]):
        result = run(words[0], "order-1", *words[1:], *WHOSE)
        assert result.exit_code == 0, result.output
        assert f"order-1-{words[0]}" in result.output
    common = {"tenant": "acme", "to": "+14155550123", "of_command": "order-1"}
    assert said == [
        FollowUp(command_id="order-1-feedback-confirmed", action="feedback", outcome="confirmed", **common),
        FollowUp(command_id="order-1-redact", action="redact", **common),
        FollowUp(command_id="order-1-delete", action="delete", **common),
    ]


def test_it_is_said_again_under_an_id_of_its_own_and_may_wait_longer(said: list[Any]) -> None:
    later = ["--id", "again-1", "--not-after", "2026-12-15T08:00Z"]
    for words in (["redact", *later], ["delete", *later], ["feedback", "--outcome", "unconfirmed", "--id", "again-1"]):
        result = run(words[0], "order-1", *words[1:], *WHOSE)
        assert result.exit_code == 0, result.output
        assert "switchboard trace again-1" in result.output
    until = "2026-12-15T08:00:00.000Z"
    assert [(one.command_id, one.of_command, one.not_after) for one in said] == [
        ("again-1", "order-1", until),
        ("again-1", "order-1", until),
        ("again-1", "order-1", None),
    ]


def test_a_command_is_moved_to_another_time(said: list[Any]) -> None:
    result = run("reschedule", "order-1", *WHOSE, "--not-before", "2026-12-01T08:00+01:00", "--by", "ann")
    assert result.exit_code == 0, result.output
    assert said == [
        RescheduleMessage(
            command_id="order-1", tenant="acme", to="+14155550123", by="ann", not_before="2026-12-01T07:00:00.000Z"
        )
    ]


@pytest.mark.parametrize(
    "words",
    [
        ["redact", "order-1", "--tenant", "acme"],
        ["redact", "order-1", "--tenant", "nobody", "--to", "+14155550123"],
        ["delete", "order-1", *WHOSE, "--contact", "acme|c0ffee"],
        ["feedback", "order-1", *WHOSE],
        ["feedback", "order-1", *WHOSE, "--outcome", "perhaps"],
        ["reschedule", "order-1", *WHOSE],
        ["reschedule", "order-1", *WHOSE, "--not-before", "tomorrow"],
    ],
)
def test_what_is_not_clear_produces_nothing(said: list[Any], words: list[str]) -> None:
    assert run(*words).exit_code == 2
    assert said == []
