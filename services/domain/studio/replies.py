"""What a person said in a flow, as a message to us: Studio hears it, and nobody else.

Confirmed by Twilio: a step by `incomingMessage` ends a widget that waited, and `widgets.X.inbound.Body` is the reply;
`trigger.message` is the message that started a flow, and the trigger is called `Trigger`; a flow that a thread of
Conversations starts is started by `incomingConversationMessage`. That they hold the whole form of the webhook is not
confirmed, and that `trigger.conversation` holds a thread's message neither: so each field may be missing, and a reply
without a text may have been anything.
"""

from collections.abc import Iterable, Mapping
from typing import Any, NamedTuple

from services.domain.addresses import judge
from services.domain.consent.hearing import Heard, Message, hear
from services.domain.consent.keywords import Words
from services.domain.contact import contact_key
from services.domain.identity import raw_event_id
from services.domain.messages.events import InboundReceived, Parameters
from services.domain.studio.events import ExecutionSeen, StepWalked

# The transitions that somebody's words lead to.
INCOMING = frozenset({"incomingMessage", "incomingConversationMessage"})
_TRIGGER = "Trigger"
# Where a trigger's step shows the message that started the flow.
_STARTED_BY = {"incomingMessage": "message", "incomingConversationMessage": "conversation"}


class Hearer(NamedTuple):
    """For whom it is heard: the tenant, the secret of its contact keys, its words for STOP and START."""

    tenant: str
    contact_secret: bytes
    words: Words


def asked_at(step: StepWalked, steps: Iterable[StepWalked], execution: ExecutionSeen) -> str:
    """When the question was asked that this step answers: the reply came after it."""
    before = (one.walked_at for one in steps if one.entered == step.left and one.step_sid != step.step_sid)
    return max((at for at in before if at <= step.walked_at), default=min(execution.started_at, step.walked_at))


def reply(
    hearer: Hearer, execution: ExecutionSeen, step: StepWalked, asked: str, context: Mapping[str, Any]
) -> InboundReceived | None:
    """The message by which a step was made. `context`: what Twilio shows as the step's; `asked`: of `asked_at`.

    None where Twilio masks who said it, or names somebody who has no address, as in a thread: of that no contact may be
    derived, it would be nobody's, or a stranger's.

    Twilio's date of it is not shown: a step tells when it had been heard, at the latest. A *yes* has the earliest date
    that it can have, and anything else the latest, so that a no which came between the two goes on.
    """
    form = _form(step, context)
    sender = form.get("From") or form.get("Author") or execution.to
    if not judge(sender).may_say:
        return None
    to, service = _ours(form, context)
    sid = form.get("MessageSid") or form.get("SmsMessageSid") or form.get("SmsSid") or ""
    heard = _heard(form, to, hearer.words)
    said_at = asked if heard is not None and heard.says == "start" else step.walked_at
    raw: Parameters = {**form, **({"MessagingServiceSid": service} if service else {})}
    return InboundReceived(
        event_id=raw_event_id("twilio_inbound_studio", hearer.tenant, ((sid or step.step_sid).encode(),)),
        tenant=hearer.tenant,
        received_at=step.seen_at,
        contact=contact_key(hearer.tenant, sender, hearer.contact_secret),
        account_sid=form.get("AccountSid") or execution.account_sid,
        message_sid=sid,
        from_=sender,
        to=to,
        body=form.get("Body", ""),
        num_media=int(media) if (media := form.get("NumMedia", "")).isascii() and media.isdigit() else 0,
        heard=heard,
        sent_at=said_at,
        provenance="backfill",
        raw=raw,
    )


def _form(step: StepWalked, context: Mapping[str, Any]) -> dict[str, str]:
    """The webhook's form, as far as the context has it: of the widget that was left, or of the trigger.

    Each context has what the trigger heard, at every later step too: there it is no reply.
    """
    by_trigger = step.left == _TRIGGER
    path = ("trigger", _STARTED_BY[step.event]) if by_trigger else ("widgets", step.left, "inbound")
    found = _at(context, *path)
    return {str(name): str(value) for name, value in found.items() if value is not None}


def _ours(form: Mapping[str, str], context: Mapping[str, Any]) -> tuple[str, str]:
    """Our sender and its Messaging Service, as far as they are shown: a flow's own address may be either."""
    channel = str(_at(context, "flow", "channel").get("address") or "")
    service = channel if channel.startswith("MG") else ""
    return form.get("To") or ("" if service else channel), form.get("MessagingServiceSid") or service


def _heard(form: Mapping[str, str], to: str, words: Words) -> Heard | None:
    told = Message(
        to=to,
        body=form.get("Body", ""),
        opt_out_type=form.get("OptOutType", ""),
        button_payload=form.get("ButtonPayload", ""),
        button_text=form.get("ButtonText", ""),
        list_id=form.get("ListId", ""),
        list_title=form.get("ListTitle", ""),
    )
    if any(told[1:]) or form.get("NumMedia", "0") != "0":
        return hear(told, words)
    # What was said is not shown: it may have been a STOP.
    return Heard(says="suspected", by="body")


def _at(found: Any, *path: str) -> Mapping[str, Any]:
    for name in path:
        found = found.get(name) if isinstance(found, Mapping) else None
    return found if isinstance(found, Mapping) else {}
