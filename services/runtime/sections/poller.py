"""The poller: what it reads at Twilio, and when."""

from typing import Annotated
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from pydantic import AfterValidator, Field

from services.domain.messages.silent import Channel
from services.domain.syncs import ListName
from services.runtime.sections.worker import WorkerSettings


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
    templates_every_s: Annotated[float, Field(ge=1)] | None = Field(
        default=900.0,
        description="how often Twilio's list of content templates is read to the log, for WhatsApp pauses a template "
        "at any time; empty: never",
    )
    prices_every_s: Annotated[float, Field(ge=1)] | None = Field(
        default=86_400.0,
        description="the same of its price list, by a call for each country; empty: never",
    )
    compliance_every_s: Annotated[float, Field(ge=1)] | None = Field(
        default=3600.0,
        description="the same of its registrations with US carriers; empty: never",
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

    @property
    def sync_every_s(self) -> dict[ListName, float | None]:
        """How often each of Twilio's lists is read; None: never."""
        return {
            "templates": self.templates_every_s,
            "prices": self.prices_every_s,
            "compliance": self.compliance_every_s,
        }
