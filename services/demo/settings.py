"""The settings of one demo: two tenants, random secrets in files, faults that make a story of it."""

import os
import secrets
from pathlib import Path
from typing import Any

import yaml

from services.demo.script import BEGINNING_S
from services.local.layout import Layout
from services.local.stack import prepare_environment
from services.runtime.config import Settings, load
from services.runtime.tokens import digest, draw

ACME_SMS = "+14155550100"
ACME_WHATSAPP = "whatsapp:+14155550101"
ACME_SERVICE = "MG" + "a" * 32
ACME_CARE = "+14155550102"
ACME_CARE_SERVICE = "MG" + "c" * 32
# Its messages go to a flow.
ACME_FLOW = "+14155550103"
ACME_SURVEY = "FW" + "a" * 32
GLOBEX_SMS = "+14155550200"
GLOBEX_WHATSAPP = "whatsapp:+14155550201"
ACCOUNTS = {"acme": "AC" + "a" * 32, "globex": "AC" + "b" * 32}

CONFIRM_STOP = "You will hear no more from Acme here. Reply START to change that."
CONFIRM_START = "Acme is back. Reply STOP to end it."

_ACME_SENDERS = [ACME_SMS, ACME_WHATSAPP, ACME_CARE, ACME_FLOW, ACME_SERVICE, ACME_CARE_SERVICE]
FAULTS = {
    "latency_s": 0.02,
    "latency_jitter_s": 0.04,
    # Each makes its whole account pause for a second.
    "rate_limited": 0.005,
    "error_after": 0.01,
    "undelivered": 0.06,
    "delivered_after_all": 0.3,
    "callback_doubled": 0.10,
    "callback_reordered": 0.15,
    "callback_late": 0.05,
    "callback_before_response": 0.10,
}
# What a person's own environment says must not steer the demo, but for where downloads lie and how much is logged.
_KEPT = frozenset({"SWITCHBOARD_CACHE", "SWITCHBOARD_LOG_LEVEL"})


def prepare(layout: Layout) -> Settings:
    """Write the settings file, and draw the secrets into files beside it: another terminal may use them too."""
    for name in [name for name in os.environ if name.startswith("SWITCHBOARD_") and name not in _KEPT]:
        del os.environ[name]
    for tenant in ACCOUNTS:
        for what in ("token", "contacts"):
            secret = _secret(layout, tenant, what)
            secret.touch(mode=0o600)
            secret.write_text(secrets.token_hex(16), encoding="ascii")
    # The services are not to start in today and go back.
    _clock(layout).write_text(f"{BEGINNING_S:.3f}", encoding="ascii")
    os.environ["SWITCHBOARD_CONFIG"] = str(layout.settings_file)
    os.environ["SWITCHBOARD_TOKEN"] = token = draw()
    prepare_environment()
    content = _content(layout)
    content["processor"]["tokens"] = {"demo": {"sha256": digest(token), "scope": "masked"}}
    layout.settings_file.write_text(yaml.safe_dump(content, sort_keys=False), encoding="utf-8")
    return load()


def _content(layout: Layout) -> dict[str, Any]:
    port = layout.ports
    return {
        "public_url": layout.url("ingress"),
        "kafka": {
            "bootstrap": layout.address("kafka"),
            # Each costs every service and the broker something, and a demo is there to begin soon.
            "partitions": 2,
            "replication": 1,
            "min_insync_replicas": 1,
        },
        "tenants": {
            "acme": {
                **_tenant(layout, "acme", _ACME_SENDERS),
                "routing": {"default_messaging_service_sid": ACME_SERVICE},
                "keywords": [
                    {
                        "name": "help",
                        "says": ["HELP", "INFO"],
                        "reply": "Acme: we are at help.acme.example. Reply STOP to opt out.",
                    }
                ],
                "consent": {
                    "stop_words": ["baja"],
                    "start_words": ["alta"],
                    "confirm_stop": CONFIRM_STOP,
                    "confirm_start": CONFIRM_START,
                },
            },
            "globex": {
                **_tenant(layout, "globex", [GLOBEX_SMS, GLOBEX_WHATSAPP]),
                "consent": {"consent_for": "templates", "consent_days": 1},
            },
        },
        "clock_skew_file": str(_clock(layout)),
        "twilio": {"api": layout.url("simulator")},
        "ingress": {
            "port": port["ingress"],
            "operations_port": port["ingress-operations"],
            "spool": {"directory": str(layout.folder / "spool")},
        },
        "processor": {
            "port": port["processor"],
            "operations_port": port["processor-operations"],
            "data_dir": str(layout.folder / "processor"),
        },
        "sender": {"port": port["sender"], "data_dir": str(layout.folder / "sender")},
        # It reads flows here. After the day that the clock jumps over it would ask for every message's price too, and
        # hold Twilio's lists against the log. Nobody here has templates, or a budget.
        "poller": {
            "port": port["poller"],
            "data_dir": str(layout.folder / "poller"),
            "calls_per_minute": 6000,
            "costs_after_s": None,
            "reconcile_at": "",
            "templates_every_s": None,
            "prices_every_s": None,
            "compliance_every_s": None,
        },
        "simulator": {"port": port["simulator"], "webhook_url": layout.url("ingress"), "faults": FAULTS},
    }


def _tenant(layout: Layout, name: str, senders: list[str]) -> dict[str, Any]:
    return {
        "account_sid": ACCOUNTS[name],
        "auth_tokens": [{"file": str(_secret(layout, name, "token"))}],
        "contact_secret": {"file": str(_secret(layout, name, "contacts"))},
        "allowed_senders": senders,
        "rate_limits": {"each": 100, "kinds": {}},
    }


def _secret(layout: Layout, tenant: str, what: str) -> Path:
    return layout.folder / f"{tenant}-{what}"


def _clock(layout: Layout) -> Path:
    return layout.folder / "clock"
