"""Making messages: from a draft, from what a person wrote, and the draft of a reply."""

import secrets
from collections.abc import Mapping
from datetime import UTC, datetime
from urllib.parse import urljoin

from multidict import MultiDict

from services.simulator import creation
from services.simulator.accounts import Account
from services.simulator.addresses import channel
from services.simulator.creation import Draft
from services.simulator.message import Message
from services.simulator.plan import Circumstances, Plan
from services.simulator.segments import segment_count, smart_encoded
from services.simulator.twiml import Reply


def outbound(account: Account, draft: Draft, sender: str, direction: str, plan: Plan) -> Message:
    """The message that a checked draft becomes, in the first status of its plan."""
    now = datetime.now(UTC)
    body = smart_encoded(draft.body) if draft.smart_encoded else draft.body
    return Message(
        sid=_sid(bool(draft.media)),
        account_sid=account.sid,
        direction=direction,
        to=draft.to,
        sender=sender,
        body=body,
        media=draft.media,
        messaging_service_sid=draft.service_sid,
        segments=segment_count(body) if channel(draft.to) == "sms" else 1,
        status=plan.steps[0].status,
        created_at=now,
        updated_at=now,
    )


def inbound(account: Account, text: Mapping[str, str], media: tuple[str, ...], sid: str | None) -> Message:
    """The message that a person sent. `text`: from, to, body. `sid` repeats an earlier message's."""
    now = datetime.now(UTC)
    return Message(
        sid=sid or _sid(bool(media)),
        account_sid=account.sid,
        direction="inbound",
        to=text["to"],
        sender=text["from"],
        body=text["body"],
        media=media,
        messaging_service_sid=None,
        segments=segment_count(text["body"]) if channel(text["to"]) == "sms" else 1,
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


def circumstances(draft: Draft) -> Circumstances:
    """What the draft says about the message's course."""
    wait = None
    if draft.scheduled and draft.send_at is not None:
        wait = (draft.send_at - datetime.now(UTC)).total_seconds()
    return Circumstances(channel(draft.to), draft.service_sid is not None, wait, draft.validity_s)


def _sid(with_media: bool) -> str:
    return f"{'MM' if with_media else 'SM'}{secrets.token_hex(16)}"
