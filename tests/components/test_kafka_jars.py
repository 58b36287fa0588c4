"""Kafka's jars are fetched once, whole, however many ask at the same time. Maven is a stand-in here."""

import threading
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from services.cli.kafka import jars
from services.cli.kafka.errors import BrokerFailedError, ToolMissingError

FETCHES = """#!/bin/sh
for argument; do case "$argument" in -DoutputDirectory=*) folder="${argument#*=}";; esac; done
echo called >> "$MAVEN_CALLS"
echo jar > "$folder/kafka.jar"
"""
FAILS = """#!/bin/sh
echo 'Could not resolve org.apache.kafka' >&2
exit 1
"""


@pytest.fixture
def cache(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    monkeypatch.setenv("SWITCHBOARD_CACHE", str(tmp_path / "cache"))
    monkeypatch.setenv("MAVEN_CALLS", str(tmp_path / "calls"))
    monkeypatch.setenv("PATH", f"{tmp_path}:/usr/bin:/bin")
    return tmp_path / "cache"


def put_maven(folder: Path, script: str) -> None:
    maven = folder / "mvn"
    maven.write_text(script)
    maven.chmod(0o755)


def test_many_at_once_fetch_once(cache: Path, tmp_path: Path) -> None:
    put_maven(tmp_path, FETCHES)
    together = threading.Barrier(4)
    said: list[str] = []

    def ask(_: int) -> Path:
        together.wait()
        return jars.ensure(said.append)

    with ThreadPoolExecutor(4) as pool:
        found = set(pool.map(ask, range(4)))

    assert found == {cache / "kafka-4.1.0"}
    assert [path.name for path in found.pop().iterdir()] == ["kafka.jar"]
    assert (tmp_path / "calls").read_text().splitlines() == ["called"]
    assert "first run downloads Kafka 4.1.0" in said[0]


def test_a_failed_fetch_shows_mavens_words_and_leaves_nothing(cache: Path, tmp_path: Path) -> None:
    put_maven(tmp_path, FAILS)
    with pytest.raises(BrokerFailedError, match=r"(?s)exit code 1.*Could not resolve org\.apache\.kafka"):
        jars.ensure(lambda _: None)
    assert [path.name for path in cache.iterdir()] == ["kafka-4.1.0.lock"]


def test_without_maven_the_error_says_what_to_install(
    cache: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(ToolMissingError, match="`mvn` is not on the PATH; install Apache Maven"):
        jars.ensure(lambda _: None)
