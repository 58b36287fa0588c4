"""What a command leaves on the disk is its owner's alone, and what it prints turns no line around."""

import os
import stat
import subprocess
import sys
from pathlib import Path

from tests.forked import TESTS
from tests.processes import running, settings_file, settings_of
from tests.waiting import eventually


def others_may(path: Path) -> list[str]:
    """What in a folder somebody else may read or write, the folder itself included."""
    found = (path, *path.rglob("*"))
    return [f"{one} {stat.filemode(one.lstat().st_mode)}" for one in found if one.lstat().st_mode & 0o077]


async def test_an_ingress_keeps_its_spool_to_itself(tmp_path: Path) -> None:
    file = settings_file(tmp_path, "127.0.0.1:1", ingress={"produce_deadline_s": 0.5})
    chosen = settings_of(file)
    before = os.umask(0)
    try:
        with running("ingress", file, tmp_path, chosen.ingress.port) as service:
            await eventually(service.ready, 90, "ingress is ready")
            spool = chosen.ingress.spool.directory
            assert sorted(one.name for one in spool.iterdir()) == ["lock", "tenants.json"]
            assert others_may(spool) == []
    finally:
        os.umask(before)


def test_no_text_of_others_turns_a_line_around() -> None:
    done = subprocess.run(
        [sys.executable, "-m", "services.cli", "--config", "abc\u202edef\u2066ghi", "topics", "plan"],
        capture_output=True, env={**os.environ, **TESTS}, check=False,
    )  # fmt: skip
    assert "abcdefghi" in (said := (done.stdout + done.stderr).decode())
    assert not {"\u202e", "\u2066"} & {*said}
