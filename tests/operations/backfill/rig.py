"""What the tests hold: listed messages and facts on the log, as small as they can be."""

from typing import Any

from services.domain.consent.hearing import Message, hear
from services.domain.consent.keywords import NO_WORDS, Words
from services.domain.contact import contact_key
from services.domain.messages.at_twilio import MessageAtTwilio
from services.domain.messages.events import InboundReceived
from services.operations.backfill.lacking import Asker, Held

NOW = "2026-11-21T12:00:00.000Z"
AT = "2026-11-21T09:30:00.000Z"
SECRET = b"a secret of the tests"
ACME, GLOBEX = Asker("acme", SECRET), Asker("globex", SECRET)
PERSON, SENDER = "+14155550123", "+14155550100"


def listed(sid: str = "SM1", status: str = "delivered", inbound: bool = False, **other: Any) -> MessageAtTwilio:
    """A message as Twilio lists it: of ours, or with `inbound` one to us."""
    fields = {"account_sid": "AC1", "at": AT, "from_": SENDER, "to": PERSON} | other
    if inbound:
        fields = fields | {"from_": PERSON, "to": SENDER} | other
        status = "received"
    return MessageAtTwilio(sid=sid, status=status, inbound=inbound, **fields)


def heard(
    sid: str = "SM1", body: str = "hello", tenant: str = "acme", words: Words = NO_WORDS, **other: Any
) -> InboundReceived:
    """A message to us as the webhook told it."""
    fields: dict[str, Any] = {
        "event_id": f"webhook-{sid}", "received_at": NOW, "contact": contact_key(tenant, PERSON, SECRET),
        "account_sid": "AC1", "from_": PERSON, "to": SENDER, "num_media": 0, "raw": {"MessageSid": sid},
    } | other  # fmt: skip
    said = Message(to=fields["to"], body=body, opt_out_type=fields["raw"].get("OptOutType", ""))
    fields = {"heard": hear(said, words)} | fields
    return InboundReceived(tenant=tenant, message_sid=sid, body=body, **fields)


def held(*facts: InboundReceived | tuple[str, str], asker: Asker = ACME) -> Held:
    """The log with these messages to us, and these (sid, status) of ours."""
    log = Held(asker)
    for fact in facts:
        if isinstance(fact, InboundReceived):
            log.hear(fact)
        else:
            log.tell(asker.tenant, *fact)
    return log
