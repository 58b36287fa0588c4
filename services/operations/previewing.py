"""What would become of a send command if it were produced now: what intake makes of it, or all that is wrong with it.

Nothing is produced, and Twilio is not asked: consent, windows, pauses and budgets are judged when it is sent.
"""

import asyncio
from collections.abc import Mapping

from services.contract.codec import DecodeError
from services.contract.commands import read_command
from services.contract.reading import read_object
from services.domain.identity import Place
from services.domain.messages.commands import CommandAccepted, SendMessage
from services.domain.messages.intake import accept
from services.domain.spend.prices import PricesStated
from services.operations.prices.reading import SYNCED
from services.operations.synced import known
from services.runtime.clock import now
from services.runtime.config import Settings
from services.runtime.policy import Known, rules_of_intake
from services.runtime.section import ConfigError
from services.runtime.sections.kafka import KafkaSettings
from services.runtime.tenants.settings import TenantSettings

_SENDS = "send_message"

Prices = Mapping[str, Mapping[str, PricesStated]]


def previewed(
    settings: Settings, tenants: Mapping[str, TenantSettings], value: bytes, prices: Prices
) -> CommandAccepted | list[str]:
    """The command as intake would accept it, or its faults, a sentence each. `value`: of the record, JSON; `prices`: by
    tenant and country, what is known of them."""
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
    listed = prices.get(command.tenant, {})
    return accept(
        command, rules_of_intake(tenant, settings.sender.not_after_s, Known(lambda: listed)), now(), Place(0, 0)
    )


async def prices_within(kafka: KafkaSettings, seconds: float) -> Prices | None:
    """The price lists that the log holds; None where it does not tell them in time."""
    try:
        return await asyncio.wait_for(known(kafka, SYNCED), seconds)
    except (ConfigError, TimeoutError):
        return None
