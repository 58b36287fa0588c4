"""Executions, put together."""

from services.domain.studio.effects import EFFECTS
from services.sender.outbound import Outbound, Parts
from services.sender.paces import RateLimit
from services.sender.studio.asked import executions_of
from services.sender.studio.asking import ask
from services.sender.studio.checking import Checking
from services.sender.studio.starting import start
from services.sender.studio.stopping import Stopping

# Twilio starts 20 a second for an account, whatever senders its flows write by. What leaves evenly arrives less so.
_LIMITS = (RateLimit("account", 19.0, even=True),)


def outbound(parts: Parts) -> Outbound:
    """The product in a running sender."""
    executions = executions_of(parts.settings, parts.tenants)
    return Outbound(
        effects=EFFECTS,
        host="studio",
        ask=ask,
        request=start,
        limits=lambda *_: _LIMITS,
        holds_up_s=parts.settings.sender.ambiguous_wait_s,
        check=Checking(parts.settings, executions).check,
        listeners=(Stopping(executions),),
    )
