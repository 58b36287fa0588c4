"""What would become of a send command if it were produced now: what intake makes of it, or all that is wrong with it.

Nothing is produced, and Twilio is not asked: consent, windows, pauses and budgets are judged when it is sent.
"""

import asyncio
from collections.abc import Mapping
from typing import NamedTuple, TypeVar

import msgspec

from services.contract.codec import DecodeError
from services.contract.commands import read_command
from services.contract.reading import read_object
from services.domain.identity import Place
from services.domain.messages.commands import CommandAccepted, SendMessage
from services.domain.messages.intake import accept
from services.domain.spend.prices import PricesStated
from services.domain.templates.catalogue import Catalogue
from services.domain.templates.events import TemplateStated
from services.operations.prices.reading import SYNCED as PRICES
from services.operations.synced import Synced, known
from services.operations.templates.reading import SYNCED as TEMPLATES
from services.runtime.clock import now
from services.runtime.config import Settings
from services.runtime.intake_rules import Known, rules_of_intake
from services.runtime.section import ConfigError
from services.runtime.sections.kafka import KafkaSettings
from services.runtime.tenants.settings import TenantSettings

_SENDS = "send_message"

T = TypeVar("T", bound=msgspec.Struct)


class OnLog(NamedTuple):
    """What the log holds, by tenant: prices by country, templates by content sid. None: it was not read."""

    prices: Mapping[str, Mapping[str, PricesStated]] | None = None
    templates: Mapping[str, Mapping[str, TemplateStated]] | None = None


def previewed(
    settings: Settings, tenants: Mapping[str, TenantSettings], value: bytes, log: OnLog
) -> CommandAccepted | list[str]:
    """The command as intake would accept it, or its faults, a sentence each. `value`: of the record, JSON."""
    try:
        read = read_object(value)
    except DecodeError as error:
        return [str(error)]
    if (kind := read.fields.get("event_type", _SENDS)) != _SENDS:
        return [f"event_type: this is {str(kind)[:64]!r}; only {_SENDS} can be previewed"]
    command = read_command(read.fields, SendMessage)
    if read.faults or isinstance(command, list):
        return [*read.faults, *(command if isinstance(command, list) else ())]
    tenant = tenants.get(command.tenant)
    if tenant is None:
        return [f"tenant: no tenant {command.tenant[:64]!r} is configured; check its spelling, or configure it"]
    listed = (log.prices or {}).get(command.tenant, {})
    catalogue = Catalogue((log.templates or {}).get(command.tenant, {}).values())
    lists = Known(lambda: listed, templates=lambda: catalogue)
    return accept(command, rules_of_intake(tenant, settings.sender.not_after_s, lists), now(), Place(0, 0))


async def read_within(kafka: KafkaSettings, seconds: float) -> OnLog:
    """What the log tells in time."""
    return OnLog(*await asyncio.gather(_within(kafka, PRICES, seconds), _within(kafka, TEMPLATES, seconds)))


async def _within(kafka: KafkaSettings, of: Synced[T], seconds: float) -> Mapping[str, Mapping[str, T]] | None:
    try:
        return await asyncio.wait_for(known(kafka, of), seconds)
    except (ConfigError, TimeoutError):
        return None
