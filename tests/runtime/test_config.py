"""The settings are checked at the start, each refusal with its remedy."""

from pathlib import Path
from typing import Any

import pytest
import yaml

from services.runtime.config import ConfigError, Settings, load

REPOSITORY = Path(__file__).parents[2]


def loaded(monkeypatch: pytest.MonkeyPatch, folder: Path, content: dict[str, Any]) -> Settings:
    file = folder / "settings.yaml"
    file.write_text(yaml.safe_dump(content), encoding="utf-8")
    monkeypatch.setenv("SWITCHBOARD_CONFIG", str(file))
    return load()


@pytest.mark.parametrize(
    "listening", [{"host": "0.0.0.0"}, {"host": "::"}, {"host": ""}, {"port": 0}, {"host": "0.0.0.0", "port": 0}]
)
def test_a_processor_that_its_peers_cannot_reach_is_refused(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, listening: dict[str, Any]
) -> None:
    with pytest.raises(ConfigError, match=r"^processor: host .* set advertised_url"):
        loaded(monkeypatch, tmp_path, {"processor": listening})
    url = "http://processor-0:8081"
    settings = loaded(monkeypatch, tmp_path, {"processor": listening | {"advertised_url": url}})
    assert settings.processor.url == url


def test_nobody_asks_a_sender_so_it_may_listen_anywhere(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    settings = loaded(monkeypatch, tmp_path, {"sender": {"host": "0.0.0.0", "port": 0}})
    assert settings.processor.url == "http://127.0.0.1:8081"


def test_the_remedy_may_come_from_the_environment(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """As in a cluster, where each worker has a name of its own and all have one file."""
    monkeypatch.setenv("SWITCHBOARD_PROCESSOR__ADVERTISED_URL", "http://processor-1:8081")
    settings = loaded(monkeypatch, tmp_path, {"processor": {"host": "0.0.0.0"}})
    assert settings.processor.url == "http://processor-1:8081"


def test_the_settings_of_docker_compose_are_taken(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    compose = yaml.safe_load((REPOSITORY / "docker-compose.yml").read_text(encoding="utf-8"))
    for name in ("AUTH_TOKEN", "CONTACT_SECRET"):
        monkeypatch.setenv(name, "secret")
    settings = loaded(monkeypatch, tmp_path, yaml.safe_load(compose["configs"]["settings"]["content"]))
    assert settings.processor.url == "http://processor:8081"
