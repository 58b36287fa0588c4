"""Executions, put together."""

from services.domain.studio.effects import EFFECTS
from services.sender.outbound import Outbound, Parts
from services.sender.studio.asked import executions_of
from services.sender.studio.asking import ask
from services.sender.studio.checking import Checking
from services.sender.studio.starting import start
from services.sender.studio.stopping import Stopping

# Twilio's limit for an account. Where several senders ask for as much, its 429s slow the account down.
_A_SECOND = 20.0


def outbound(parts: Parts) -> Outbound:
    """The product in a running sender."""
    executions = executions_of(*parts)
    return Outbound(
        effects=EFFECTS,
        host="studio",
        ask=ask,
        request=start,
        rate=lambda _: _A_SECOND,
        holds_up_s=parts.settings.sender.ambiguous_wait_s,
        check=Checking(parts.settings, executions).check,
        listeners=(Stopping(executions),),
    )
