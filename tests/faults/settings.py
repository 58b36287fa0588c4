"""The settings that all services of an episode share, and who takes part."""

from pathlib import Path
from typing import Any

import yaml

PARTITIONS = 4
TENANT = "acme"
ACCOUNT = "AC" + "a" * 32
SMS = "+14155550100"
WHATSAPP = "whatsapp:+14155550101"
SERVICE = "MG" + "a" * 32
# Its messages go to a flow.
FLOW_NUMBER = "+14155550103"
FLOW = "FW" + "a" * 32
SECRETS = {"FAULTS_TOKEN": "0123456789abcdef0123456789abcdef", "FAULTS_CONTACTS": "a secret of the fault bench"}
# The least that the settings allow: what a kill -9 of a worker without a name of its own costs.
SESSION_TIMEOUT_S = 6
# Below what a slow Twilio takes.
REQUEST_TIMEOUT_S = 2.0
LARGEST_RECORD = 16 << 20

_WORKER = {"session_timeout_s": SESSION_TIMEOUT_S, "block_cache_bytes": 4 << 20, "memtable_bytes": 4 << 20}


def acme() -> dict[str, Any]:
    """The tenant of the load."""
    return {
        "account_sid": ACCOUNT,
        "auth_tokens": [{"env": "FAULTS_TOKEN"}],
        "contact_secret": {"env": "FAULTS_CONTACTS"},
        "allowed_senders": [SMS, WHATSAPP, SERVICE, FLOW_NUMBER],
        "routing": {"default_messaging_service_sid": SERVICE},
        "rate_limits": {"each": 200, "kinds": {}},
    }


def write(folder: Path, bootstrap: str, ports: dict[str, int]) -> Path:
    """The settings file. `ports`: of the public address and the simulator; others have theirs by the environment."""
    simulator, public = (f"http://127.0.0.1:{ports[name]}" for name in ("simulator", "public"))
    content: dict[str, Any] = {
        "public_url": public,
        "kafka": {"bootstrap": bootstrap, "partitions": PARTITIONS, "replication": 1, "min_insync_replicas": 1},
        "tenants_dir": str(folder / "tenants"),
        "clock_skew_file": str(folder / "clock"),
        "twilio": {"api": simulator},
        "processor": _WORKER,
        "sender": {
            **_WORKER,
            "request_timeout_s": REQUEST_TIMEOUT_S,
            "attempt_deadline_s": 5.0,
            "ambiguous_wait_s": 2.0,
            "concurrency": 16,
        },
        # What no callback tells it looks up; prices are not what is tried here, nor templates and registrations.
        "poller": {
            **_WORKER,
            "calls_per_minute": 6000,
            "costs_after_s": None,
            "reconcile_at": "",
            "templates_every_s": None,
            "prices_every_s": None,
            "compliance_every_s": None,
        },
        # Twilio tries again for as long as it ever does, so that most facts come through.
        "simulator": {"port": ports["simulator"], "webhook_url": f"{public}#rc=4&rp=5xx,ct,rt"},
    }
    file = folder / "switchboard.yaml"
    file.write_text(yaml.safe_dump(content), encoding="utf-8")
    return file
