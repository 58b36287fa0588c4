"""Recorded opt-ins and opt-outs, as public commands. Nothing is called for them, so they are no product's."""

from typing import Any

from services.contract.commands import read_command
from services.contract.consent import CONSENT_COMMANDS, CONSENT_INTAKE_FOLD
from services.domain.consent import intake
from services.domain.consent.commands import ConsentAccepted, RecordConsent
from services.domain.identity import Place
from services.domain.messages.intake import Rules
from services.runtime.unheard import of_nobody
from services.sender.commands import Commands


def _parse(fields: dict[str, Any]) -> RecordConsent | list[str]:
    return read_command(fields, RecordConsent)


def _accept(command: RecordConsent, rules: Rules, at: str, since: str, place: Place) -> ConsentAccepted | list[str]:
    return intake.accept(command, rules.contact_secret, at, place, since)


COMMANDS = Commands(
    CONSENT_COMMANDS,
    CONSENT_INTAKE_FOLD,
    _parse,
    _accept,
    unheard=of_nobody(CONSENT_COMMANDS, CONSENT_INTAKE_FOLD.name),
)
