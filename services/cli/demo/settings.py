"""The settings of one demo: two tenants, random secrets in the environment, faults that make a story of it."""

import os
import secrets
from pathlib import Path
from typing import Any

import yaml

import services
from services.cli.demo.layout import Layout
from services.runtime.config import Settings, load

ACME_SMS = "+14155550100"
ACME_WHATSAPP = "whatsapp:+14155550101"
ACME_SERVICE = "MG" + "a" * 32
ACME_CARE = "+14155550102"
ACME_CARE_SERVICE = "MG" + "c" * 32
GLOBEX_SMS = "+14155550200"
GLOBEX_WHATSAPP = "whatsapp:+14155550201"
ACCOUNTS = {"acme": "AC" + "a" * 32, "globex": "AC" + "b" * 32}

CONFIRM_STOP = "You will hear no more from Acme here. Reply START to change that."
CONFIRM_START = "Acme is back. Reply STOP to end it."

_FAULTS = {
    "latency_s": 0.02,
    "latency_jitter_s": 0.04,
    # Each makes its whole account pause for a second.
    "rate_limited": 0.005,
    "error_after": 0.01,
    "undelivered": 0.06,
    "callback_doubled": 0.10,
    "callback_reordered": 0.15,
    "callback_late": 0.05,
    "callback_before_response": 0.10,
}
# What a person's own environment says must not steer the demo, but for where downloads lie and how much is logged.
_KEPT = frozenset({"SWITCHBOARD_CACHE", "SWITCHBOARD_LOG_LEVEL"})


def prepare(layout: Layout) -> Settings:
    """Write the settings file and draw the secrets; the processes that we start inherit both from our environment."""
    for name in [name for name in os.environ if name.startswith("SWITCHBOARD_") and name not in _KEPT]:
        del os.environ[name]
    for tenant in ACCOUNTS:
        os.environ[_variable(tenant, "TOKEN")] = secrets.token_hex(16)
        os.environ[_variable(tenant, "CONTACTS")] = secrets.token_hex(16)
    os.environ["SWITCHBOARD_CONFIG"] = str(layout.settings_file)
    # The sender honours a proxy on its way to Twilio; on the way to loopback it must not.
    for name in ("NO_PROXY", "no_proxy"):
        os.environ[name] = ",".join(filter(None, (os.environ.get(name), "127.0.0.1", "localhost")))
    # The services are to run the code that we are, whatever folder we were called in.
    own = str(Path(services.__path__[0]).parent)
    os.environ["PYTHONPATH"] = os.pathsep.join(filter(None, (own, os.environ.get("PYTHONPATH"))))
    layout.settings_file.write_text(yaml.safe_dump(_content(layout), sort_keys=False), encoding="utf-8")
    return load()


def _content(layout: Layout) -> dict[str, Any]:
    port = layout.ports
    return {
        "public_url": layout.url("ingress"),
        "kafka": {
            "bootstrap": layout.address("kafka"),
            "partitions": 4,
            "replication": 1,
            "min_insync_replicas": 1,
        },
        "tenants": {
            "acme": {
                **_tenant("acme", [ACME_SMS, ACME_WHATSAPP, ACME_CARE, ACME_SERVICE, ACME_CARE_SERVICE]),
                "routing": {"default_messaging_service_sid": ACME_SERVICE},
                "replies": {"HELP": "Acme: we are at help.acme.example. Reply STOP to opt out."},
                "consent": {
                    "stop_words": ["baja"],
                    "start_words": ["alta"],
                    "confirm_stop": CONFIRM_STOP,
                    "confirm_start": CONFIRM_START,
                },
            },
            "globex": {
                **_tenant("globex", [GLOBEX_SMS, GLOBEX_WHATSAPP]),
                "consent": {"consent_for": "templates", "consent_days": 1},
            },
        },
        "clock_skew_file": str(layout.folder / "clock"),
        "twilio": {"api": layout.url("simulator")},
        "ingress": {"port": port["ingress"], "spool": {"directory": str(layout.folder / "spool")}},
        "processor": {"port": port["processor"], "data_dir": str(layout.folder / "processor")},
        "sender": {"port": port["sender"], "data_dir": str(layout.folder / "sender")},
        "simulator": {"port": port["simulator"], "webhook_url": layout.url("ingress"), "faults": _FAULTS},
    }


def _tenant(name: str, senders: list[str]) -> dict[str, Any]:
    return {
        "account_sid": ACCOUNTS[name],
        "auth_tokens": [{"env": _variable(name, "TOKEN")}],
        "contact_secret": {"env": _variable(name, "CONTACTS")},
        "allowed_senders": senders,
        "messages_per_second": 100,
    }


def _variable(tenant: str, what: str) -> str:
    return f"DEMO_{tenant.upper()}_{what}"
