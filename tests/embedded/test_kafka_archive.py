"""The archive of Kafka's classes: Java crashes on half of one, so it is whole before anybody uses it."""

import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from services.embedded import archive

JAVA = sys.executable


def java(ends: bool) -> Callable[[str], bool]:
    """Writes an archive as Java does, and ends in good order, or is killed over it."""

    def run(option: str) -> bool:
        assert archive.options(JAVA) == ()
        name, _, file = option.partition("=")
        assert name == "-XX:ArchiveClassesAtExit"
        Path(file).write_bytes(b"classes")
        return ends

    return run


def test_half_an_archive_is_not_used_and_a_whole_one_is_written_once(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SWITCHBOARD_CACHE", str(tmp_path))
    assert archive.options(JAVA) == ()
    archive.write(JAVA, java(ends=False))
    assert archive.options(JAVA) == ()
    archive.write(JAVA, java(ends=True))
    [option] = archive.options(JAVA)
    assert Path(option.removeprefix("-XX:SharedArchiveFile=")).read_bytes() == b"classes"
    archive.write(JAVA, lambda _: pytest.fail("it is written again"))
