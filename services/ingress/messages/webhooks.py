"""A message to us, by its webhook or by the fallback URL; and how far a message of ours is.

| | |
| --- | --- |
| `messages`, `fallback` | 200, TwiML: a keyword's reply, or none |
| `status` | 204 |
"""

import logging
import re
from typing import NamedTuple
from xml.sax.saxutils import escape

from services.contract.messages import INBOUND, KEYWORDS, STATUS
from services.domain.consent.keywords import NO_WORDS, Words
from services.domain.messages.events import InboundReceived
from services.domain.messages.replies import Replies
from services.ingress import metrics, parameters
from services.ingress.answer import Answer
from services.ingress.messages import translate, vouching
from services.ingress.messages.translate import Arrival
from services.ingress.parameters import Pairs
from services.ingress.signature import TwilioSigned
from services.ingress.webhook import Facts, Told, Webhook
from services.runtime.config import Settings
from services.runtime.replying import replies, words_of
from services.runtime.tenants.derived import Derived
from services.runtime.tenants.live import Tenants
from services.runtime.tenants.settings import TenantSettings

_log = logging.getLogger(__name__)

_NOTHING = Answer(204)
NO_REPLY = b'<?xml version="1.0" encoding="UTF-8"?><Response/>'
# Names that are logged; the others are counted alone.
_MOST_TOLD = 100


class _Hearing(NamedTuple):
    """What a tenant's people say for stop and start, and what they are answered."""

    words: Words
    replies: Replies


def webhooks(settings: Settings, tenants: Tenants) -> tuple[Webhook, ...]:
    """Of messages, as these settings have them."""
    product = _Messages(settings, tenants)
    voucher = TwilioSigned(settings.public_url)
    written_to = ("To", "MessagingServiceSid")
    return (
        Webhook("messages", (INBOUND, KEYWORDS), voucher, product.inbound, product.reply, names_us=written_to),
        Webhook("fallback", (INBOUND, KEYWORDS), voucher, product.inbound, product.reply, names_us=written_to),
        Webhook(
            "status",
            (STATUS,),
            voucher,
            product.status,
            lambda told, facts: _NOTHING,
            names_us=("From", "MessagingServiceSid"),
            called_back=True,
        ),
    )


class _Messages:
    def __init__(self, settings: Settings, tenants: Tenants) -> None:
        self._known = frozenset(settings.ingress.known_parameters)
        self._told: set[str] = set()
        self._tenants = Derived(tenants, _hearing)

    def inbound(self, told: Told) -> Facts:
        self._look_at_names(told.said)
        words, answers = self._tenants[told.tenant.name]
        event = translate.inbound(_arrival(told, words, self._known), told.said)
        heard = answers.heard(event)
        return [(INBOUND, event)] if heard is None else [(INBOUND, event), (KEYWORDS, heard)]

    def reply(self, told: Told, facts: Facts) -> Answer:
        # The message itself comes first.
        (_, event), *_ = facts
        assert isinstance(event, InboundReceived)
        text = self._tenants[told.tenant.name].replies.to(event)
        return Answer(200, NO_REPLY if text is None else twiml(text), "text/xml")

    def status(self, told: Told) -> Facts:
        query = parameters.query(told.call.target)
        signers = told.tenant.callback_ring.believed(told.received_at) if query else ()
        event = translate.status(_arrival(told, signers=signers), told.said, query)
        if query and event.command_id is None:
            metrics.STRANGE_CALLBACKS.labels(told.tenant.name).inc()
        return [(STATUS, event)]

    def _look_at_names(self, pairs: Pairs) -> None:
        """Count the parameters that Twilio may have added, and tell of each once: a START with them is not heard."""
        for name in vouching.unknown(pairs, self._known):
            metrics.UNKNOWN_PARAMETERS.inc()
            if name not in self._told and len(self._told) < _MOST_TOLD:
                self._told.add(name)
                _log.warning(
                    "a signed message has the parameter %.60r, which is not known to be Twilio's: a START with it is "
                    "not heard; if Twilio documents it, add it to ingress.known_parameters",
                    name,
                )


def _arrival(
    told: Told, words: Words = NO_WORDS, known: frozenset[str] = frozenset(), signers: tuple[bytes, ...] = ()
) -> Arrival:
    token = told.call.headers.get("I-Twilio-Idempotency-Token")
    return Arrival(told.tenant.name, told.tenant.contact_secret, told.received_at, token, words, known, signers)


def _hearing(_: str, settings: TenantSettings) -> _Hearing:
    return _Hearing(words_of(settings.consent), replies(settings))


# People may write them, and an answer says what they wrote.
_NO_XML = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")


def twiml(text: str) -> bytes:
    """TwiML that answers with a text; what no XML can hold is left out."""
    text = _NO_XML.sub("", text)
    return f'<?xml version="1.0" encoding="UTF-8"?><Response><Message>{escape(text)}</Message></Response>'.encode()
