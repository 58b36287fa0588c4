"""`switchboard pause`, `resume`, `cancel`: what they are asked, and what they would write; without Kafka."""

from pathlib import Path

import pytest
import yaml
from typer.testing import CliRunner

from services.cli import cancel as canceling
from services.cli.main import app
from services.contract.partition import partition_of
from services.domain.messages.commands import CancelMessage
from services.domain.outbox.pauses import PauseEnded, PausePlaced, Said
from services.operations import pausing
from services.runtime.config import Settings
from services.runtime.sections.kafka import KafkaSettings

SECRET = {"env": "PAUSING_TEST_SECRET"}
TENANT = {"account_sid": "AC" + "a" * 32, "auth_tokens": [SECRET], "contact_secret": SECRET}


@pytest.fixture
def said(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> list[Said | CancelMessage]:
    """What would be written, with two tenants configured."""
    file = tmp_path / "settings.yaml"
    file.write_text(yaml.safe_dump({"kafka": {"partitions": 5}, "tenants": {"acme": TENANT, "zeta": TENANT}}))
    monkeypatch.setenv("SWITCHBOARD_CONFIG", str(file))
    monkeypatch.setenv("PAUSING_TEST_SECRET", "secret")
    written: list[Said | CancelMessage] = []

    async def write(_: KafkaSettings, statements: list[Said]) -> None:
        written.extend(statements)

    async def produce(_: Settings, command: CancelMessage) -> None:
        written.append(command)

    monkeypatch.setattr(pausing, "write", write)
    monkeypatch.setattr(canceling, "produce", produce)
    return written


@pytest.mark.parametrize(
    ("arguments", "scope"),
    [
        (["--everything"], ("", "everything")),
        (["--tenant", "acme"], ("acme", "tenant acme")),
        (["--tenant", "acme", "--sender", "+14155550100"], ("acme", "sender acme +14155550100")),
        (["--tenant", "acme", "--sender", " whatsapp:+1415 "], ("acme", "sender acme whatsapp:+1415")),
        (["--tenant", "zeta", "--label", "spring"], ("zeta", "label zeta spring")),
    ],
)
@pytest.mark.parametrize(("word", "type_"), [("pause", PausePlaced), ("resume", PauseEnded)])
def test_one_record_is_written_on_each_partition(
    said: list[Said], word: str, type_: type[Said], arguments: list[str], scope: tuple[str, str]
) -> None:
    result = CliRunner().invoke(app, [word, *arguments, "--by", "ann", "--note", "why"])
    assert result.exit_code == 0, result.output
    assert scope[1] in result.output
    assert [partition_of(one.key.encode(), 5) for one in said] == list(range(5))
    assert len({one.event_id for one in said}) == 5
    assert {(type(one), one.tenant, one.scope, one.by, one.note) for one in said} == {(type_, *scope, "ann", "why")}


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        ([], "one of --tenant"),
        (["--everything", "--tenant", "acme"], "stands alone"),
        (["--tenant", "acme", "--sender", "+1", "--label", "x"], "one of --tenant"),
        (["--sender", "+14155550100"], "acme, zeta"),
        (["--tenant", "acmé"], "acme, zeta"),
    ],
)
def test_what_is_not_clear_changes_nothing(said: list[Said], arguments: list[str], told: str) -> None:
    for word in ("pause", "resume"):
        result = CliRunner().invoke(app, [word, *arguments])
        assert result.exit_code == 2
        assert told in " ".join(result.output.replace("│", " ").split())
    assert said == []


def test_a_cancel_names_its_command_and_its_person(said: list[CancelMessage]) -> None:
    result = CliRunner().invoke(app, ["cancel", "order-1", "--tenant", "acme", "--to", "+14155550123", "--by", "ann"])
    assert result.exit_code == 0, result.output
    assert said == [CancelMessage(command_id="order-1", tenant="acme", to="+14155550123", by="ann")]
    for wrong in (["--tenant", "acme"], ["--tenant", "nobody", "--to", "+1"]):
        assert CliRunner().invoke(app, ["cancel", "order-1", *wrong]).exit_code == 2
    assert len(said) == 1
