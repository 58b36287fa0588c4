"""The chart as `helm template` renders it, for tests; where there is no helm they are skipped."""

import functools
import json
import os
import shutil
import subprocess
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.helm.made import CHART

SHAPES = sorted(path.name.removesuffix("-values.yaml") for path in (CHART / "ci").glob("*-values.yaml"))
SERVICES = ("ingress", "processor", "sender", "poller", "media")
_KUBE = "1.34.0"

Resource = Mapping[str, Any]


def helm() -> str:
    """Helm's path. Skips the test where there is none."""
    found = shutil.which("helm", path=os.pathsep.join([os.environ.get("PATH", ""), str(Path.home() / "go" / "bin")]))
    if found is None:
        pytest.skip("no helm on this machine; `go install helm.sh/helm/v3/cmd/helm@latest` gives one")
    return found


def template(*arguments: str) -> "subprocess.CompletedProcess[str]":
    command = [helm(), "template", "sb", str(CHART), "--namespace", "messaging", "--kube-version", _KUBE, *arguments]
    return subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)


@functools.cache
def render(shape: str, *arguments: str) -> tuple[Resource, ...]:
    """What a values file of helm/ci comes to; `arguments` as helm takes them."""
    done = template("-f", str(CHART / "ci" / f"{shape}-values.yaml"), *arguments)
    assert done.returncode == 0, done.stderr
    # As the safe one that is written in Python, for a tenth of its CPU.
    return tuple(one for one in yaml.load_all(done.stdout, yaml.CSafeLoader) if one)


def refusal(shape: str, **values: object) -> str:
    """What helm says to a values file with these values changed, each key with its dots written as `__`."""
    changed = [f"--set-json={key.replace('__', '.')}={json.dumps(value)}" for key, value in values.items()]
    done = template("-f", str(CHART / "ci" / f"{shape}-values.yaml"), *changed)
    assert done.returncode != 0, "nobody refused it"
    return done.stderr


def of_kind(resources: tuple[Resource, ...], *kinds: str) -> dict[str, Any]:
    """By name, without the release's."""
    return {one["metadata"]["name"].removeprefix("sb-switchboard-"): one for one in resources if one["kind"] in kinds}


def workloads(resources: tuple[Resource, ...]) -> dict[str, Any]:
    return of_kind(resources, "Deployment", "StatefulSet")


def pods(resources: tuple[Resource, ...]) -> Iterator[tuple[str, Any]]:
    """Name and pod spec of all that runs."""
    for name, one in of_kind(resources, "Deployment", "StatefulSet", "Job").items():
        yield name, one["spec"]["template"]["spec"]
