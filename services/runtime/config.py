"""Settings: one YAML file, overridden by environment, checked once at the start.

The file is named by `SWITCHBOARD_CONFIG` or `--config`. Any key can be set from the environment:
`SWITCHBOARD_KAFKA__BOOTSTRAP=broker:9092`. Secrets are never written in the file: each is
`{file: /run/secrets/x}` or `{env: NAME}`. Of a running service only its tenants change: see `tenants`.
"""

import os
import re
from collections import Counter
from collections.abc import Iterator
from contextlib import suppress
from contextvars import ContextVar
from pathlib import Path
from typing import Annotated, Literal
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

import yaml
from pydantic import AfterValidator, Field, ValidationError, model_validator
from pydantic_settings import (
    BaseSettings,
    PydanticBaseSettingsSource,
    SettingsConfigDict,
    SettingsError,
    YamlConfigSettingsSource,
)

from services.contract.fold import PROCESSOR_APPS
from services.domain.messages.silent import Channel
from services.runtime.environment import PREFIX, named_secrets, strays
from services.runtime.regions import Region, regional
from services.runtime.section import ConfigError, Secret, Section, faults
from services.runtime.simulated import SimulatorSettings
from services.runtime.tenants.settings import TenantName, TenantSettings
from services.runtime.tokens import TokenName, TokenSettings
from services.runtime.urls import guarded, is_twilio

# What listens there is reached under other names.
EVERY_ADDRESS = frozenset({"", "0.0.0.0", "::", "[::]"})  # noqa: S104 (not bound here)  # nosec B104


_TWILIO_API = "https://api.twilio.com"
# What `load` reads; the sources of the settings are asked for by a class, which nobody can hand anything to.
_reading: ContextVar[Path | None] = ContextVar("reading", default=None)


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


class WorkerSettings(Section):
    """A Faust worker: where its tables lie and how it is reached by its peers."""

    host: str = "127.0.0.1"
    port: int = Field(default=8081, ge=0, le=65535)
    advertised_url: str | None = Field(default=None, description="what peers call; default http://host:port")
    data_dir: Path = Path("data")
    session_timeout_s: float = Field(default=10.0, ge=6, description="what a kill -9 costs before others take over")
    instance_id: str | None = Field(
        default=None,
        min_length=1,
        max_length=249,
        pattern=r"^[A-Za-z0-9._-]+$",
        description="a name that is this worker's alone and outlives it, such as its pod's in a StatefulSet: back "
        "within session_timeout_s, it has its partitions again at once, and nobody else is disturbed",
    )
    standby_replicas: int = Field(default=1, ge=0, le=3, description="workers that keep a table ready for a failover")
    max_batch: int = Field(default=2000, ge=1, description="records folded in one flush")
    block_cache_bytes: int = Field(default=64 << 20, ge=1 << 20, description="RocksDB, shared by all partitions")
    memtable_bytes: int = Field(default=64 << 20, ge=1 << 20, description="RocksDB, shared by all partitions")

    @property
    def url(self) -> str:
        return self.advertised_url or f"http://{self.host}:{self.port}"


def _groups(names: list[str]) -> list[str]:
    if unknown := sorted(set(names) - set(PROCESSOR_APPS)):
        raise ValueError(f"no group is called {', '.join(unknown)}; there are {', '.join(PROCESSOR_APPS)}")
    return names


class ProcessorSettings(WorkerSettings):
    """A worker that its peers ask: it needs a URL that is its own. Its `port` answers questions and nothing else."""

    operations_host: str = "127.0.0.1"
    operations_port: int = Field(default=9081, ge=0, le=65535, description="/healthz, /readyz and /metrics")
    tokens: dict[TokenName, TokenSettings] = Field(
        default_factory=dict, description="of the query API, each showing the rows of all tenants"
    )
    groups: Annotated[list[str], AfterValidator(_groups)] = Field(
        default_factory=lambda: [*PROCESSOR_APPS],
        min_length=1,
        description="of folds that this worker runs, each for itself; default: all",
    )

    @model_validator(mode="after")
    def _reachable(self) -> "ProcessorSettings":
        if self.advertised_url is None and (self.host in EVERY_ADDRESS or self.port == 0):
            raise ValueError(
                f"host {self.host}, port {self.port} is no address at which other processors could ask this one; "
                "set advertised_url to one that is this worker's alone, such as http://processor-0:8081"
            )
        return self


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


def _zone(name: str) -> str:
    try:
        ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError) as error:
        raise ValueError(f"no time zone is called {name}; write one of the IANA's, such as Europe/Berlin") from error
    return name


class PollerSettings(WorkerSettings):
    """A worker that reads Twilio where Twilio does not tell. Its `port` is for operations alone."""

    port: int = Field(default=8084, ge=0, le=65535, description="/healthz, /readyz and /metrics")
    calls_per_minute: float = Field(
        default=60.0, gt=0, le=6000, description="to each host for each account, over all workers"
    )
    request_timeout_s: float = Field(default=30.0, gt=0)
    silent_after_s: dict[Channel, Annotated[float, Field(ge=1)]] = Field(
        default_factory=dict,
        description="by channel (sms, whatsapp, rcs, messenger, other): for how long nothing may be heard of a message "
        "before its end is looked up; what is left out: 900",
    )
    costs_after_s: Annotated[float, Field(ge=0)] | None = Field(
        default=3600.0,
        description="how long after a message's end its price is first looked up; empty: never",
    )
    senders_every_s: Annotated[float, Field(ge=1)] | None = Field(
        default=600.0,
        description="how often Twilio's list of WhatsApp senders is read, to take out who is offline; empty: never",
    )
    reconcile_at: str = Field(
        default="03:30",
        pattern=r"^(([01]\d|2[0-3]):[0-5]\d)?$",
        strict=True,
        description="when Twilio's lists are held against the log each day, in quotes; empty: never",
    )
    reconcile_zone: Annotated[str, AfterValidator(_zone)] = Field(
        default="UTC", description="the time zone of reconcile_at, such as Europe/Berlin"
    )


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


BaseURL = Annotated[str, AfterValidator(guarded)]


class TwilioSettings(Section):
    """Twilio's base URLs by product, so that each can point at an emulator."""

    api: BaseURL = _TWILIO_API
    messaging: BaseURL | None = Field(
        default=None, description="services and their senders; default: Twilio's own, or `api` where that is not Twilio"
    )
    monitor: BaseURL | None = Field(
        default=None, description="its alerts, for the doctor; default: Twilio's own, or `api` where that is not Twilio"
    )
    content: BaseURL | None = Field(
        default=None, description="content templates; default: Twilio's own, or `api` where that is not Twilio"
    )
    studio: BaseURL | None = Field(
        default=None, description="flows and executions; default: Twilio's own, or `api` where that is not Twilio"
    )
    pricing: BaseURL | None = Field(
        default=None, description="the price list; default: Twilio's own, or `api` where that is not Twilio"
    )
    lookups: BaseURL | None = Field(
        default=None,
        description="what stands behind a number; default: Twilio's own, or `api` where that is not Twilio",
    )
    polled: bool = Field(
        default=False,
        description="Twilio cannot call us: messages are created without a status callback, and its lists are read "
        "instead; `switchboard dev` does so",
    )

    @property
    def messaging_url(self) -> str:
        return self.messaging or self._beside("messaging")

    @property
    def monitor_url(self) -> str:
        return self.monitor or self._beside("monitor")

    @property
    def content_url(self) -> str:
        return self.content or self._beside("content")

    @property
    def studio_url(self) -> str:
        return self.studio or self._beside("studio")

    @property
    def pricing_url(self) -> str:
        return self.pricing or self._beside("pricing")

    @property
    def lookups_url(self) -> str:
        return self.lookups or self._beside("lookups")

    @property
    def urls(self) -> dict[str, str]:
        """By the name of the setting, each as it counts."""
        return {
            "api": self.api,
            "messaging": self.messaging_url,
            "monitor": self.monitor_url,
            "content": self.content_url,
            "studio": self.studio_url,
            "pricing": self.pricing_url,
            "lookups": self.lookups_url,
        }

    def _beside(self, product: str) -> str:
        """The host of another product, in the same edge and region: `https://messaging.dublin.ie1.twilio.com`."""
        return self.api.replace("://api.", f"://{product}.", 1) if is_twilio(self.api) else self.api

    def in_region(self, region: Region) -> "TwilioSettings":
        """The same, of a region."""
        return self.model_copy(update={name: regional(url, region) for name, url in self.urls.items()})


class Settings(BaseSettings):
    """Everything that can be set. `public_url` is what Twilio calls: the base of every signed URL."""

    model_config = SettingsConfigDict(
        extra="forbid",
        frozen=True,
        env_prefix="SWITCHBOARD_",
        env_nested_delimiter="__",
        nested_model_default_partial_update=True,
    )

    public_url: BaseURL = Field(default="http://127.0.0.1:8080", pattern=r"^https?://[^/?#]+(/[^?#]*[^/?#])?$")
    kafka: KafkaSettings = KafkaSettings()
    tenants: dict[TenantName, TenantSettings] = Field(default_factory=dict, description="a few, to try things with")
    tenants_dir: Path | None = Field(default=None, description="a folder of more: one file each, {tenant}.yaml")
    twilio: TwilioSettings = TwilioSettings()
    clock_skew_file: Path | None = Field(
        default=None, description="holds seconds to add to the clock; for tests and demos, never in production"
    )
    ingress: IngressSettings = IngressSettings()
    processor: ProcessorSettings = ProcessorSettings()
    sender: SenderSettings = SenderSettings()
    poller: PollerSettings = PollerSettings()
    media: MediaWorkerSettings = MediaWorkerSettings()
    simulator: SimulatorSettings = SimulatorSettings()

    @model_validator(mode="after")
    def _real_time(self) -> "Settings":
        if self.clock_skew_file and any(map(is_twilio, (self.twilio.api, self.twilio.messaging_url))):
            raise ValueError(
                "clock_skew_file moves the clock for tests and demos, and twilio is Twilio itself, whose people would "
                "get messages at wrong times; remove it, or set twilio.api to the simulator's URL"
            )
        return self

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,
        dotenv_settings: PydanticBaseSettingsSource,
        file_secret_settings: PydanticBaseSettingsSource,
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        return (
            init_settings,
            env_settings,
            YamlConfigSettingsSource(settings_cls, yaml_file=_reading.get() or settings_file()),
        )


def settings_file() -> Path | None:
    """The file that is read, or None: then all comes from the environment."""
    named = os.environ.get("SWITCHBOARD_CONFIG")
    return Path(named) if named else None


def load(path: Path | None = None) -> Settings:
    """Read and check the settings of this file, by default of the one that is named (`settings_file`).

    Raises ConfigError: one line for each key that is wrong, and the remedy.
    """
    path = path or settings_file()
    if path is not None and not path.is_file():
        raise ConfigError(f"no settings file at {path}; name one with --config or SWITCHBOARD_CONFIG")
    token = _reading.set(path)
    try:
        settings = Settings()
    except yaml.YAMLError as error:
        raise ConfigError(f"{path} is not YAML{_place(error)}; correct it there") from error
    except ValidationError as error:
        raise ConfigError("\n".join(faults(error))) from error
    except (SettingsError, ValueError) as error:
        where = path or "the environment"
        raise ConfigError(f"{where} cannot be read as settings; give sections of keys, in UTF-8") from error
    finally:
        _reading.reset(token)
    written = yaml.safe_load(path.read_text(encoding="utf-8")) if path else None
    if stray := strays(os.environ, Settings.model_fields, [*named_secrets(written), *_named_in(settings.tenants_dir)]):
        raise ConfigError("\n".join(stray))
    return settings


def _named_in(folder: Path | None) -> Iterator[str]:
    """The variables of ours that the tenants' files speak of. They are read for good later, each by itself."""
    if folder is None or not any(name.startswith(PREFIX) for name in os.environ):
        return
    for path in folder.glob("*.yaml"):
        with suppress(OSError):
            yield from re.findall(rf"\b{PREFIX}\w+", path.read_text(encoding="utf-8", errors="replace"))


def _place(error: yaml.YAMLError) -> str:
    mark = error.problem_mark if isinstance(error, yaml.MarkedYAMLError) else None
    return f" at line {mark.line + 1}, column {mark.column + 1}" if mark else ""
