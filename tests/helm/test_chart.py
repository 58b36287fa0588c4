"""What the templates come to, for each values file of helm/ci."""

import json
import re
from pathlib import Path
from typing import Any

import pytest
import yaml

from services.contract.topic import shared_name
from services.contract.topics import EVENTS, own_topics
from services.runtime.config import Settings, load
from services.runtime.tenants.files import TenantFiles
from services.runtime.tenants.settings import TenantSettings
from tests.helm.made import CHART
from tests.helm.rendered import SERVICES, SHAPES, of_kind, pods, refusal, render, workloads

# The oldest that the chart permits, and the newest that there are schemas of.
KUBERNETES = ("1.30", pytest.param("1.37", marks=pytest.mark.slow))
# No schema of theirs is on this machine; kubeconform looked at them once, by their CRDs (docs/deploy.md).
OTHERS = {
    "ExternalSecret", "Gateway", "HTTPRoute", "KafkaTopic", "KafkaUser", "PrometheusRule", "ServiceMonitor",
}  # fmt: skip

each_shape = pytest.mark.parametrize("shape", SHAPES)


@pytest.mark.parametrize("version", KUBERNETES)
def test_every_resource_fits_kubernetes_own_schema(version: str) -> None:
    """Each once: many are the same in every shape."""
    # Two seconds of CPU, for the grammars of formats: in every worker, were it above.
    import kubernetes_validate

    found = {json.dumps(one, sort_keys=True): one for shape in SHAPES for one in render(shape)}
    assert len(found) > 50
    for one in found.values():
        if one["kind"] not in OTHERS:
            kubernetes_validate.validate(one, version, strict=True)


@each_shape
def test_every_pod_is_fit_for_restricted_pod_security(shape: str) -> None:
    for name, spec in pods(render(shape)):
        assert spec["securityContext"]["runAsNonRoot"] is True, name
        assert spec["securityContext"]["seccompProfile"] == {"type": "RuntimeDefault"}
        assert spec["automountServiceAccountToken"] is False
        assert spec["enableServiceLinks"] is False
        [container] = spec["containers"]
        assert container["securityContext"] == {
            "allowPrivilegeEscalation": False, "readOnlyRootFilesystem": True, "capabilities": {"drop": ["ALL"]},
        }  # fmt: skip
        assert {"hostNetwork", "hostPID", "hostIPC"}.isdisjoint(spec)
        assert all("hostPath" not in volume for volume in spec["volumes"])


@each_shape
def test_mounts_and_volumes_belong_together(shape: str) -> None:
    resources = render(shape)
    claimed = {name for name, one in workloads(resources).items() if "volumeClaimTemplates" in one["spec"]}
    for name, spec in pods(resources):
        volumes = [volume["name"] for volume in spec["volumes"]] + (["data"] if name in claimed else [])
        mounts = [mount["name"] for mount in spec["containers"][0]["volumeMounts"]]
        assert sorted(volumes) == sorted(mounts), name


def settings(shape: str, service: str, folder: Path, monkeypatch: pytest.MonkeyPatch) -> Settings:
    """The product's settings as a pod reads them, with a file for each secret that they name."""
    resources = render(shape)
    configs = of_kind(resources, "ConfigMap")
    files = {"/etc/switchboard": configs["topics" if service == "topics" else "settings"]["data"]}
    if service != "topics":
        files["/etc/switchboard-tenants"] = configs["tenants"]["data"]
    for mounted, content in files.items():
        for name, text in content.items():
            written = folder / mounted.removeprefix("/") / name
            written.parent.mkdir(parents=True, exist_ok=True)
            here = re.sub(r"(?<= )(?=/(run/secrets|etc/switchboard-tenants))", str(folder), text)
            written.write_text(here, encoding="utf-8")
            for secret in re.findall(rf"{folder}/run/secrets/[^\s}}]+", here):
                Path(secret).parent.mkdir(parents=True, exist_ok=True)
                Path(secret).write_text("0123456789abcdef0123456789abcdef", encoding="utf-8")
    file = folder / "etc/switchboard/switchboard.yaml"
    [container] = dict(pods(resources))[service]["containers"]
    for variable in container["env"]:
        value = variable.get("value", f"sb-{service}-0").replace("$(POD_NAME)", f"sb-{service}-0")
        monkeypatch.setenv(variable["name"], value)
    monkeypatch.setenv("SWITCHBOARD_CONFIG", str(file))
    return load()


@each_shape
@pytest.mark.parametrize("service", [*SERVICES, "topics"])
def test_the_product_takes_the_settings_of_every_pod(
    shape: str, service: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    if service not in dict(pods(render(shape))):
        pytest.skip("this shape has no such pod")
    loaded = settings(shape, service, tmp_path, monkeypatch)
    if service != "topics":
        said = TenantFiles(dict, None, loaded.tenants_dir).look()
        assert said.trouble is None
        assert [type(one.tenant) for one in said.tenants.values()] == [TenantSettings]
    [container] = dict(pods(render(shape)))[service]["containers"]
    ports = {one["name"]: one["containerPort"] for one in container.get("ports", [])}
    if service == "ingress":
        assert loaded.ingress.connections_per_address is None, "all come from the proxy's address"
        assert (loaded.ingress.host, loaded.ingress.operations_host) == ("0.0.0.0", "0.0.0.0")
        assert ports == {"http": loaded.ingress.port, "operations": loaded.ingress.operations_port}
    elif service == "processor":
        assert ports == {"http": loaded.processor.port, "operations": loaded.processor.operations_port}
        assert loaded.processor.instance_id == "sb-processor-0"
        assert loaded.processor.url == "http://sb-processor-0.sb-switchboard-processor-pods.messaging.svc:8081"
    elif service == "sender":
        assert (ports, loaded.sender.instance_id) == ({"operations": loaded.sender.port}, "sb-sender-0")
    elif service == "poller":
        assert (ports, loaded.poller.instance_id) == ({"operations": loaded.poller.port}, "sb-poller-0")
    elif service == "media":
        assert (ports, loaded.media.instance_id) == ({"operations": loaded.media.port}, "sb-media-0")
    if loaded.kafka.security_protocol.startswith("SASL"):
        assert loaded.kafka.sasl_username in (f"switchboard-{service}", f"sb-switchboard-{service}")


@each_shape
def test_probes_mean_what_they_say(shape: str) -> None:
    for service, one in workloads(render(shape)).items():
        [container] = one["spec"]["template"]["spec"]["containers"]
        assert container["args"] == [service]
        paths = {kind: container[f"{kind}Probe"]["httpGet"] for kind in ("startup", "readiness", "liveness")}
        assert {get["port"] for get in paths.values()} == {"operations"}
        restores = service != "ingress"
        assert paths["startup"]["path"] == ("/readyz" if restores else "/healthz")
        assert (paths["readiness"]["path"], paths["liveness"]["path"]) == ("/readyz", "/healthz")


def test_each_worker_keeps_its_name_and_its_tables() -> None:
    for service in ("processor", "sender", "poller", "media"):
        spec = workloads(render("minimal"))[service]["spec"]
        assert spec["serviceName"] == f"sb-switchboard-{service}-pods"
        assert spec["serviceName"].removeprefix("sb-switchboard-") in of_kind(render("minimal"), "Service")
        assert spec["podManagementPolicy"] == "Parallel"
        assert spec["persistentVolumeClaimRetentionPolicy"] == {"whenDeleted": "Retain", "whenScaled": "Retain"}


def test_what_ingress_acknowledged_outlives_its_pod_unless_said_otherwise() -> None:
    assert workloads(render("minimal"))["ingress"]["kind"] == "StatefulSet"
    node = workloads(render("gateway"))["ingress"]
    assert node["kind"] == "Deployment"
    assert {"name": "data", "emptyDir": {"sizeLimit": "2Gi"}} in node["spec"]["template"]["spec"]["volumes"]


def test_scaling_follows_load_and_lag_and_stops_at_the_partitions() -> None:
    scalers = of_kind(render("production"), "HorizontalPodAutoscaler")
    assert set(scalers) == {"ingress", "processor"}
    metrics = [metric["type"] for metric in scalers["processor"]["spec"]["metrics"]]
    assert metrics == ["Resource", "Pods"]
    assert "replicas" not in workloads(render("production"))["processor"]["spec"]
    assert workloads(render("production"))["sender"]["spec"]["replicas"] == 4
    for key in ("replicas", "autoscaling__maxReplicas"):
        said = refusal(
            "production", **{f"processor__{key}": 25, "processor__autoscaling__enabled": "." in key or "_" in key}
        )
        assert f"processor.{key.replace('__', '.')}: 25 pods, and kafka.partitions says 24" in said
    assert "minReplicas is more than" in refusal("production", ingress__autoscaling__minReplicas=50)


@each_shape
def test_who_is_evicted_is_one_at_a_time(shape: str) -> None:
    budgets = of_kind(render(shape), "PodDisruptionBudget")
    assert {name: one["spec"]["maxUnavailable"] for name, one in budgets.items()} == dict.fromkeys(SERVICES, 1)


def test_only_ingress_faces_the_internet() -> None:
    policies = of_kind(render("minimal"), "NetworkPolicy")
    assert set(policies) == {*SERVICES, "topics"}
    assert policies["ingress"]["spec"]["ingress"] == [{"ports": [{"port": "http"}]}]
    [peers] = policies["processor"]["spec"]["ingress"]
    assert [peer["podSelector"]["matchLabels"]["app.kubernetes.io/component"] for peer in peers["from"]] == [
        "processor"
    ]
    assert policies["sender"]["spec"]["ingress"] == policies["topics"]["spec"]["ingress"] == []
    https = {"ports": [{"port": 443}]}
    assert {name for name, one in policies.items() if https in one["spec"]["egress"]} == {"media", "poller", "sender"}


def test_queries_and_metrics_see_whom_one_names() -> None:
    policies = of_kind(render("production"), "NetworkPolicy")

    def callers(service: str, port: str) -> list[str]:
        return [
            peer["namespaceSelector"]["matchLabels"]["kubernetes.io/metadata.name"]
            for rule in policies[service]["spec"]["ingress"]
            if rule["ports"] == [{"port": port}]
            for peer in rule["from"]
            if "namespaceSelector" in peer
        ]

    assert callers("ingress", "http") == ["haproxy"]
    assert callers("processor", "http") == ["support"]
    assert {service: callers(service, "operations") for service in SERVICES} == {
        one: ["monitoring"] for one in SERVICES
    }
    assert {"ports": [{"port": 9093}], "to": [{"ipBlock": {"cidr": "10.20.0.0/24"}}]} in policies["sender"]["spec"][
        "egress"
    ]


@pytest.mark.parametrize(("shape", "path"), [("production", "/twilio/"), ("gateway", "/eu/twilio/")])
def test_the_way_in_leads_to_the_webhooks_alone_and_by_tls(shape: str, path: str) -> None:
    resources = render(shape)
    if shape == "production":
        spec = of_kind(resources, "Ingress")["ingress"]["spec"]
        assert spec["tls"] == [{"hosts": ["hooks.example.com"], "secretName": "hooks-tls"}]
        [rule] = spec["rules"]
        [way] = rule["http"]["paths"]
        assert (way["path"], way["pathType"]) == (path, "Prefix")
        assert way["backend"]["service"] == {"name": "sb-switchboard-ingress", "port": {"name": "http"}}
        return
    [listener] = of_kind(resources, "Gateway")["ingress"]["spec"]["listeners"]
    assert (listener["protocol"], listener["tls"]["mode"]) == ("HTTPS", "Terminate")
    [rule] = of_kind(resources, "HTTPRoute")["ingress"]["spec"]["rules"]
    assert rule["matches"] == [{"path": {"type": "PathPrefix", "value": path}}]
    assert rule["backendRefs"] == [{"name": "sb-switchboard-ingress", "port": 80}]
    filters = [one["type"] for one in rule["filters"]]
    assert filters == ["ResponseHeaderModifier", "URLRewrite"]
    assert "takes no path off" in refusal("production", publicUrl="https://hooks.example.com/eu")
    [header] = rule["filters"][0]["responseHeaderModifier"]["set"]
    assert header["name"] == "Strict-Transport-Security"


def test_strimzi_gets_every_topic_and_a_user_for_each_service_with_the_rights_of_the_registry() -> None:
    resources = render("strimzi")
    data = json.loads((CHART / "files" / "kafka.json").read_text("utf-8"))
    topics = [one for one in resources if one["kind"] == "KafkaTopic"]
    assert {one["metadata"]["name"] for one in topics} == set(data["topics"])
    assert {topic.name for topic in EVENTS} <= set(data["topics"])
    for one in topics:
        assert one["spec"]["partitions"] == 12
        assert one["spec"]["config"] == {**data["topics"][one["metadata"]["name"]], "min.insync.replicas": "2"}
        assert one["metadata"]["annotations"] == {"helm.sh/resource-policy": "keep"}
    users = of_kind(resources, "KafkaUser")
    rights = {name: one["spec"]["authorization"]["acls"] for name, one in users.items()}
    of_processor = rights.pop("processor")
    assert rights == data["users"]
    of_groups = [one for acls in data["groups"].values() for one in acls]
    assert all(one in of_groups for one in of_processor)
    assert all(of_processor.count(one) == 1 for one in of_groups)
    assert not of_kind(resources, "Job")
    [password] = [one for one in dict(pods(resources))["sender"]["volumes"] if one["name"] == "kafka"]
    assert password["secret"]["secretName"] == "sb-switchboard-sender"


def test_strimzi_gets_the_topics_of_tenants_with_their_own_and_the_services_are_told() -> None:
    data = json.loads((CHART / "files" / "kafka.json").read_text("utf-8"))
    resources = render("strimzi", '--set-json=kafka.tenantTopics=["acme","globex_eu"]')
    specs = {one["spec"]["topicName"]: one for one in resources if one["kind"] == "KafkaTopic"}
    own = {topic.name: topic for topic in own_topics(["acme", "globex_eu"])}
    assert set(specs) == set(data["topics"]) | set(own)
    for name in own:
        assert specs[name]["spec"]["config"] == specs[shared_name(name)]["spec"]["config"]
        assert "_" not in specs[name]["metadata"]["name"]
    [settings] = [
        yaml.safe_load(one["data"]["switchboard.yaml"])
        for one in resources
        if one["kind"] == "ConfigMap" and "switchboard.yaml" in one.get("data", {})
    ]
    assert settings["kafka"]["tenant_topics"] == ["acme", "globex_eu"]


def test_the_job_comes_before_all_else_and_brings_what_it_needs() -> None:
    """On the first install nothing else of the release is there."""
    resources = render("external-secrets")
    hooks = [one for one in resources if "helm.sh/hook" in one["metadata"].get("annotations", {})]
    assert {one["kind"] for one in hooks} == {"ConfigMap", "ExternalSecret", "Job"}
    weights = {one["kind"]: int(one["metadata"]["annotations"].get("helm.sh/hook-weight", 0)) for one in hooks}
    assert weights["Job"] > max(weights["ConfigMap"], weights["ExternalSecret"])
    job = of_kind(resources, "Job")["topics"]["spec"]["template"]["spec"]
    assert job["containers"][0]["args"] == ["topics", "apply"]
    hooked = {one["metadata"]["name"] for one in hooks}
    named = [volume.get("configMap", {}).get("name") for volume in job["volumes"]]
    assert "sb-switchboard-topics" in hooked.intersection(filter(None, named))
    [secret] = [one for one in hooks if one["kind"] == "ExternalSecret"]
    # Nothing of a tenant's.
    assert all(one["secretKey"].startswith("kafka-") for one in secret["spec"]["data"])
    [password] = [volume for volume in job["volumes"] if volume["name"] == "kafka"]
    assert password["secret"]["secretName"] == secret["spec"]["target"]["name"]


def test_a_password_in_a_csi_volume_needs_no_secret() -> None:
    """A Secret that the driver makes is not there before a pod that mounts the volume is."""
    resources = render("production", "--set", "kafka.sasl.passwordSecret=,kafka.sasl.passwordKey=kafka-{service}")
    for service, spec in pods(resources):
        [container] = spec["containers"]
        environment = {one["name"]: one.get("value") for one in container["env"]}
        assert environment["SWITCHBOARD_KAFKA__SASL_PASSWORD__FILE"] == f"/run/secrets/switchboard/kafka-{service}"
        volumes = {one["name"]: one for one in spec["volumes"]}
        assert volumes["secrets"]["csi"]["volumeAttributes"] == {"secretProviderClass": "switchboard"}
        assert "kafka" not in volumes
        mounts = {one["name"] for one in container["volumeMounts"]}
        assert mounts >= {"secrets", "settings"}
        assert mounts - set(volumes) <= {"data"}


def test_a_changed_settings_file_is_read_by_a_new_process() -> None:
    def checksum(*arguments: str) -> Any:
        template = workloads(render("minimal", *arguments))["sender"]["spec"]["template"]
        return template["metadata"]["annotations"]["checksum/settings"]

    assert checksum() == checksum("--set", "sender.replicas=3")
    assert checksum() != checksum("--set", "settings.sender.concurrency=7")
    # Tenants are looked at again by themselves.
    assert checksum() == checksum("--set", "tenants.acme.dry_run=true")


def test_tenants_come_from_files_of_whoever_has_them() -> None:
    resources = render("minimal", "--set-json", 'tenantFiles={"configMaps": ["more"], "secrets": ["others"]}')
    assert yaml.safe_load(of_kind(resources, "ConfigMap")["tenants"]["data"]["acme.yaml"])["account_sid"].startswith(
        "AC"
    )
    for service in SERVICES:
        [volume] = [one for one in dict(pods(resources))[service]["volumes"] if one["name"] == "tenants"]
        assert volume["projected"]["sources"] == [
            {"configMap": {"name": "sb-switchboard-tenants"}}, {"configMap": {"name": "more"}},
            {"secret": {"name": "others"}},
        ]  # fmt: skip


@pytest.mark.parametrize(
    ("values", "sentence"),
    [
        ({"publicUrl": ""}, "publicUrl: say what Twilio calls"),
        ({"kafka__bootstrap": ""}, "kafka.bootstrap: name some brokers"),
        ({"kafka__partitions": 1}, "processor.replicas: 2 pods, and kafka.partitions says 1"),
        ({"secrets__from": "vault"}, "/secrets/from"),
        ({"publicURL": "x"}, "publicURL"),
    ],
)
def test_helm_refuses_with_a_sentence(values: dict[str, object], sentence: str) -> None:
    assert sentence in refusal("minimal", **values)


def test_a_secret_of_values_is_for_trials() -> None:
    made = of_kind(render("strimzi"), "Secret")["secrets"]
    assert set(made["stringData"]) == {"acme-auth-token", "acme-contact-secret"}
    [volume] = [one for one in dict(pods(render("strimzi")))["ingress"]["volumes"] if one["name"] == "secrets"]
    assert volume["secret"]["secretName"] == "sb-switchboard-secrets"


def test_the_settings_file_is_yaml_that_people_can_read() -> None:
    text = of_kind(render("production"), "ConfigMap")["settings"]["data"]["switchboard.yaml"]
    assert yaml.safe_load(text)["sender"]["concurrency"] == 100


def test_alerts_and_dashboards_are_those_of_the_files() -> None:
    resources = render("production", "--set-string=monitoring.runbooks=https://wiki.example.com/runbooks")
    [rules] = of_kind(resources, "PrometheusRule").values()
    written = yaml.safe_load(
        (CHART / "files" / "alerts.yaml")
        .read_text("utf-8")
        .replace("docs/runbooks.md", "https://wiki.example.com/runbooks")
    )
    assert rules["spec"] == written
    boards = [one["data"] for name, one in of_kind(resources, "ConfigMap").items() if "dashboard" in name]
    assert {file: json.loads(text) for board in boards for file, text in board.items()} == {
        path.name: json.loads(path.read_text("utf-8")) for path in (CHART / "files" / "dashboards").glob("*.json")
    }


def test_a_processor_of_some_groups_is_told_so_and_has_their_rights_alone() -> None:
    resources = render("strimzi", '--set-json=processor.groups=["commands"]')
    data = json.loads((CHART / "files" / "kafka.json").read_text("utf-8"))
    assert of_kind(resources, "KafkaUser")["processor"]["spec"]["authorization"]["acls"] == data["groups"]["commands"]
    [settings] = [one for one in resources if one["kind"] == "ConfigMap" and "switchboard.yaml" in one["data"]
                  and one["metadata"]["name"].endswith("-settings")]  # fmt: skip
    assert yaml.safe_load(settings["data"]["switchboard.yaml"])["processor"]["groups"] == ["commands"]
