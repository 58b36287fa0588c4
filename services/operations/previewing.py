"""What would become of a send command if it were produced now: what intake makes of it, or all that is wrong with it.

Nothing is produced, and neither Kafka nor Twilio is asked: consent, windows and pauses are judged when it is sent.
"""

from collections.abc import Mapping

from services.contract.codec import DecodeError
from services.contract.commands import read_command
from services.contract.reading import read_object
from services.domain.identity import Place
from services.domain.messages.commands import CommandAccepted, SendMessage
from services.domain.messages.intake import accept
from services.runtime.clock import now
from services.runtime.config import Settings
from services.runtime.policy import rules_of_intake
from services.runtime.tenants.settings import TenantSettings

_SENDS = "send_message"


def previewed(settings: Settings, tenants: Mapping[str, TenantSettings], value: bytes) -> CommandAccepted | list[str]:
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
    return accept(command, rules_of_intake(tenant, settings.sender.not_after_s), now(), Place(0, 0))
