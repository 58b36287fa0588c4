"""The TwiML that answers a keyword: once, by one of us, and to a person.

Nothing but the message and the settings decides, so that a message told again is answered alike.
"""

import re
from dataclasses import dataclass
from xml.sax.saxutils import escape

from services.domain.addresses import is_person
from services.domain.consent.keywords import LONGEST, RELEASES_ON_SMS, START, STOP, normalise
from services.domain.contact import canonical
from services.domain.messages.events import InboundReceived, parameter
from services.domain.messages.recipients import EVERYBODY, NOBODY, Recipients
from services.runtime.policy import reach
from services.runtime.tenants.settings import TenantSettings

NO_REPLY = b'<?xml version="1.0" encoding="UTF-8"?><Response/>'

# What Twilio listens for on its own network; elsewhere it answers only with Advanced Opt-Out, and tells so.
_TWILIO_HEARS = {"STOP": STOP, "START": START | RELEASES_ON_SMS, "HELP": frozenset({"help", "info"})}
_NETWORKS = re.compile(r"(?:(?:sms|mms|rcs):)?(?![a-z]+:)", re.IGNORECASE | re.ASCII)
_WHATSAPP = "whatsapp:"


@dataclass(frozen=True, slots=True)
class Replies:
    """A tenant's answers by normalised keyword, and who else answers.

    `twilio`: the words that Twilio answers by SMS, MMS and RCS without telling us. `confirmed`: what we confirm on
    WhatsApp by a message of its own. `ours`: the canonical addresses that are the tenant's own. `reach`: whom a staging
    tenant may write to.
    """

    texts: dict[str, bytes]
    twilio: frozenset[str]
    confirmed: frozenset[str]
    ours: frozenset[str]
    reach: Recipients = EVERYBODY

    def to(self, event: InboundReceived) -> bytes:
        """TwiML: the answer where the whole message is a keyword in any spelling; else an empty one."""
        if not self.texts or len(event.body) > LONGEST:
            return NO_REPLY
        word = normalise(event.body)
        text = self.texts.get(word)
        if text is None or parameter(event.raw, "OptOutType") or self._others_answer(event, word):
            return NO_REPLY
        return text if self._is_a_person(event) and self.reach.allow(event.from_) else NO_REPLY

    def _others_answer(self, event: InboundReceived, word: str) -> bool:
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


def replies(settings: TenantSettings) -> Replies:
    """A tenant's answers, ready for use."""
    consent = settings.consent
    confirmed = (("stop", consent.confirm_stop), ("start", consent.confirm_start))
    return Replies(
        texts={normalise(keyword): _twiml(text) for keyword, text in settings.replies.items()},
        twilio=frozenset().union(*(_TWILIO_HEARS[kind] for kind in settings.twilio_answers)),
        confirmed=frozenset(said for said, text in confirmed if text),
        ours=frozenset(map(canonical, settings.allowed_senders)),
        reach=NOBODY if settings.dry_run else reach(settings),
    )


def _twiml(text: str) -> bytes:
    return f'<?xml version="1.0" encoding="UTF-8"?><Response><Message>{escape(text)}</Message></Response>'.encode()
