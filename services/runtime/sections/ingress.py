"""The way in."""

from pathlib import Path

from pydantic import Field

from services.runtime.section import Section


class SpoolSettings(Section):
    """Where facts wait, fsynced, while Kafka is away."""

    directory: Path = Path("spool")
    max_bytes: int = Field(default=1 << 30, ge=1 << 16)


class IngressSettings(Section):
    """Twilio reaches `port`; `operations_port` is for those who run it, and its metrics name tenants."""

    host: str = "127.0.0.1"
    port: int = Field(default=8080, ge=0, le=65535)
    operations_host: str = "127.0.0.1"
    operations_port: int = Field(default=9080, ge=0, le=65535, description="/healthz, /readyz and /metrics")
    known_parameters: list[str] = Field(
        default_factory=list, description="of messages, that Twilio has added since: a START with others is not heard"
    )
    connections_per_address: int | None = Field(
        default=500, ge=1, description="of 1,000 in all; empty behind a proxy, where all come from its address"
    )
    produce_deadline_s: float = Field(default=3.0, gt=0, lt=15, description="then the spool; Twilio waits 15 s")
    max_body_bytes: int = Field(default=64 * 1024, ge=1024)
    spool: SpoolSettings = SpoolSettings()
