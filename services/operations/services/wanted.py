"""The file of Messaging Services: by tenant, what each is to be. What an entry leaves out stays as it is."""

from pathlib import Path
from typing import Annotated, Literal

import yaml
from pydantic import Field, TypeAdapter, ValidationError, field_validator, model_validator

from services.runtime.section import ConfigError, Section, faults
from services.runtime.tenants.settings import TenantName


class WantedService(Section):
    """One service. It is found by its sid, or else by its name, and made where there is none of that name.

    `others`: what becomes of senders that are in it and not in `senders`. `inbound`: whose URL Twilio calls, the
    service's (ours then) or each number's own. One that is made has the service's.
    """

    name: str = Field(min_length=1, max_length=64)
    sid: str | None = Field(default=None, pattern=r"^MG[0-9a-fA-F]{32}$")
    account: str | None = Field(
        default=None, pattern=r"^AC[0-9a-fA-F]{32}$", description="a subaccount of the tenant's"
    )
    senders: list[str] = Field(default_factory=list)
    others: Literal["keep", "remove"] = "keep"
    inbound: Literal["service", "numbers"] | None = None
    sticky_sender: bool | None = None
    area_code_geomatch: bool | None = None
    smart_encoding: bool | None = None
    mms_converter: bool | None = None
    validity_period: int | None = Field(default=None, ge=1, le=36_000, description="seconds")
    usecase: Literal["notifications", "marketing", "verification", "discussion", "poll", "undeclared"] | None = None

    @field_validator("senders", mode="before")
    @classmethod
    def _quoted(cls, given: object) -> object:
        if isinstance(given, list) and any(isinstance(one, int) for one in given):
            raise ValueError("write numbers in quotes ('+14155550100'): without, YAML takes the plus away")
        return given

    @model_validator(mode="after")
    def _once(self) -> "WantedService":
        if twice := sorted({one for one in self.senders if self.senders.count(one) > 1}):
            raise ValueError(f"senders: {', '.join(twice)} is named twice")
        return self

    def settings(self) -> dict[str, str]:
        """The fields of Twilio's that the entry states, as texts."""
        stated = {
            "sticky_sender": self.sticky_sender,
            "area_code_geomatch": self.area_code_geomatch,
            "smart_encoding": self.smart_encoding,
            "mms_converter": self.mms_converter,
            "validity_period": self.validity_period,
            "usecase": self.usecase,
            "use_inbound_webhook_on_number": None if self.inbound is None else self.inbound == "numbers",
        }
        given = {name: as_text(value) for name, value in stated.items() if value is not None}
        return {"friendly_name": self.name, **given}


Wanted = dict[str, list[WantedService]]
_WANTED: TypeAdapter[Wanted] = TypeAdapter(dict[Annotated[TenantName, Field()], list[WantedService]])


def as_text(value: object) -> str:
    """As a form has it."""
    return str(value).lower() if isinstance(value, bool) else "" if value is None else str(value)


def read(path: Path) -> Wanted:
    """Raises ConfigError: one line for each key that is wrong."""
    try:
        wanted = _WANTED.validate_python(yaml.safe_load(path.read_text(encoding="utf-8")) or {})
    except (OSError, UnicodeDecodeError, yaml.YAMLError) as error:
        raise ConfigError(f"{path} cannot be read as YAML; give tenants, each with a list of services") from error
    except ValidationError as error:
        raise ConfigError("\n".join(f"{path}: {fault}" for fault in faults(error))) from error
    for tenant, services in wanted.items():
        senders = [one for service in services for one in service.senders if one[:1] in "+0123456789" or ":" in one]
        if twice := sorted({one for one in senders if senders.count(one) > 1}):
            raise ConfigError(f"{path}: {tenant}: {', '.join(twice)} is in two services; a sender is in one alone")
        names = [(service.account, service.name) for service in services]
        if again := sorted({name for account, name in names if names.count((account, name)) > 1}):
            raise ConfigError(f"{path}: {tenant}: {', '.join(again)} is named twice")
    return wanted
