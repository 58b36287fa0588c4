"""The values: all documented, all known to the schema, wrong ones refused. No helm is needed."""

import json
from typing import Any

import pytest
import yaml

from services.contract.fold import PROCESSOR_APPS
from tests.helm.made import CHART, leaves, undocumented

VALUES = (CHART / "values.yaml").read_text("utf-8")
SCHEMA = json.loads((CHART / "values.schema.json").read_text("utf-8"))


def merged(base: Any, over: Any) -> Any:
    if not (isinstance(base, dict) and isinstance(over, dict)):
        return over
    both = {key: merged(base.get(key), value) for key, value in over.items()}
    # As helm does it: null takes a default away.
    return {key: value for key, value in {**base, **both}.items() if value is not None or key not in base}


def shape(name: str) -> Any:
    return merged(yaml.safe_load(VALUES), yaml.safe_load((CHART / "ci" / f"{name}-values.yaml").read_text("utf-8")))


def faults(values: Any) -> list[str]:
    # Two seconds of CPU, for the grammars of formats: in every worker, were it above.
    import jsonschema

    return [one.json_path for one in jsonschema.Draft7Validator(SCHEMA).iter_errors(values)]


def test_every_value_is_documented() -> None:
    assert undocumented(VALUES) == []


def test_every_value_is_in_the_schema() -> None:
    for path, _, _ in leaves(VALUES, below_documented=False):
        node = SCHEMA
        for part in path.split("."):
            node = node.get("properties", {}).get(part)
            assert node is not None, f"{path} is not in values.schema.json"


def test_the_groups_of_the_processor_are_those_of_the_contract() -> None:
    groups = SCHEMA["properties"]["processor"]["properties"]["groups"]
    assert yaml.safe_load(VALUES)["processor"]["groups"] == groups["items"]["enum"] == [*PROCESSOR_APPS]


@pytest.mark.parametrize("path", sorted((CHART / "ci").glob("*-values.yaml")), ids=lambda path: path.stem)
def test_the_examples_are_valid(path: Any) -> None:
    assert faults(shape(path.name.removesuffix("-values.yaml"))) == []


@pytest.mark.parametrize(
    ("change", "where"),
    [
        ({"publicURL": "https://x"}, "$"),
        ({"publicUrl": "http://hooks.example.com"}, "$.publicUrl"),
        ({"publicUrl": "https://hooks.example.com/"}, "$.publicUrl"),
        ({"kafka": {"bootstrap": "kafka"}}, "$.kafka.bootstrap"),
        ({"kafka": {"partitions": "12"}}, "$.kafka.partitions"),
        ({"kafka": {"securityProtocol": "TLS"}}, "$.kafka.securityProtocol"),
        ({"kafka": {"password": "x"}}, "$.kafka"),
        ({"image": {"digest": "sha256:1"}}, "$.image.digest"),
        ({"secrets": {"from": "vault"}}, "$.secrets.from"),
        ({"secrets": {"from": "existing", "existingSecret": ""}}, "$.secrets.existingSecret"),
        ({"secrets": {"from": "values"}}, "$.secrets.values"),
        ({"secrets": {"from": "csi"}}, "$.secrets.csi.secretProviderClass"),
        ({"tenants": {"Acme": {}}}, "$.tenants"),
        ({"topics": {"manage": "strimzi"}}, "$.strimzi.cluster"),
        ({"webIngress": {"enabled": True}}, "$.webIngress.tlsSecret"),
        ({"ingress": {"spool": {"volume": "memory"}}}, "$.ingress.spool.volume"),
        ({"ingress": {"spool": {"size": "5GB"}}}, "$.ingress.spool.size"),
        ({"pods": {"securityContext": {"runAsNonRoot": False}}}, "$.pods.securityContext.runAsNonRoot"),
        ({"sender": {"graceSeconds": 5}}, "$.sender.graceSeconds"),
    ],
    ids=lambda one: json.dumps(one) if isinstance(one, dict) else "",
)
def test_a_wrong_value_is_refused_where_it_stands(change: Any, where: str) -> None:
    assert where in faults(merged(shape("minimal"), change))
