"""`switchboard keywords try`: the same rules as ingress has, and the same word on consent."""

from pathlib import Path

import pytest
from typer.testing import CliRunner

from services.cli.main import app

SETTINGS = """
tenants:
  acme:
    account_sid: AC00000000000000000000000000000001
    auth_tokens: [{env: A_TOKEN}]
    contact_secret: {env: A_TOKEN}
    keywords:
      - {name: status, says: ["STATUS {id}"], reply: "{id} is open.", tells: true}
      - name: oncall
        says: ["ONCALL {text*}"]
        command: {to: ["+14155550177"], sender: "+14155550100", body: "{writer}: {text}"}
      - {name: later, says: [LATER], command: {to: [writer], after_s: 3600, body: "It is time."}}
      - name: survey
        says: [SURVEY]
        command: {to: [writer], flow: FW00000000000000000000000000000001, sender: "+14155550100"}
      - {name: nowhere, says: [NOWHERE], command: {to: ["+14155550177"], body: "x"}}
      - {name: help, says: [HELP], reply: "Ask us."}
      - {name: desk, says: [DESK], reply: "Call us.", senders: ["+14155550199"]}
"""


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (["status #17"], ["nothing", "17 is open.", "rule status, id: 17"]),
        (["STOP"], ["stop, by body", "none", "nothing but the message"]),
        (["help"], ["Ask us.", "add HELP to twilio_answers"]),
        (["desk"], ["nothing", "none"]),
        (["desk", "--to", "+14155550199"], ["Call us."]),
        (["oncall fire!"], ["to +14155550177 by +14155550100", "+14155550123: fire"]),
        (["later"], ["to +14155550123 by +14155550100, not before"]),
        (["survey"], ["flow FW00000000000000000000000000000001"]),
        (["oncall \u202e"], ["at a place stands nothing that can be shown"]),
        # No sender is named, and nothing routes.
        (["nowhere"], ["whom routing chooses", "rejected", "give one of them"]),
        (["status 17", "--from", "68849"], ["none", "nothing but the message"]),
    ],
)
def test_a_text_is_tried(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, words: list[str], told: list[str]) -> None:
    file = tmp_path / "settings.yaml"
    file.write_text(SETTINGS, encoding="utf-8")
    monkeypatch.setenv("SWITCHBOARD_CONFIG", str(file))
    monkeypatch.setenv("A_TOKEN", "x")
    monkeypatch.setenv("COLUMNS", "300")
    result = CliRunner().invoke(app, ["keywords", "try", *words, "--tenant", "acme"])
    assert result.exit_code == 0, result.output
    for part in told:
        assert part in result.output
    # What intake would reject is named, and only that.
    assert ("rejected" in result.output) == ("rejected" in told)
    unknown = CliRunner().invoke(app, ["keywords", "try", "x", "--tenant", "acmee"])
    assert unknown.exit_code != 0
