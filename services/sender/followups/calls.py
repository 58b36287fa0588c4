"""The calls of commands about a message, and what their answers mean. Each may be made again: it comes to the same.

What names its message by a bare SID, and what cannot be undone, looks at the message first: whose it is, and whether it
has ended.
"""

from collections.abc import Callable
from functools import partial
from typing import Any
from urllib.parse import urlencode

import msgspec

from services.domain.contact import contact_key, parts
from services.domain.followups.commands import FollowUpAccepted
from services.domain.followups.effects import FollowedUp
from services.domain.messages.ladder import FINAL
from services.domain.outbox.facts import Unknown
from services.domain.sids import MESSAGE
from services.sender.outbound import Call, Request
from services.sender.outcomes import Refusal, Taken

_NOT_FOUND, _UNFINISHED = 20404, 20009
# Until the message has ended it is neither redacted nor deleted.
_LOOK_AGAIN_S = 30.0
# The command that it is about may come by another topic later, and that topic may be behind.
_NOT_CREATED_S = 5.0
# As many as a message has.
_MEDIA = "Media.json?PageSize=50"

_Led = FollowedUp | Refusal | Unknown | Request
_Answer = Taken | Refusal | Unknown


class _Message(msgspec.Struct):
    direction: str
    status: str
    to: str | None = None
    from_: str | None = msgspec.field(name="from", default=None)

    @property
    def inbound(self) -> bool:
        return self.direction == "inbound"

    @property
    def person(self) -> str:
        return (self.from_ if self.inbound else self.to) or ""


class _Medium(msgspec.Struct):
    sid: str


class _Media(msgspec.Struct):
    media_list: list[_Medium]


_message = msgspec.json.Decoder(_Message)
_media = msgspec.json.Decoder(_Media)


def follow_up(call: Call, ones_own: Callable[[str], bool]) -> Request | Refusal:
    """The first call of a command. `ones_own`: whether an account is one tenant's alone."""
    command: FollowUpAccepted = call.command
    if command.message_sid is not None and not ones_own(call.tenant.account_sid):
        return _ours(
            "several tenants share the account, or may, so nobody can tell whose message a bare SID names: name its "
            "command, in of_command"
        )
    sid = command.message_sid or _created(call, command)
    if isinstance(sid, Refusal):
        return sid
    one = f"/2010-04-01/Accounts/{call.tenant.account_sid}/Messages/{sid}"
    if command.message_sid is None and command.action == "feedback":
        return _feedback(command, sid, one)
    return Request(f"{one}.json", b"", partial(_looked, call, sid, one), method="GET")


def _created(call: Call, command: FollowUpAccepted) -> str | Refusal:
    """The message that the other command created."""
    entry = call.row(f"{command.contact} {command.of_command}")
    if entry is None:
        return _later("no command of this id has come for this contact, or it is more than 30 days old", _NOT_CREATED_S)
    if entry.sid:
        sid = str(entry.sid)
        return sid if MESSAGE.fullmatch(sid) else _ours(f"its command created no message: {sid}")
    if entry.state != "settled" and entry.fingerprint:
        return _later("its message is not created yet", _NOT_CREATED_S)
    return _ours("the command of this id has ended without a message")


def _looked(call: Call, sid: str, one: str, answered: _Answer) -> _Led:
    """What the message says of itself decides whether anything is done about it."""
    command: FollowUpAccepted = call.command
    if not isinstance(answered, Taken):
        # Of a bare SID nobody knows whether there ever was such a message.
        return _gone(sid, answered) if command.action == "delete" and command.message_sid is None else answered
    try:
        message = _message.decode(answered.body)
    except (msgspec.MsgspecError, ValueError, RecursionError) as error:
        return Unknown(reason=f"Twilio's message cannot be read: {type(error).__name__}")
    if command.message_sid is not None:
        secret = call.tenant.contact_secret.get_secret_value().encode()
        if contact_key(command.tenant, message.person, secret) != command.contact:
            return _ours(
                "the message is to or from another person than the command names, or their address is hidden at "
                "Twilio: nothing was done"
            )
    return _about(command, sid, one, message)


def _about(command: FollowUpAccepted, sid: str, one: str, message: _Message) -> _Led:
    """The call about a message that is the one meant."""
    match command.action:
        case "feedback":
            return _feedback(command, sid, one)
        case "typing":
            return _typing(sid, message)
        case "redact" | "delete" if message.status not in FINAL and message.status != "sent":
            return _later(f"its message has not ended yet: it is {message.status[:20]}", _LOOK_AGAIN_S)
        case "redact":
            return Request(f"{one}.json", b"Body=", partial(_done, sid))
        case "delete":
            itself = Request(f"{one}.json", b"", partial(_gone, sid), method="DELETE")
            return Request(f"{one}/{_MEDIA}", b"", partial(_listed, sid, one, message, itself), method="GET")


def _typing(sid: str, message: _Message) -> Request | Refusal:
    """By RCS it is shown in the conversation of both ends, by WhatsApp under a message."""
    said: dict[str, str] | None = None
    if message.inbound and parts(message.person).channels == ("whatsapp",):
        said = {"channel": "WHATSAPP", "messageId": sid}
    elif message.inbound and message.to and parts(message.person).channels == ("rcs",):
        said = {"channel": "RCS", "from": message.to, "to": message.person, "event": "START"}
    if said is None:
        return _ours("typing answers a message of theirs by WhatsApp or RCS, and this is none")
    return Request(
        "/v3/Indicators/Typing.json", msgspec.json.encode(said), partial(_done, sid), host="messaging", json=True
    )


def _feedback(command: FollowUpAccepted, sid: str, one: str) -> Request:
    return Request(f"{one}/Feedback.json", urlencode({"Outcome": command.outcome}).encode(), partial(_done, sid))


def _listed(sid: str, one: str, message: _Message, itself: Request, answered: _Answer) -> _Led:
    """Take away what a message has, one by one, then the message."""
    if not isinstance(answered, Taken):
        return _gone(sid, answered)
    try:
        found = _media.decode(answered.body).media_list
    except (msgspec.MsgspecError, ValueError, RecursionError) as error:
        return Unknown(reason=f"Twilio's list of media cannot be read: {type(error).__name__}")
    if message.status not in FINAL:
        # Its carrier may still fetch them. Twilio says whether the message has ended, and takes them along.
        return itself
    return _next([f"{one}/Media/{medium.sid}.json" for medium in found], itself)


def _next(paths: list[str], itself: Request) -> Request:
    if not paths:
        return itself

    def deleted(answered: _Answer) -> Any:
        if isinstance(answered, Taken) or (isinstance(answered, Refusal) and answered.code == _NOT_FOUND):
            return _next(paths[1:], itself)
        return _unfinished(answered)

    return Request(paths[0], b"", deleted, method="DELETE")


def _done(sid: str, answered: _Answer) -> FollowedUp | Refusal | Unknown:
    return FollowedUp(sid=sid) if isinstance(answered, Taken) else _unfinished(answered)


def _gone(sid: str, answered: _Answer) -> FollowedUp | Refusal | Unknown:
    """What is not there any more was deleted, by this command before a kill, or by another: that was asked for."""
    absent = isinstance(answered, Refusal) and answered.code == _NOT_FOUND
    return FollowedUp(sid=sid) if absent else _done(sid, answered)


def _unfinished(answered: Refusal | Unknown) -> Refusal | Unknown:
    """A message that has not ended yet is asked for again, until the command expires. That holds up nothing else."""
    if isinstance(answered, Refusal) and answered.code == _UNFINISHED:
        return msgspec.structs.replace(answered, retryable=True, look_again_s=_LOOK_AGAIN_S)
    return answered


def _later(reason: str, look_again_s: float) -> Refusal:
    return Refusal(code=None, reason=reason, retryable=True, look_again_s=look_again_s, ours=True)


def _ours(reason: str) -> Refusal:
    return Refusal(code=None, reason=reason, ours=True)
