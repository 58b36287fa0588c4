"""Which sender takes a command, and how much goes a second."""

from typing import Annotated

from pydantic import Field

from services.domain.messages.commands import Channel, Purpose
from services.domain.senders.events import Kind
from services.domain.senders.throughput import TWILIOS
from services.runtime.section import Section
from services.runtime.tenants.sections.words import Country, Prefix, Sender

ASecond = Annotated[float, Field(gt=0)]


class RouteSettings(Section):
    """For which commands a pool of senders is; what is left out is for all."""

    pool: dict[Sender, Annotated[float, Field(gt=0)]] = Field(
        min_length=1,
        description="sender (+E.164, short code, name, MG…) → weight: its share of people",
    )
    countries: list[Country] = Field(default_factory=list, description="ISO countries of the recipient")
    prefixes: list[Prefix] = Field(default_factory=list, description="of the recipient's number, such as +1415")
    channels: list[Channel] = Field(default_factory=list)
    labels: list[str] = Field(default_factory=list)
    purposes: list[Purpose] = Field(default_factory=list)
    nearest: bool = Field(
        default=False, description="of the pool those of the recipient's area code, else of their country, if any"
    )


class RoutingSettings(Section):
    """Which sender takes a command that names none: the first route that fits, else the default."""

    default_messaging_service_sid: str | None = None
    routes: list[RouteSettings] = Field(default_factory=list)


class RateLimitSettings(Section):
    """How much goes a second, over all workers: segments of SMS, else messages.

    Twilio queues what is more than it sends, and no urgent message passes that queue.
    """

    each: ASecond = Field(default=10.0, description="of a sender or service that nothing else here names")
    kinds: dict[Kind, ASecond] = Field(
        default_factory=lambda: dict(TWILIOS), description="by what the sender is; left out: Twilio's usual rates"
    )
    senders: dict[Sender, ASecond] = Field(
        default_factory=dict, description="sender (+E.164, whatsapp:+E.164, short code, name, MG…) → its own"
    )
    destinations: dict[Prefix, ASecond] = Field(
        default_factory=dict,
        description="what a number begins with, such as +91 → the most of all senders together, by SMS, MMS and RCS",
    )
