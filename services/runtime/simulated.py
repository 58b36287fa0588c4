"""What is set of the simulated Twilio: where it listens, what it does wrong, how it signs."""

from pydantic import Field

from services.runtime.section import Section


class FaultSettings(Section):
    """What the simulator does wrong, each a probability from 0 to 1 unless it names seconds."""

    latency_s: float = Field(default=0.0, ge=0)
    latency_jitter_s: float = Field(default=0.0, ge=0)
    rate_limited: float = Field(default=0.0, ge=0, le=1, description="429 with code 20429 and Retry-After")
    error_before: float = Field(default=0.0, ge=0, le=1, description="5xx, nothing created")
    error_after: float = Field(
        default=0.0, ge=0, le=1, description="5xx, although the message was created, or the sender removed"
    )
    undelivered: float = Field(default=0.0, ge=0, le=1, description="ends undelivered with 30003 or 30005")
    delivered_after_all: float = Field(
        default=0.0, ge=0, le=1, description="of what ends undelivered: another part arrives, and it is delivered"
    )
    callback_lost: float = Field(default=0.0, ge=0, le=1)
    callback_doubled: float = Field(default=0.0, ge=0, le=1)
    callback_reordered: float = Field(default=0.0, ge=0, le=1)
    callback_delay_s: float = Field(default=0.05, ge=0, description="between two steps of one message")
    callback_late: float = Field(default=0.0, ge=0, le=1)
    callback_late_s: float = Field(default=2.0, ge=0)
    callback_before_response: float = Field(default=0.0, ge=0, le=1, description="first callback before create answers")
    seed: int | None = None


class SignatureSettings(Section):
    """How the simulator signs what it posts, where Twilio and those who imitate it differ."""

    shared_keys: bool = Field(default=False, description="by the tenant's first signing key, with HMAC_SHA256")
    fragment: bool = Field(default=False, description="over the URL with its connection overrides, as an emulator does")
    bare: str = Field(default="", description="over a query in which these are not escaped, such as :@'")


class SimulatorSettings(Section):
    host: str = "127.0.0.1"
    port: int = Field(default=8090, ge=0, le=65535)
    webhook_url: str = Field(default="http://127.0.0.1:8080", description="where inbound messages are posted")
    shared_url: bool = Field(
        default=False, description="post to the URL that all tenants share, not to the tenant's own"
    )
    signatures: SignatureSettings = SignatureSettings()
    public_callbacks: bool = Field(
        default=False, description="refuse a StatusCallback that the internet does not reach (21609), as Twilio does"
    )
    faults: FaultSettings = FaultSettings()
