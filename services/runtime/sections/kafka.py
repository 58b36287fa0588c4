"""The broker, and what the topics look like there."""

from collections import Counter
from pathlib import Path
from typing import Literal

from pydantic import Field, model_validator

from services.runtime.section import Secret, Section
from services.runtime.tenants.settings import TenantName


class KafkaSettings(Section):
    """How to reach the broker, and what the topics look like there."""

    bootstrap: str = "127.0.0.1:9092"
    security_protocol: Literal["PLAINTEXT", "SSL", "SASL_PLAINTEXT", "SASL_SSL"] = "PLAINTEXT"
    sasl_mechanism: Literal["PLAIN", "SCRAM-SHA-256", "SCRAM-SHA-512"] = "SCRAM-SHA-512"
    sasl_username: str | None = None
    sasl_password: Secret | None = None
    ssl_cafile: Path | None = None
    ssl_certfile: Path | None = None
    ssl_keyfile: Path | None = None
    ssl_keyfile_password: Secret | None = None
    partitions: int = Field(default=8, ge=1, le=1024, description="of every topic; never changed in place")
    replication: int = Field(default=3, ge=1, le=15)
    min_insync_replicas: int = Field(default=2, ge=1)
    tenant_topics: list[TenantName] = Field(
        default_factory=list,
        max_length=100,
        description="tenants with public topics of their own: `switchboard topics apply` makes them; stop all "
        "senders before the list changes (docs/tenants.md)",
    )

    @model_validator(mode="after")
    def _consistent(self) -> "KafkaSettings":
        if self.min_insync_replicas > self.replication:
            raise ValueError(
                f"min_insync_replicas {self.min_insync_replicas} is more than replication {self.replication}; "
                "no write could ever be acknowledged. Lower it, or raise replication"
            )
        if self.security_protocol.startswith("SASL") and not (self.sasl_username and self.sasl_password):
            raise ValueError(f"{self.security_protocol} needs sasl_username and sasl_password")
        if twice := sorted(name for name, count in Counter(self.tenant_topics).items() if count > 1):
            raise ValueError(f"tenant_topics: {', '.join(twice)} stands there twice; name each tenant once")
        if bool(self.ssl_certfile) != bool(self.ssl_keyfile):
            raise ValueError("ssl_certfile and ssl_keyfile go together")
        return self
