"""The sender."""

from pydantic import Field

from services.runtime.sections.worker import WorkerSettings


class SenderSettings(WorkerSettings):
    """A worker that nobody asks: its `port` is for operations alone."""

    port: int = Field(default=8082, ge=0, le=65535, description="/healthz, /readyz and /metrics")
    concurrency: int = Field(default=50, ge=1, description="calls under way at Twilio, per worker")
    request_timeout_s: float = Field(default=10.0, gt=0)
    ambiguous_wait_s: float = Field(
        default=60.0, ge=0, description="how long an ambiguous message holds up later ones to its contact"
    )
    attempt_deadline_s: float = Field(default=15.0, gt=0, description="an attempt not posted by then never is")
    media_look_s: float = Field(default=5.0, gt=0, le=30, description="the longest look at a medium before a send")
    not_after_s: float = Field(default=86400.0, gt=0, description="a command's life, unless it says otherwise")
