"""The settings of `switchboard dev`: the file that it writes, and who may run with it."""

import io
from pathlib import Path

import pytest
from rich.console import Console

from services.cli.dev import settings
from services.cli.dev.hints import tell_hints
from services.local.errors import LocalError


@pytest.fixture
def file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    found = tmp_path / "switchboard.yaml"
    monkeypatch.setenv("SWITCHBOARD_CONFIG", str(found))
    return found


def test_a_file_is_written_once_and_its_secrets_are_ours_alone(file: Path) -> None:
    assert settings.find(False) == (file, True)
    assert settings.find(False) == (file, False)
    data = settings.data_folder(file)
    token = data / "secrets" / "auth-token"
    assert str(token) in file.read_text()
    assert token.stat().st_mode & 0o077 == 0


@pytest.mark.parametrize("real", [False, True])
def test_numbers_without_a_campaign_are_stopped_where_carriers_are_real(file: Path, real: bool) -> None:
    settings.find(real)
    assert settings.read(False).tenants["acme"].compliance.registration == ("enforced" if real else "told")


@pytest.mark.parametrize("own", [False, True])
def test_data_and_secrets_get_into_no_repository(file: Path, own: bool) -> None:
    if own:
        file.write_text("tenants: {}\n")
    assert settings.find(False) == (file, not own)
    with settings.alone(file):
        assert (settings.data_folder(file) / ".gitignore").read_text() == "*\n"


def test_a_second_one_with_these_settings_is_told_of_the_first(file: Path) -> None:
    with (
        settings.alone(file),
        pytest.raises(LocalError, match=r"runs already with .*; stop that one"),
        settings.alone(file),
    ):
        pass
    with settings.alone(file):
        pass


@pytest.mark.parametrize("installed", [True, False])
def test_lines_to_copy_say_what_they_need(file: Path, monkeypatch: pytest.MonkeyPatch, installed: bool) -> None:
    settings.find(False)
    kcat = file.parent / "kcat"
    kcat.touch(mode=0o755 if installed else 0o644)
    monkeypatch.setenv("PATH", str(file.parent))
    said = io.StringIO()
    tell_hints(Console(file=said), settings.read(False), {})
    assert "kcat -P -b $BOOTSTRAP" in said.getvalue()
    assert ("There is no kcat here" in said.getvalue()) is not installed


def test_a_public_url_is_for_a_twilio_that_calls_it(file: Path) -> None:
    with pytest.raises(LocalError, match="--public-url is for --twilio real"):
        settings.steer(False, "https://h.example")
    assert not file.exists()
