"""What comes of a message that one of the tenant's rules is for: an answer, once, by one of us, and to a person; a
fact for whoever acts on it.

Nothing but the message, the settings and, where a rule has hours, the time decides: a message told again is answered
alike.
"""

import re
from dataclasses import dataclass

from services.domain.addresses import is_person, judge
from services.domain.consent.keywords import RELEASES_ON_SMS, START, STOP, normalise
from services.domain.contact import canonical
from services.domain.identity import derived_event_id
from services.domain.messages.events import InboundReceived, KeywordHeard, MostCommands, parameter
from services.domain.messages.keyword_rules import Matched, Rule, match
from services.domain.messages.recipients import EVERYBODY, Recipients

# What Twilio listens for on its own network; elsewhere it answers only with Advanced Opt-Out, and tells so.
TWILIO_HEARS = {"STOP": STOP, "START": START | RELEASES_ON_SMS, "HELP": frozenset({"help", "info"})}
_NETWORKS = re.compile(r"(?:(?:sms|mms|rcs):)?(?![a-z]+:)", re.IGNORECASE | re.ASCII)
_WHATSAPP = "whatsapp:"
_NO = ("stop", "suspected")


@dataclass(frozen=True, slots=True)
class Replies:
    """A tenant's rules, and who else answers.

    `twilio`: the words that Twilio answers by SMS, MMS and RCS without telling us. `confirmed`: what we confirm on
    WhatsApp by a message of its own. `ours`: the canonical addresses that are the tenant's own. `reach`: whom a staging
    tenant may write to.
    """

    rules: tuple[Rule, ...]
    twilio: frozenset[str]
    confirmed: frozenset[str]
    ours: frozenset[str]
    reach: Recipients = EVERYBODY

    def to(self, event: InboundReceived) -> str | None:
        """The answer of the rule that the message is for, or none."""
        found = self._match(event)
        return None if found is None else self._answer(event, found)

    def heard(self, event: InboundReceived) -> KeywordHeard | None:
        """What is told of the message, where its rule tells."""
        found = self._match(event)
        if found is None or not (found.rule.tells or found.rule.ticket or found.rule.command):
            return None
        return KeywordHeard(
            event_id=derived_event_id(event.event_id, "keyword_heard", found.rule.name),
            tenant=event.tenant,
            received_at=event.received_at,
            contact=event.contact,
            account_sid=event.account_sid,
            message_sid=event.message_sid,
            inbound_event_id=event.event_id,
            rule=found.rule.name,
            values=dict(found.values),
            from_=event.from_,
            to=event.to,
            replied=self._answer(event, found) is not None,
            ticket=found.rule.ticket,
            command=self._commanded(event, found.rule),
        )

    def _match(self, event: InboundReceived) -> Matched | None:
        if not self.rules or not self._is_a_person(event):
            return None
        channel = _channel(event.from_)
        return match(self.rules, event.body, canonical(event.to), channel, event.received_at)

    def _answer(self, event: InboundReceived, found: Matched) -> str | None:
        if self._others_answer(event, normalise(event.body)):
            return None
        return found.reply if self.reach.allow(event.from_) else None

    def _commanded(self, event: InboundReceived, rule: Rule) -> MostCommands | None:
        """Nothing is sent because somebody said no, or where others answer."""
        said_no = event.heard is not None and event.heard.says in _NO
        if rule.command is None or said_no or self._others_answer(event, normalise(event.body)):
            return None
        return rule.command.most

    def _others_answer(self, event: InboundReceived, word: str) -> bool:
        if parameter(event.raw, "OptOutType"):
            return True
        if _NETWORKS.match(event.from_):
            return word in self.twilio
        if not event.from_.startswith(_WHATSAPP):
            return False
        return event.heard is not None and event.heard.says in self.confirmed

    def _is_a_person(self, event: InboundReceived) -> bool:
        """A robot must not answer a robot: no short code, no name, no broken number, none of our own."""
        name = canonical(event.from_)
        if name in self.ours or name == canonical(event.to):
            return False
        return is_person(event.from_)


def _channel(address: str) -> str:
    """As rules name it: what comes by MMS is written by the same people to the same numbers."""
    return {"": "sms", "mms": "sms"}.get(found := judge(address).channel, found)
