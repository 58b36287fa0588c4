"""The systemd unit, by systemd's own judges. No systemd needs to run."""

import shutil
import subprocess
from pathlib import Path

import pytest

UNIT = Path(__file__).parents[2] / "deploy" / "systemd" / "switchboard@.service"
# Of 100, by `systemd-analyze security`.
MOST_EXPOSED = 15


def analyze(*arguments: str) -> "subprocess.CompletedProcess[str]":
    if shutil.which("systemd-analyze") is None:
        pytest.skip("no systemd-analyze on this machine; Debian's package systemd has it")
    return subprocess.run(["systemd-analyze", *arguments], capture_output=True, text=True, timeout=30, check=False)


@pytest.fixture(scope="module")
def unit(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The unit with a command that is there."""
    copy = tmp_path_factory.mktemp("units") / UNIT.name
    copy.write_text(UNIT.read_text("utf-8").replace("/opt/switchboard/bin/switchboard", "/bin/echo"), encoding="utf-8")
    return copy


@pytest.mark.parametrize("service", ["ingress", "processor", "sender", "poller", "media"])
def test_systemd_knows_every_line(unit: Path, service: str) -> None:
    said = analyze("verify", "--man=no", str(unit).replace("@", f"@{service}"))
    assert (said.returncode, said.stdout + said.stderr) == (0, "")


def test_it_is_hardened(unit: Path) -> None:
    said = analyze("security", "--offline=true", f"--threshold={MOST_EXPOSED}", str(unit).replace("@", "@sender"))
    assert said.returncode == 0, said.stdout


def test_it_is_given_as_long_to_end_as_the_chart_gives() -> None:
    assert "TimeoutStopSec=60\n" in UNIT.read_text("utf-8")
