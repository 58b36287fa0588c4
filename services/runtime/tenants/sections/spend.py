"""What messages may cost."""

from typing import Literal

from pydantic import Field, field_validator, model_validator

from services.domain.messages.commands import Channel
from services.runtime.section import Section
from services.runtime.tenants.sections.words import Amount, Country, check_zone


class BudgetSettings(Section):
    """What messages may cost in a day, by estimates; each partition of the topics has an equal share of it."""

    amount: Amount = Field(description="in `spend.currency`, such as 250 or 0.5")
    label: str | None = Field(
        default=None, pattern=r"^[\x21-\x7e]{1,64}$", description="of the commands with this label; left out: of all"
    )

    @field_validator("label")
    @classmethod
    def _named(cls, label: str | None) -> str | None:
        """In metrics `all` is the budget of all."""
        if label == "all":
            raise ValueError("no budget can be of this label alone; leave label out for all of the tenant's commands")
        return label


class SpendSettings(Section):
    """What messages cost, and may cost."""

    currency: str = Field(default="USD", pattern=r"^[A-Z]{3}$", description="of all amounts here; ISO 4217")
    zone: str = Field(default="UTC", description="by whose clock a day begins and ends, as IANA names it")
    budgets: list[BudgetSettings] = Field(default_factory=list, max_length=100)
    unpriced: Literal["blocked", "taken"] = Field(
        default="blocked",
        description="what comes of a command for which there is a budget, and nobody knows what it costs",
    )
    assumed: dict[Channel, Amount] = Field(
        default_factory=dict,
        description="channel → what a segment costs, or a message of which none are counted, where no list says it",
    )
    surcharges: dict[Country, Amount] = Field(
        default_factory=dict,
        description="ISO country → what networks there charge for a segment beside what the list says",
    )

    @model_validator(mode="after")
    def _meant(self) -> "SpendSettings":
        labels = [one.label for one in self.budgets]
        if twice := {label or "all" for label in labels if labels.count(label) > 1}:
            raise ValueError(f"budgets: {', '.join(sorted(twice))}: there are two; give each label one")
        check_zone(self.zone)
        return self
