"""Settings: one YAML file, overridden by environment, checked once at the start.

The file is named by `SWITCHBOARD_CONFIG` or `--config`. Any key can be set from the environment:
`SWITCHBOARD_KAFKA__BOOTSTRAP=broker:9092`. Secrets are never written in the file: each is
`{file: /run/secrets/x}` or `{env: NAME}`. Of a running service only its tenants change: see `tenants`.
"""

import os
import re
from collections.abc import Iterator
from contextlib import suppress
from contextvars import ContextVar
from pathlib import Path

import yaml
from pydantic import Field, ValidationError, model_validator
from pydantic_settings import (
    BaseSettings,
    PydanticBaseSettingsSource,
    SettingsConfigDict,
    SettingsError,
    YamlConfigSettingsSource,
)

from services.runtime.environment import PREFIX, named_secrets, strays
from services.runtime.section import ConfigError, faults
from services.runtime.sections.ingress import IngressSettings
from services.runtime.sections.kafka import KafkaSettings
from services.runtime.sections.media import MediaWorkerSettings
from services.runtime.sections.poller import PollerSettings
from services.runtime.sections.processor import ProcessorSettings
from services.runtime.sections.sender import SenderSettings
from services.runtime.sections.twilio import BaseURL, TwilioSettings
from services.runtime.simulated import SimulatorSettings
from services.runtime.tenants.settings import TenantName, TenantSettings
from services.runtime.urls import is_twilio

# What `load` reads; the sources of the settings are asked for by a class, which nobody can hand anything to.
_reading: ContextVar[Path | None] = ContextVar("reading", default=None)


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
