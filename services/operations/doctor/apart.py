"""Whose producers are kept apart: Kafka tells no consumer who produced a record."""

from collections.abc import Iterator, Sequence

from services.contract.consent import CONSENT_COMMANDS
from services.contract.messages import MESSAGES
from services.operations.doctor.finding import Finding, Level
from services.runtime.sections.kafka import KafkaSettings
from services.runtime.tenants.live import Tenants
from services.runtime.tenants.settings import TenantSettings

# Of thousands that are alike; `--tenant` looks at one.
_NAMED = 5
_ANYBODY = f"who may write to {MESSAGES.name} and {CONSENT_COMMANDS.name} speaks for any of them"
_STEPS = "docs/tenants.md has the steps"

# By how a tenant's producers are told from others': what is so, and its remedy.
_SAID: dict[str, tuple[Level, str, str]] = {
    "nothing": (
        "note",
        f"not kept apart, with neither a topic of its own nor a key: {_ANYBODY}",
        f"kafka.tenant_topics or producer_keys, then unsigned_commands: refused; {_STEPS}",
    ),
    "still open": (
        "note",
        f"has a topic of its own or a key, and takes unsigned commands all the same: {_ANYBODY}",
        f"once all its producers use them: unsigned_commands: refused; {_STEPS}",
    ),
    "mute": (
        "fault",
        "unsigned_commands is refused, with neither a topic of its own nor a key: nobody can send in its name",
        "add producer_keys, or name it in kafka.tenant_topics",
    ),
    "unguarded": (
        "fault",
        "has a topic of its own, and Kafka asks nobody who he is: whoever reaches it writes there",
        "let Kafka know its users (SASL or client certificates), then switchboard topics acls producer",
    ),
    "apart": ("fine", "kept apart, by a topic of its own or by keys", ""),
}


def apart(kafka: KafkaSettings, tenants: Tenants, only: str | None = None) -> Iterator[Finding]:
    """By what the commands of each open tenant are told from others'. `only`: of one tenant."""
    found: dict[str, list[str]] = {}
    for name, tenant in tenants.items():
        if only in (None, name) and tenant.state == "open":
            found.setdefault(_told_by(tenant, name in kafka.tenant_topics, kafka), []).append(name)
    for kind, (level, says, remedy) in _SAID.items():
        if names := found.get(kind):
            yield Finding("producers", level, _few(names), says, remedy)


def _told_by(tenant: TenantSettings, own_topic: bool, kafka: KafkaSettings) -> str:
    if own_topic and not (kafka.sasl_username or kafka.ssl_certfile):
        return "unguarded"
    marked = own_topic or bool(tenant.producer_keys)
    if tenant.unsigned_commands == "taken":
        return "still open" if marked else "nothing"
    return "apart" if marked else "mute"


def _few(names: Sequence[str]) -> str:
    more = f" and {len(names) - _NAMED:,} more" if len(names) > _NAMED else ""
    return ", ".join(names[:_NAMED]) + more
