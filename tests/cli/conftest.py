"""What holds for every test of the command."""

import pytest


@pytest.fixture(autouse=True)
def _config_of_its_own(monkeypatch: pytest.MonkeyPatch) -> None:
    """`--config` names its file in the environment; what a command names there ends with its test."""
    monkeypatch.setenv("SWITCHBOARD_CONFIG", "restored at the end, as it was")
    monkeypatch.delenv("SWITCHBOARD_CONFIG")
