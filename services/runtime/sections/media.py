"""The worker of media: where copies lie, and what is copied."""

from pydantic import Field, model_validator

from services.runtime.section import Secret, Section
from services.runtime.sections.worker import WorkerSettings
from services.runtime.tokens import TokenName, TokenSettings


class StorageSettings(Section):
    """Where files are copied to: a bucket, by the S3 API."""

    bucket: str = Field(default="", pattern=r"^[a-z0-9.-]{0,63}$", description="the worker `media` needs one")
    prefix: str = Field(
        default="media/", pattern=r"^([A-Za-z0-9._-]+/)*$", description="what the names of its objects begin with"
    )
    endpoint: str | None = Field(
        default=None, pattern=r"^https?://[^/?#]+$", description="of what speaks S3; left out: Amazon's"
    )
    region: str = "us-east-1"
    path_style: bool = Field(default=True, description="the bucket stands in the path, not in the host's name")
    access_key_id: Secret | None = Field(default=None, description="left out: the machine's role")
    secret_access_key: Secret | None = None

    @model_validator(mode="after")
    def _consistent(self) -> "StorageSettings":
        if bool(self.access_key_id) != bool(self.secret_access_key):
            raise ValueError("access_key_id and secret_access_key go together")
        return self


_OFFICE = "application/vnd.openxmlformats-officedocument."
_TYPES = (
    *(f"image/{name}" for name in ("jpeg", "png", "gif", "webp", "heic", "heif")),
    *(f"audio/{name}" for name in ("ogg", "amr", "mpeg", "mp4", "aac", "3gpp")),
    *(f"video/{name}" for name in ("mp4", "3gpp", "quicktime")),
    *(f"text/{name}" for name in ("plain", "csv", "vcard", "x-vcard", "calendar")),
    *(
        f"{_OFFICE}{name}"
        for name in ("wordprocessingml.document", "spreadsheetml.sheet", "presentationml.presentation")
    ),
    "application/pdf",
)


class MediaWorkerSettings(WorkerSettings):
    """A worker that copies what people send to object storage. Its `port` is for operations, and gives links."""

    port: int = Field(default=8085, ge=0, le=65535, description="/healthz, /readyz, /metrics and /v1/links")
    storage: StorageSettings = StorageSettings()
    types: list[str] = Field(
        default_factory=lambda: [*_TYPES], description="of files, by their content; what is of no such type is refused"
    )
    max_bytes: int = Field(default=32 << 20, ge=1, le=100 << 20, description="of one file; what is larger is refused")
    at_once: int = Field(default=4, ge=1, le=64, description="messages worked on together; each has a file in memory")
    timeout_s: float = Field(default=30.0, gt=0, description="of each step: Twilio, ClamAV, the storage")
    clamav: str | None = Field(
        default=None,
        pattern=r"^(/.+|[A-Za-z0-9.-]+:[0-9]{1,5})$",
        description="clamd's host:port, or the path of its socket; left out: nobody scans",
    )
    tokens: dict[TokenName, TokenSettings] = Field(default_factory=dict, description="of /v1/links")
    link_s: float = Field(default=900.0, ge=1, le=604_800, description="how long a link holds")
