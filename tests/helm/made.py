"""Files that are made: Kafka's side of the chart from the registry, the page of values from values.yaml."""

import json
from collections.abc import Iterator
from functools import reduce
from operator import getitem
from pathlib import Path
from typing import NamedTuple

import yaml

from services.cli.acls import strimzi
from services.contract.access import grants
from services.contract.fold import PROCESSOR_APPS
from services.contract.plan import Shape, wanted
from services.contract.topics import PUBLIC

ROOT = Path(__file__).parents[2]
CHART = ROOT / "helm"
# Whom the chart runs; `operations` is for people.
RUN = ("ingress", "sender", "poller", "media", "topics")

_HEAD = """# Values of the Helm chart

For who installs the chart in [`helm/`](../helm) ([how](deploy.md#kubernetes)). Made from `helm/values.yaml` by
`make chart`.

| value | default | |
| --- | --- | --- |
"""


class Value(NamedTuple):
    """A documented value: its path with dots, its default as JSON, what it means."""

    path: str
    default: str
    text: str


def files() -> dict[Path, str]:
    """Every made file with its content."""
    return {
        CHART / "files" / "kafka.json": kafka(),
        ROOT / "docs" / "helm-values.md": page((CHART / "values.yaml").read_text("utf-8")),
    }


def kafka() -> str:
    """Topics with what is set of them, which are public, and the rights of whom the chart runs.

    Partitions and replicas are values.
    """
    of_shape = "min.insync.replicas"
    topics = {
        topic.name: {key: value for key, value in topic.config.items() if key != of_shape}
        for topic in wanted(Shape(1, 1, 1))
    }
    users = {service: strimzi(grants()[service]) for service in RUN}
    # Of the processor by what its groups need: which it folds is a value.
    groups = {group: strimzi(grants([group])["processor"]) for group in PROCESSOR_APPS}
    public = [topic.name for topic in PUBLIC]
    return json.dumps({"topics": topics, "public": public, "users": users, "groups": groups}, indent=1) + "\n"


def page(values: str) -> str:
    rows = (f"| `{one.path}` | `{one.default}` | {one.text} |" for one in documented(values))
    return _HEAD + "\n".join(rows) + "\n"


def documented(values: str) -> Iterator[Value]:
    """The values with a comment that begins with `# --`, in their order."""
    lines, loaded = values.splitlines(), yaml.safe_load(values)
    for path, line, _ in leaves(values, below_documented=True):
        if text := _comment(lines, line):
            yield Value(path, json.dumps(reduce(getitem, path.split("."), loaded)), text)


def leaves(values: str, below_documented: bool) -> Iterator[tuple[str, int, yaml.Node]]:
    """Every key with its line; those of a documented map only if asked for."""
    lines = values.splitlines()

    def walk(node: yaml.Node, path: str) -> Iterator[tuple[str, int, yaml.Node]]:
        if not isinstance(node, yaml.MappingNode):
            return
        for key, value in node.value:
            own, line = f"{path}{key.value}", key.start_mark.line
            yield own, line, value
            if below_documented or not _comment(lines, line):
                yield from walk(value, f"{own}.")

    yield from walk(yaml.compose(values), "")


def undocumented(values: str) -> list[str]:
    """Values that neither a comment of their own nor one of a map above them describes."""
    lines = values.splitlines()
    return [
        path
        for path, line, node in leaves(values, below_documented=False)
        if not _comment(lines, line) and not (isinstance(node, yaml.MappingNode) and node.value)
    ]


def _comment(lines: list[str], line: int) -> str:
    above = []
    while line > 0 and lines[line - 1].strip().startswith("#"):
        line -= 1
        above.insert(0, lines[line].strip().removeprefix("#").strip())
    said = " ".join(above)
    return said.partition("-- ")[2] if said.startswith("-- ") else ""
