"""What a rule for what people write has sent."""

from typing import Annotated

from pydantic import AfterValidator, Field, model_validator

from services.domain.addresses import is_person
from services.domain.messages.commands import Channel, Purpose
from services.domain.messages.content import MAX_BODY_CHARACTERS
from services.domain.messages.keyword_rules import LONGEST_PLACE, WRITER
from services.domain.sids import FLOW
from services.runtime.section import Section
from services.runtime.tenants.sections.words import Sender


def _whom(text: str) -> str:
    if text != WRITER and not is_person(text):
        raise ValueError(f"{text[:40]!r} is nobody's address; write +E.164, whatsapp:+E.164, or {WRITER}")
    return text


class CommandSettings(Section):
    """What a rule has sent: a text, a template, or the start of a Studio flow. In texts places are filled: the
    message's, and {writer}, the address of who wrote."""

    to: list[Annotated[str, AfterValidator(_whom)]] = Field(
        min_length=1, max_length=20, description=f"addresses, such as +E.164; {WRITER}: who wrote the message"
    )
    sender: Sender | None = Field(
        default=None,
        description="+E.164, whatsapp:+E.164, short code, name or MG…; left out: for who wrote the one that they wrote "
        "to, else as `routing` has it",
    )
    channel: Channel | None = Field(default=None, description="left out: as the addresses say")
    body: str | None = Field(default=None, min_length=1, max_length=MAX_BODY_CHARACTERS)
    template: str | None = Field(default=None, min_length=1, description="a content template by its name")
    language: str | None = Field(default=None, description="of the template; left out: one that fits the country")
    flow: str | None = Field(default=None, pattern=f"^{FLOW.pattern}$", description="started for who wrote, and nobody")
    variables: dict[str, Annotated[str, Field(min_length=1)]] = Field(
        default_factory=dict, max_length=100, description="of the template; of a flow, its parameters"
    )
    after_s: float = Field(default=0, ge=0, le=30 * 86_400, description="it goes so long after the message came")
    within_s: float = Field(
        default=900,
        ge=30,
        le=86_400,
        description="from then on it may go for so long; of a message that is older no command is made",
    )
    purpose: Purpose | None = Field(default=None, description="left out: as of any command")
    urgent: bool = False
    label: str | None = Field(default=None, pattern=r"^[\x21-\x7e]{1,64}$", description="left out: the rule's name")
    per_hour: int = Field(default=6, ge=1, le=100, description="messages of a person in any hour, at the most")
    per_day: int = Field(default=24, ge=1, le=500, description="the same, in any day")

    @property
    def texts(self) -> list[str]:
        return [*([self.body] if self.body else []), *self.variables.values()]

    @model_validator(mode="after")
    def _meant(self) -> "CommandSettings":
        if sum(one is not None for one in (self.body, self.template, self.flow)) != 1:
            raise ValueError("give one of body, template and flow")
        if self.variables and self.body:
            raise ValueError("variables: are of a template or a flow; in a body write the places themselves")
        if self.language and not self.template:
            raise ValueError("language: is of a template")
        if self.flow and (self.to != [WRITER] or self.sender is None or self.channel):
            raise ValueError(
                f"flow: is for who wrote (to: [{WRITER}]), by the sender whose URL is the flow's; name that, and leave "
                "channel out"
            )
        if len(self.body or "") + LONGEST_PLACE * (self.body or "").count("{") > MAX_BODY_CHARACTERS:
            raise ValueError(f"body: filled, it may be longer than {MAX_BODY_CHARACTERS} characters")
        return self
