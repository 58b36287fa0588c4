"""`switchboard preview`: what intake would make of a command, from a file or standard input; nothing is produced."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner, Result

from services.cli.main import app
from services.cli.preview import _rows
from services.domain.messages.commands import CommandAccepted
from services.domain.templates.listing import stated
from services.operations.previewing import OnLog, previewed
from services.runtime.config import load
from services.runtime.tenants.opening import tenants_of
from tests.processes import SECRETS, settings_file

Say = Callable[..., Result]
TEMPLATE = {
    "sid": "HX" + "1" * 32,
    "language": "en",
    "friendly_name": "shipped",
    "types": {"twilio/text": {"body": "Sent, {{1}}."}},
}
HELLO = {"command_id": "c-1", "tenant": "acme", "to": "+14155550123", "from": "+14155550100", "body": "Hello"}


@pytest.fixture
def said(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Say:
    monkeypatch.setenv("COLUMNS", "120")
    for name, value in SECRETS.items():
        monkeypatch.setenv(name, value)
    # No Kafka is there: it needs none.
    monkeypatch.setenv("SWITCHBOARD_CONFIG", str(settings_file(tmp_path, "127.0.0.1:1")))

    def say(value: Any, *words: str) -> Result:
        text = value if isinstance(value, str) else json.dumps(value)
        return CliRunner().invoke(app, ["preview", *words], input=text)

    return say


def test_a_command_is_what_intake_makes_of_it(said: Say) -> None:
    result = said(HELLO | {"body": "Grüße €" * 23, "not_before": "2026-01-01T00:00:00Z", "urgent": True})
    assert result.exit_code == 0
    for words in ("by sms, US", "+14155550100", "at once, until", "utility, urgent", "GSM-7, segments: 2"):
        assert words in result.output
    assert "+14155550123" not in result.output


def test_an_emoji_costs_segments(said: Say) -> None:
    assert "UCS-2, segments: 2" in said(HELLO | {"body": "🎉" * 36}).output
    assert "segments" not in said(HELLO | {"channel": "whatsapp"}).output


def test_all_faults_at_once_and_exit_1(said: Say) -> None:
    result = said(HELLO | {"to": "nobody", "body": "x" * 1601, "attempt": 0})
    assert result.exit_code == 1
    assert [line.split(":")[0] for line in result.output.splitlines() if line.startswith("- ")] == [
        "- to",
        "- body",
        "- attempt",
    ]


@pytest.mark.parametrize(
    ("value", "words"),
    [
        ("{", "not JSON"),
        ("[]", "object"),
        (HELLO | {"tenant": "globex"}, "no tenant 'globex' is configured"),
        (HELLO | {"event_type": "cancel_message"}, "only send_message can be previewed"),
        (HELLO | {"boddy": "x"}, "did you mean body?"),
        ({"command_id": "c-1"}, "tenant: missing"),
    ],
)
def test_what_is_no_send_says_so(said: Say, value: Any, words: str) -> None:
    result = said(value)
    assert result.exit_code == 1
    assert words in result.output


def test_a_file_that_cannot_be_read_is_in_the_way(said: Say, tmp_path: Path) -> None:
    result = said("", str(tmp_path / "none.json"))
    assert result.exit_code == 2
    assert "cannot be read: No such file" in result.output
    (tmp_path / "hello.json").write_text(json.dumps(HELLO))
    assert said("", str(tmp_path / "hello.json")).exit_code == 0


def test_what_smart_encoding_would_save_and_what_it_replaces(said: Say) -> None:
    long = HELLO | {"body": "“Hello” … " * 14}
    assert "would make it GSM-7, segments: 2; set smart_encoded: true" in said(long).output
    smart = said(long | {"smart_encoded": True}).output
    assert "GSM-7, segments: 2" in smart
    assert "… → ..." in smart
    assert "smart encoding" not in said(HELLO).output


def test_a_template_by_sms_is_shown_with_the_segments_of_its_text_or_why_there_are_none(said: Say) -> None:
    settings, value = load(), HELLO | {"template": {"name": "shipped"}, "content_variables": {"1": "ж" * 65}}
    del value["body"]
    told = stated("acme", TEMPLATE, "2026-02-21T18:00:00.000Z")
    log = OnLog({}, {"acme": {told.content_sid: told}})

    def shown(log: OnLog) -> dict[str, str]:
        found = previewed(settings, tenants_of(settings), json.dumps(value).encode(), log)
        assert isinstance(found, CommandAccepted), found
        return dict(_rows(found))

    assert shown(log)["text"] == "the template's, in its longest language: UCS-2, segments: 2"
    assert "as one segment: it is not known" in shown(OnLog())["text"]
    # No Kafka is there.
    output = said(value).output
    assert "as one segment" in output
    assert "Templates were not read" in output
    assert "Templates were not read" not in said(HELLO).output
