"""Settings: one YAML file, overridden by environment, checked once at the start.

The file is named by `SWITCHBOARD_CONFIG` or `--config`. Any key can be set from the environment:
`SWITCHBOARD_KAFKA__BOOTSTRAP=broker:9092`. Secrets are never written in the file: each is
`{file: /run/secrets/x}` or `{env: NAME}`.
"""

import os
from collections.abc import Callable
from pathlib import Path
from typing import Annotated, Any, Literal

import yaml
from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, SecretStr, ValidationError, model_validator
from pydantic_settings import (
    BaseSettings,
    PydanticBaseSettingsSource,
    SettingsConfigDict,
    SettingsError,
    YamlConfigSettingsSource,
)

from services.domain.consent.keywords import LONGEST, STOP, normalise

# What listens there is reached under other names.
_EVERY_ADDRESS = frozenset({"", "0.0.0.0", "::", "[::]"})  # noqa: S104 (not bound here)


class ConfigError(Exception):
    """The settings cannot be used; the text names each key and what to do about it."""


def _read_secret(value: Any) -> Any:
    match value:
        case {"file": str(path)}:
            try:
                text = Path(path).read_text(encoding="utf-8").strip()
            except OSError as error:
                raise ValueError(f"cannot read the secret file {path}: {error.strerror}") from error
            if not text:
                raise ValueError(f"the secret file {path} is empty")
            return text
        case {"env": str(name)}:
            if not os.environ.get(name):
                raise ValueError(f"the environment variable {name} is not set; export it or use {{file: PATH}}")
            return os.environ[name]
        case SecretStr():
            return value
    raise ValueError("a secret is given as {file: PATH} or {env: NAME}, never in the file itself")


Secret = Annotated[SecretStr, BeforeValidator(_read_secret)]


class Section(BaseModel):
    """A part of the settings: unknown keys are errors, values are frozen."""

    model_config = ConfigDict(extra="forbid", frozen=True)


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

    @model_validator(mode="after")
    def _consistent(self) -> "KafkaSettings":
        if self.min_insync_replicas > self.replication:
            raise ValueError(
                f"min_insync_replicas {self.min_insync_replicas} is more than replication {self.replication}; "
                "no write could ever be acknowledged. Lower it, or raise replication"
            )
        if self.security_protocol.startswith("SASL") and not (self.sasl_username and self.sasl_password):
            raise ValueError(f"{self.security_protocol} needs sasl_username and sasl_password")
        if bool(self.ssl_certfile) != bool(self.ssl_keyfile):
            raise ValueError("ssl_certfile and ssl_keyfile go together")
        return self


class RoutingSettings(Section):
    """Which Messaging Service sends a command that names no sender: by the country of `to`, else the default."""

    default_messaging_service_sid: str | None = None
    by_country: dict[str, str] = Field(default_factory=dict, description="ISO country → MG…")


class RegionSettings(Section):
    """What a country asks for beyond the tenant's own rules; what is left out stays as it is."""

    stop_reaches: Literal["sender", "tenant"] | None = None
    consent_for: Literal["nothing", "templates", "everything"] | None = None
    consent_days: float | None = Field(default=None, gt=0)


class ConsentSettings(Section):
    """Whom we may write to. Suppression always holds; the rest is the tenant's to ask for."""

    stop_words: list[str] = Field(default_factory=list, description="beside the standard ones: other languages")
    start_words: list[str] = Field(default_factory=list)
    confirm_stop: str = Field(
        default="You will receive no more messages from us. Reply START to change that.",
        description="on WhatsApp, where Twilio answers nothing; empty: no answer",
    )
    confirm_start: str = Field(default="You will receive our messages again. Reply STOP to end them.")
    stop_reaches: Literal["sender", "tenant"] = Field(default="sender", description="what a STOP to one sender stops")
    consent_for: Literal["nothing", "templates", "everything"] = Field(
        default="nothing", description="which messages need a recorded opt-in"
    )
    consent_days: float | None = Field(default=None, gt=0, description="how long an opt-in holds; empty: for ever")
    regions: dict[Annotated[str, Field(pattern=r"^[A-Z]{2}$")], RegionSettings] = Field(
        default_factory=dict, description="ISO country of the recipient → what it asks for"
    )

    @model_validator(mode="after")
    def _words(self) -> "ConsentSettings":
        for word in (*self.stop_words, *self.start_words):
            if not normalise(word):
                raise ValueError(f"{word!r} has neither letters nor digits: every such message would count")
            if len(word) > LONGEST:
                raise ValueError(f"{word[:20]}…: a keyword has at most {LONGEST} characters")
        if stops := [word for word in self.start_words if normalise(word) in STOP]:
            raise ValueError(f"{', '.join(stops)}: is a STOP everywhere, and can be no start word")
        if both := {normalise(word) for word in self.stop_words} & {normalise(word) for word in self.start_words}:
            raise ValueError(f"{', '.join(sorted(both))}: both a stop word and a start word; choose one")
        return self


class TenantSettings(Section):
    """One Twilio account (with its subaccounts) and how we speak for it."""

    account_sid: str = Field(pattern=r"^AC[0-9a-fA-F]{32}$")
    auth_tokens: list[Secret] = Field(min_length=1, max_length=2, description="two while one rotates")
    subaccounts: dict[str, list[Secret]] = Field(default_factory=dict, description="AC… → its own tokens")
    api_key_sid: str | None = Field(default=None, pattern=r"^SK[0-9a-fA-F]{32}$")
    api_key_secret: Secret | None = None
    contact_secret: Secret = Field(description="keys the hash that stands for a person; never changed")
    replies: dict[str, str] = Field(default_factory=dict, description="keyword (HELP, INFO) → answer as TwiML")
    default_region: str | None = Field(default=None, pattern=r"^[A-Z]{2}$", description="for numbers without +")
    allowed_senders: list[str] = Field(default_factory=list, description="+E.164, whatsapp:+E.164 or MG…; empty: all")
    routing: RoutingSettings = RoutingSettings()
    consent: ConsentSettings = ConsentSettings()
    messages_per_second: float = Field(default=10.0, gt=0, description="per sender, over all workers' partitions")

    @model_validator(mode="after")
    def _consistent(self) -> "TenantSettings":
        if bool(self.api_key_sid) != bool(self.api_key_secret):
            raise ValueError("api_key_sid and api_key_secret go together")
        return self


class SpoolSettings(Section):
    """Where facts wait, fsynced, while Kafka is away."""

    directory: Path = Path("spool")
    max_bytes: int = Field(default=1 << 30, ge=1 << 16)


class IngressSettings(Section):
    host: str = "127.0.0.1"
    port: int = Field(default=8080, ge=0, le=65535)
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


class ProcessorSettings(WorkerSettings):
    """A worker that its peers ask: it needs a URL that is its own."""

    @model_validator(mode="after")
    def _reachable(self) -> "ProcessorSettings":
        if self.advertised_url is None and (self.host in _EVERY_ADDRESS or self.port == 0):
            raise ValueError(
                f"host {self.host}, port {self.port} is no address at which other processors could ask this one; "
                "set advertised_url to one that is this worker's alone, such as http://processor-0:8081"
            )
        return self


class SenderSettings(WorkerSettings):
    port: int = Field(default=8082, ge=0, le=65535)
    concurrency: int = Field(default=50, ge=1, description="calls under way at Twilio, per worker")
    request_timeout_s: float = Field(default=10.0, gt=0)
    ambiguous_wait_s: float = Field(
        default=60.0, ge=0, description="how long an ambiguous message holds up later ones to its contact"
    )
    attempt_deadline_s: float = Field(default=15.0, gt=0, description="an attempt not posted by then never is")
    not_after_s: float = Field(default=86400.0, gt=0, description="a command's life, unless it says otherwise")


class TwilioSettings(Section):
    """Twilio's base URLs by product, so that each can point at an emulator."""

    api: str = "https://api.twilio.com"


class FaultSettings(Section):
    """What the simulator does wrong, each a probability from 0 to 1 unless it names seconds."""

    latency_s: float = Field(default=0.0, ge=0)
    latency_jitter_s: float = Field(default=0.0, ge=0)
    rate_limited: float = Field(default=0.0, ge=0, le=1, description="429 with code 20429 and Retry-After")
    error_before: float = Field(default=0.0, ge=0, le=1, description="5xx, nothing created")
    error_after: float = Field(default=0.0, ge=0, le=1, description="5xx, although the message was created")
    undelivered: float = Field(default=0.0, ge=0, le=1, description="ends undelivered with 30003 or 30005")
    callback_lost: float = Field(default=0.0, ge=0, le=1)
    callback_doubled: float = Field(default=0.0, ge=0, le=1)
    callback_reordered: float = Field(default=0.0, ge=0, le=1)
    callback_delay_s: float = Field(default=0.05, ge=0, description="between two steps of one message")
    callback_late: float = Field(default=0.0, ge=0, le=1)
    callback_late_s: float = Field(default=2.0, ge=0)
    callback_before_response: float = Field(default=0.0, ge=0, le=1, description="first callback before create answers")
    seed: int | None = None


class SimulatorSettings(Section):
    host: str = "127.0.0.1"
    port: int = Field(default=8090, ge=0, le=65535)
    webhook_url: str = Field(default="http://127.0.0.1:8080", description="where inbound messages are posted")
    faults: FaultSettings = FaultSettings()


class Settings(BaseSettings):
    """Everything that can be set. `public_url` is what Twilio calls: the base of every signed URL."""

    model_config = SettingsConfigDict(
        extra="forbid",
        frozen=True,
        env_prefix="SWITCHBOARD_",
        env_nested_delimiter="__",
        nested_model_default_partial_update=True,
    )

    public_url: str = Field(default="http://127.0.0.1:8080", pattern=r"^https?://[^/?#]+(/[^?#]*[^/?#])?$")
    kafka: KafkaSettings = KafkaSettings()
    tenants: dict[Annotated[str, Field(pattern=r"^[a-z0-9][a-z0-9_-]{0,62}$")], TenantSettings] = Field(
        default_factory=dict
    )
    twilio: TwilioSettings = TwilioSettings()
    clock_skew_file: Path | None = Field(
        default=None, description="holds seconds to add to the clock; for tests and demos, never in production"
    )
    ingress: IngressSettings = IngressSettings()
    processor: ProcessorSettings = ProcessorSettings()
    sender: SenderSettings = SenderSettings()
    simulator: SimulatorSettings = SimulatorSettings()

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,
        dotenv_settings: PydanticBaseSettingsSource,
        file_secret_settings: PydanticBaseSettingsSource,
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        return init_settings, env_settings, YamlConfigSettingsSource(settings_cls, yaml_file=_file())


def _file() -> Path | None:
    named = os.environ.get("SWITCHBOARD_CONFIG")
    return Path(named) if named else None


def load(require: Callable[[Settings], str | None] = lambda _: None) -> Settings:
    """Read and check the settings. `require` may refuse them with a sentence.

    Raises ConfigError: one line for each key that is wrong, and the remedy.
    """
    path = _file()
    if path is not None and not path.is_file():
        raise ConfigError(f"no settings file at {path}; name one with --config or SWITCHBOARD_CONFIG")
    try:
        settings = Settings()
    except yaml.YAMLError as error:
        raise ConfigError(f"{path} is not YAML: {error}") from error
    except ValidationError as error:
        raise ConfigError("\n".join(_lines(error))) from error
    except (SettingsError, ValueError) as error:
        where = path or "the environment"
        raise ConfigError(f"{where} cannot be read as settings ({error}); give sections of keys, in UTF-8") from error
    if refusal := require(settings):
        raise ConfigError(refusal)
    return settings


def _lines(error: ValidationError) -> list[str]:
    """One line per fault. The input is left out: it might be a secret."""
    lines = []
    for fault in error.errors(include_input=False, include_url=False):
        key = ".".join(str(part) for part in fault["loc"]) or "settings"
        reason = fault["msg"].removeprefix("Value error, ")
        if fault["type"] == "extra_forbidden":
            reason = "no such key; check its spelling and indentation"
        lines.append(f"{key}: {reason}")
    return lines
