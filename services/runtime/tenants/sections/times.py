"""When people are left alone, and how often they are written to."""

from typing import Literal

from pydantic import Field

from services.domain.messages.commands import Purpose
from services.runtime.section import Section
from services.runtime.tenants.sections.words import Country

Weekday = Literal["monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday"]
_CLOCK = r"^([01][0-9]|2[0-3]):[0-5][0-9]$"


class HoursSettings(Section):
    """When people are left alone, by the time where they are."""

    begin: str = Field(default="21:00", pattern=_CLOCK, description="HH:MM; the first quiet minute")
    end: str = Field(
        default="08:00", pattern=_CLOCK, description="HH:MM; the first minute that is not; as `begin`: no hours"
    )
    days: list[Weekday] = Field(default_factory=list, description="quiet all day")


class QuietSettings(Section):
    """Quiet hours: messages wait until it is day where the recipient may be."""

    purposes: list[Purpose] = Field(
        default_factory=list, description="which messages wait: marketing, utility, authentication; empty: none"
    )
    hours: HoursSettings = Field(default=HoursSettings(), description="everywhere, beside what is known of a country")
    countries: dict[Country, HoursSettings] = Field(
        default_factory=dict, description="ISO country of the recipient → its hours, in place of all others"
    )


class CapSettings(Section):
    """How often a person is written to."""

    messages: int = Field(ge=1, le=1000)
    days: float = Field(gt=0, le=30, description="counted back from the moment")
