"""What carriers and countries ask for."""

from typing import Literal

from pydantic import Field, field_validator

from services.domain.compliance.countries import Number
from services.domain.compliance.registry import Rule
from services.domain.messages.introduced import says_how_to_stop, says_where_help_is
from services.runtime.section import Section
from services.runtime.tenants.sections.words import Country


class CountrySettings(Section):
    """What a country asks for, in place of what the file of countries says; what is left out stays as it is."""

    names: Literal["taken", "registered", "refused"] | None = Field(
        default=None, description="alphanumeric senders; taken: yours are registered there, or need not be"
    )
    foreign: Literal["taken", "refused"] | None = Field(
        default=None, description="numbers of other calling codes as senders"
    )
    opt_in: Literal["nothing", "marketing"] | None = Field(default=None, description="what needs a recorded opt-in")
    stop_text: bool | None = Field(default=None, description="a person's first message says how to stop")
    help_text: list[Number] | None = Field(
        default=None, description="from these numbers of ours it says where help is, too; []: from none"
    )


class ComplianceSettings(Section):
    """What comes of what carriers and countries ask for; of registrations only once Twilio's lists were read."""

    registration: Rule = Field(
        default="enforced",
        description="of a sender that carriers do not let write there: its commands end or wait where Twilio lists its "
        "registration as not approved (listed), or as not there either (enforced); else they go with a warning",
    )
    mismatch: Literal["told", "blocked"] = Field(
        default="told",
        description="of a message that does not fit its campaign's use case, or has links or phone numbers that the "
        "campaign is registered without",
    )
    country: Literal["told", "blocked"] = Field(
        default="told",
        description="of a message that does not fit its country's rules; a sender that Twilio refuses there is blocked "
        "always",
    )
    countries: dict[Country, CountrySettings] = Field(
        default_factory=dict, description="ISO country of the recipient → what it asks for"
    )
    first_message: Literal["told", "appended", "blocked"] = Field(
        default="told",
        description="of a person's first message that does not say how to stop, where the country asks for that; "
        "or where help is; appended: stop_text, help_text or both are put to it",
    )
    stop_text: str = Field(default="Reply STOP to opt out, HELP for help.", min_length=1, max_length=160)
    help_text: str = Field(
        default="Reply HELP for help.",
        min_length=1,
        max_length=160,
        description="put to a first message that says how to stop and not where help is",
    )

    @field_validator("stop_text")
    @classmethod
    def _says_it(cls, text: str) -> str:
        if not says_how_to_stop(text):
            raise ValueError("stop_text: it does not say how to stop; write a text with STOP in it")
        return text

    @field_validator("help_text")
    @classmethod
    def _says_where(cls, text: str) -> str:
        if not says_where_help_is(text):
            raise ValueError("help_text: it does not say where help is; write HELP, a number or an e-mail into it")
        return text
