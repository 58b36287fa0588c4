"""Alerts and dashboards: what they ask for is exported, each alert has its runbook, and fires when it should."""

import json
import os
import re
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest
import yaml

from services.cli.pages.metrics import REGISTRIES, families

ROOT = Path(__file__).parents[2]
FILES = ROOT / "helm" / "files"
RULES: list[dict[str, Any]] = [
    rule for group in yaml.safe_load((FILES / "alerts.yaml").read_text("utf-8"))["groups"] for rule in group["rules"]
]
ALERTS = {rule["alert"]: rule for rule in RULES if "alert" in rule}
BOARDS = {path.stem: json.loads(path.read_text("utf-8")) for path in sorted((FILES / "dashboards").glob("*.json"))}
EXPRESSIONS = {rule.get("alert") or rule["record"]: rule["expr"] for rule in RULES} | {
    f"{board}: {panel['title']} {target['refId']}": target["expr"]
    for board, content in BOARDS.items()
    for panel in content["panels"]
    for target in panel["targets"]
}
# Name → its labels. Prometheus' own, and what a target and a bucket have, beside ours.
KNOWN = {"up": set(), "ALERTS": {"alertname", "alertstate"}, "process_resident_memory_bytes": set()} | {
    sample: set(one.labels) for own in REGISTRIES.values() for one in families(own) for sample in one.samples
}
KNOWN |= {rule["record"]: set() for rule in RULES if "record" in rule}
TARGET = {"job", "instance", "app_kubernetes_io_component", "le"}
_SELECTOR = re.compile(r"([a-zA-Z_][\w:]*)\s*(?:\{([^}]*)\})?")
_FUNCTIONS = {
    "sum",
    "max",
    "min",
    "count",
    "rate",
    "increase",
    "histogram_quantile",
    "count_over_time",
    "topk",
    "time",
    "vector",
}
_WORDS = _FUNCTIONS | {"by", "on", "and", "or", "unless", "offset", "group_left"}
RUNBOOKS = (ROOT / "docs" / "runbooks.md").read_text("utf-8")


def asked(expression: str) -> tuple[dict[str, set[str]], set[str]]:
    """Metric → labels that are selected of it, and labels that are grouped or matched by."""
    grouped = {
        name.strip() for names in re.findall(r"\b(?:by|on) \(([^)]*)\)", expression) for name in names.split(",")
    }
    rest = re.sub(r"\b(?:by|on) \([^)]*\)|\[[^\]]*\]|offset \w+", " ", expression)
    found: dict[str, set[str]] = {}
    for name, selected in _SELECTOR.findall(re.sub(r"\b\d[\d.a-z]*", " ", rest)):
        if name not in _WORDS:
            found.setdefault(name, set()).update(re.findall(r"(\w+)\s*(?:=~|!~|!=|=)", selected))
    return found, grouped - {""}


@pytest.mark.parametrize("where", EXPRESSIONS)
def test_what_is_asked_for_is_exported(where: str) -> None:
    found, grouped = asked(EXPRESSIONS[where])
    assert found or EXPRESSIONS[where].startswith("vector(")
    for name, selected in found.items():
        assert name in KNOWN, f"{name} is exported by nobody: docs/metrics.md has what there is"
        assert selected <= KNOWN[name] | TARGET, f"{name} has no such labels"
    assert grouped <= TARGET.union(*(KNOWN[name] for name in found))


def test_an_expression_is_read_as_prometheus_does() -> None:
    expression = 'sum by (a) (rate(x_total{b=~"c|d", e="f"}[5m])) > 0.05 * y:z_1h unless on () z offset 10m'
    assert asked(expression) == ({"x_total": {"b", "e"}, "y:z_1h": set(), "z": set()}, {"a"})


@pytest.mark.parametrize("name", ALERTS)
def test_an_alert_leads_to_its_runbook(name: str) -> None:
    rule = ALERTS[name]
    assert rule["labels"]["severity"] in ("critical", "warning", "info")
    assert rule["annotations"]["summary"]
    page, _, anchor = rule["annotations"]["runbook_url"].partition("#")
    assert page == "docs/runbooks.md"
    sections = {
        title.lower(): text for title, text in re.findall(r"^## (\S+)\n(.+?)(?=^## |\Z)", RUNBOOKS, re.M | re.S)
    }
    for part in ("What it means", "What to look at", "What to do", "How to tell that it is over"):
        assert f"**{part}.**" in sections[anchor]


def test_a_runbook_stands_for_an_alert_and_its_metrics_exist() -> None:
    anchors = {rule["annotations"]["runbook_url"].partition("#")[2] for rule in ALERTS.values()}
    assert {title.lower() for title in re.findall(r"^## (Switchboard\w+)$", RUNBOOKS, re.M)} == anchors
    named = set(re.findall(r"switchboard[_:][\w:]+", RUNBOOKS))
    assert named <= set(KNOWN) | {one.removesuffix("_count") for one in KNOWN}


def test_the_page_says_which_alerts_were_tried_in_running_services() -> None:
    tried = (ROOT / "tests" / "deploy" / "test_alerts_tried.py").read_text("utf-8")
    by_services, by_promtool = RUNBOOKS.partition("## What was tried")[2].split("By promtool's tests alone")
    assert set(re.findall(r"`(Switchboard\w+)`", by_services)) == set(re.findall(r'"(Switchboard\w+)"', tried))
    assert set(re.findall(r"`(Switchboard\w+)`", by_services + by_promtool)) == set(ALERTS)


def test_no_two_panels_stand_on_each_other() -> None:
    for content in BOARDS.values():
        places = [(panel["gridPos"]["x"], panel["gridPos"]["y"]) for panel in content["panels"]]
        assert len(set(places)) == len(places)
        assert len({panel["title"] for panel in content["panels"]}) == len(places)
    assert len({content["uid"] for content in BOARDS.values()}) == len(BOARDS) == 5


def promtool(*arguments: str) -> None:
    found = shutil.which("promtool")
    if found is None:
        pytest.skip("no promtool on this machine; Debian's package prometheus has it")
    # It ends soon: collecting garbage was a third of its CPU.
    environment = {**os.environ, "GOGC": "off", "GOMEMLIMIT": "512MiB"}
    done = subprocess.run(
        [found, *arguments], capture_output=True, text=True, timeout=150, check=False, env=environment
    )
    assert done.returncode == 0, done.stdout + done.stderr


def test_alerts_fire_when_they_should_and_end() -> None:
    promtool("test", "rules", *map(str, sorted((ROOT / "tests" / "deploy").glob("alerts.*test.yaml"))))


def test_prometheus_can_read_every_expression(tmp_path: Path) -> None:
    """Those of the dashboards as well, as rules."""
    rules = [
        {"record": f"expression:{number}", "expr": one.replace("$__rate_interval", "1m").replace("$tenant", ".*")}
        for number, one in enumerate(EXPRESSIONS.values())
    ]
    file = tmp_path / "rules.yaml"
    file.write_text(yaml.safe_dump({"groups": [{"name": "all", "rules": rules}]}), encoding="utf-8")
    promtool("check", "rules", str(file))
