"""Kafka's jars are fetched once, whole and as they are pinned, however many ask at the same time."""

import hashlib
import sys
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from services.embedded import jars
from services.embedded.errors import BrokerFailedError, ToolMissingError
from services.embedded.jars import Jar

CONTENT = b"a jar"
PINNED = Jar("org.example:thing:1.0", hashlib.sha256(CONTENT).hexdigest(), 25_000_000)


class Repository(SimpleHTTPRequestHandler):
    """A Maven repository of files, which counts what it is asked for."""

    asked: list[str]

    def do_GET(self) -> None:
        self.asked.append(self.path)
        super().do_GET()

    def log_message(self, *_: object) -> None:
        pass


@pytest.fixture
def repository(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[list[str]]:
    """What a repository with one jar is asked for, the pinned one."""
    folder = tmp_path / "repository/org/example/thing/1.0"
    folder.mkdir(parents=True)
    (folder / "thing-1.0.jar").write_bytes(CONTENT)
    asked: list[str] = []
    handler = type("Own", (Repository,), {"asked": asked})
    server = ThreadingHTTPServer(("127.0.0.1", 0), partial(handler, directory=str(tmp_path / "repository")))
    threading.Thread(target=server.serve_forever, daemon=True).start()
    monkeypatch.setenv("SWITCHBOARD_CACHE", str(tmp_path / "cache"))
    monkeypatch.setenv("SWITCHBOARD_MAVEN_URL", f"http://127.0.0.1:{server.server_port}/")
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    monkeypatch.setattr(jars, "pinned", lambda: [PINNED])
    yield asked
    server.shutdown()
    server.server_close()


def left(tmp_path: Path) -> list[str]:
    return [path.name for path in (tmp_path / "cache").iterdir()]


def test_many_at_once_fetch_once(repository: list[str], tmp_path: Path) -> None:
    together = threading.Barrier(4)
    said: list[str] = []

    def ask(_: int) -> Path:
        together.wait()
        return jars.ensure(said.append)

    with ThreadPoolExecutor(4) as pool:
        found = set(pool.map(ask, range(4)))

    assert found == {tmp_path / "cache/kafka-4.1.0"}
    assert [path.name for path in found.pop().iterdir()] == ["thing-1.0.jar"]
    assert sum(path.endswith(".jar") for path in repository) == 1
    assert said[:2] == ["The first run downloads Kafka 4.1.0 (25 MB) …", "  … 25 of 25 MB"]


def test_a_jar_that_is_not_the_pinned_one_is_refused_and_leaves_nothing(
    repository: list[str], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(jars, "pinned", lambda: [PINNED._replace(sha256="0" * 64)])
    with pytest.raises(BrokerFailedError, match=r"org\.example:thing:1\.0 is not the jar that is pinned"):
        jars.ensure(lambda _: None)
    assert left(tmp_path) == ["kafka-4.1.0.lock"]
    assert repository


def test_a_failed_fetch_says_how_to_go_on_and_leaves_nothing(
    repository: list[str], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(jars, "pinned", lambda: [PINNED._replace(coordinate="org.example:other:1.0")])
    with pytest.raises(BrokerFailedError, match=r"(?s)org.example:other:1.0 cannot be fetched.*HTTPS_PROXY"):
        jars.ensure(lambda _: None)
    assert left(tmp_path) == ["kafka-4.1.0.lock"]
    assert repository


def test_without_jgo_the_error_says_what_to_install(repository: list[str], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "jgo.maven", None)
    with pytest.raises(ToolMissingError, match=r"install switchboard\[kafka\]"):
        jars.ensure(lambda _: None)
    assert not repository


def test_all_that_is_pinned_has_a_digest_and_a_size() -> None:
    assert len(jars._LOCK.read_text().splitlines()) == len(jars.pinned()) > 50
    assert all(len(jar.sha256) == 64 and jar.size > 0 for jar in jars.pinned())
