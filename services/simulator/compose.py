"""Making messages: from a draft, from what a person wrote, and the draft of a reply.

Reported of templates: the create's answer has the text that becomes of it, and none where a Messaging Service was named
(twilio-node, issue 1081). Not confirmed: whether a list shows that later, here it does not; what of a template's own
media `num_media` counts, here nothing. Documented: `MM` begins the sid of a message with media. Not confirmed: that
`num_media` is whole from the first moment on, as here.
"""

import secrets
from urllib.parse import urljoin

from multidict import MultiDict

from services.simulator import creation, moments
from services.simulator.accounts import Account
from services.simulator.addresses import channel
from services.simulator.creation import Draft
from services.simulator.message import Message
from services.simulator.plan import Circumstances, Plan
from services.simulator.segments import segment_count, smart_encoded
from services.simulator.twiml import Reply
from services.simulator.written import Written


def outbound(account: Account, draft: Draft, sender: str, direction: str, plan: Plan) -> Message:
    """The message that a checked draft becomes, in the first status of its plan."""
    now = moments.now()
    body = smart_encoded(draft.body) if draft.smart_encoded else draft.body
    return Message(
        sid=_sid(bool(draft.media)),
        account_sid=account.sid,
        direction=direction,
        to=draft.to,
        sender=sender,
        # Of a template's text by a service nothing is shown.
        body="" if draft.content_sid and draft.service_sid else body,
        media=draft.media,
        messaging_service_sid=draft.service_sid,
        segments=segment_count(body) if channel(sender) == "sms" else 1,
        status=plan.steps[0].status,
        created_at=now,
        updated_at=now,
    )


def inbound(account: Account, written: Written, service_sid: str | None) -> Message:
    """The message that a person sent. A MessageSid among its extra fields repeats an earlier message's."""
    now = moments.now()
    return Message(
        sid=written.extra.get("MessageSid") or _sid(bool(written.media)),
        account_sid=account.sid,
        direction="inbound",
        to=written.to,
        sender=written.sender,
        body=written.body,
        media=tuple(url for url, _ in written.media),
        messaging_service_sid=service_sid,
        segments=segment_count(written.body) if channel(written.to) == "sms" else 1,
        status="received",
        created_at=now,
        updated_at=now,
        sent_at=now,
    )


def reply_draft(heard: Message, reply: Reply, webhook_url: str) -> Draft:
    """The draft of a reply to what was heard: it goes back the way it came, unless it says otherwise."""
    callback = urljoin(webhook_url, reply.status_callback) if reply.status_callback else ""
    fields = {
        "To": reply.to or heard.sender,
        "From": reply.sender or heard.to,
        "Body": reply.body,
        "StatusCallback": callback,
    }
    form = MultiDict((name, value) for name, value in fields.items() if value)
    form.extend(("MediaUrl", url) for url in reply.media)
    return creation.read(form)


def circumstances(draft: Draft, outside_window: bool, by: str) -> Circumstances:
    """What the draft says about the message's course. `outside_window`: as free text it would come too late.

    `by`: the channel that it takes.
    """
    wait = None
    if draft.scheduled and draft.send_at is not None:
        wait = (draft.send_at - moments.now()).total_seconds()
    return Circumstances(by, draft.service_sid is not None, wait, draft.validity_s, outside_window)


def _sid(with_media: bool) -> str:
    return f"{'MM' if with_media else 'SM'}{secrets.token_hex(16)}"
