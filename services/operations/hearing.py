"""What would come of a message to us if it came now: what it says of consent, which rule it is for, what is answered.

Nothing is produced, and nobody is asked.
"""

from typing import NamedTuple

from services.domain.consent.hearing import Heard, Message, hear
from services.domain.contact import canonical
from services.domain.identity import Place
from services.domain.messages.commands import SendMessage
from services.domain.messages.events import InboundReceived, KeywordHeard
from services.domain.messages.intake import accept as accept_message
from services.domain.rules.making import Command, Made, make
from services.domain.studio.commands import StartExecution
from services.domain.studio.intake import accept as accept_start
from services.runtime.clock import now
from services.runtime.intake_rules import Known, rules_of_intake
from services.runtime.replying import replies, rule_commands, words_of
from services.runtime.tenants.settings import TenantSettings

_DAY_S = 86_400.0


class Coming(NamedTuple):
    """`heard`: of consent. `told`: what stands on twilio.keywords.v1. `reply`: what ingress answers. `made`: the
    commands that are produced, within the rule's caps, and why there are not more. `faults`: what intake says of them.
    """

    heard: Heard | None
    told: KeywordHeard | None
    reply: str | None
    made: Made | None
    faults: tuple[str, ...]


def tried(name: str, tenant: TenantSettings, text: str, sender: str, to: str) -> Coming:
    """What comes of a text that this address writes to one of ours."""
    heard = hear(Message(to=to, body=text), words_of(tenant.consent))
    event = InboundReceived(
        event_id="",
        tenant=name,
        received_at=now(),
        contact="",
        account_sid=tenant.account_sid,
        message_sid="",
        from_=sender,
        to=to,
        body=text,
        num_media=0,
        heard=heard,
        raw={},
    )
    rules = replies(tenant)
    told = rules.heard(event)
    made = _made(tenant, told) if told is not None and told.command else None
    faults = dict.fromkeys(fault for one in (made.commands if made else ()) for fault in _faults(tenant, one))
    return Coming(heard, told, rules.to(event), made, tuple(faults))


def _made(tenant: TenantSettings, told: KeywordHeard) -> Made | None:
    rule = rule_commands(tenant).get(told.rule)
    ours = frozenset(map(canonical, tenant.allowed_senders))
    return None if rule is None else make(rule, told, told.received_at, ours.__contains__)


def _faults(tenant: TenantSettings, command: Command) -> list[str]:
    """Why senders would reject it, whatever the log knows of prices and registrations."""
    rules, at, place = rules_of_intake(tenant, _DAY_S, Known()), now(), Place(0, 0)
    match command:
        case SendMessage():
            found: object = accept_message(command, rules, at, place)
        case StartExecution():
            found = accept_start(command, rules, at, place, at)
    return found if isinstance(found, list) else []
