"""docker-compose.yml is the settings' example: the product takes them, and each service finds what it names."""

from pathlib import Path
from typing import Any

import pytest
import yaml

from services.runtime.config import Settings, load

ROOT = Path(__file__).parents[2]
COMPOSE: dict[str, Any] = yaml.safe_load((ROOT / "docker-compose.yml").read_text("utf-8"))
OURS = {name: one for name, one in COMPOSE["services"].items() if one["image"] == "switchboard"}


@pytest.fixture
def settings(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Settings:
    file = tmp_path / "switchboard.yaml"
    file.write_text(COMPOSE["configs"]["settings"]["content"], encoding="utf-8")
    monkeypatch.setenv("AUTH_TOKEN", "0123456789abcdef0123456789abcdef")
    monkeypatch.setenv("CONTACT_SECRET", "a secret of the tests")
    monkeypatch.setenv("SWITCHBOARD_CONFIG", str(file))
    return load()


def test_all_services_run_from_one_image_which_cannot_be_written(settings: Settings) -> None:
    assert set(OURS) == {"topics", "ingress", "processor", "sender", "poller", "media", "simulator"}
    for one in OURS.values():
        assert one["read_only"]
        assert one["cap_drop"] == ["ALL"]


def test_who_is_named_is_there(settings: Settings) -> None:
    host, _, port = settings.kafka.bootstrap.partition(":")
    assert f"INSIDE://{host}:{port}" in COMPOSE["services"]["kafka"]["environment"]["KAFKA_ADVERTISED_LISTENERS"]
    # Those that share a loopback: what they tell each other is not encrypted.
    assert settings.public_url == f"http://127.0.0.1:{settings.ingress.port}"
    assert settings.twilio.api == f"http://127.0.0.1:{settings.simulator.port}"
    assert {name for name, one in OURS.items() if one.get("network_mode") == "service:ingress"} == {
        "sender",
        "poller",
        "media",
        "simulator",
    }
    assert settings.processor.url == f"http://processor:{settings.processor.port}"


def test_prometheus_scrapes_every_service_where_it_tells(settings: Settings) -> None:
    [job] = yaml.safe_load(COMPOSE["configs"]["prometheus"]["content"])["scrape_configs"]
    assert [target for one in job["static_configs"] for target in one["targets"]] == [
        f"ingress:{settings.ingress.operations_port}",
        f"processor:{settings.processor.operations_port}",
        f"ingress:{settings.sender.port}",
        f"ingress:{settings.poller.port}",
    ]


def test_every_port_is_open_on_this_machine_alone() -> None:
    ports = [port for one in COMPOSE["services"].values() for port in one.get("ports", [])]
    assert ports
    assert all(port.startswith("127.0.0.1:") for port in ports)


def test_what_is_mounted_is_there() -> None:
    for one in COMPOSE["services"].values():
        for volume in one.get("volumes", []):
            source = volume.split(":")[0]
            assert (ROOT / source).exists() if source.startswith("./") else source in COMPOSE["volumes"]
        for config in one.get("configs", []):
            assert config["source"] in COMPOSE["configs"]
