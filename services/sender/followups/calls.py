"""The calls of commands about a message, and what their answers mean. Each may be made again: it comes to the same."""

from collections.abc import Callable
from functools import partial
from typing import Any
from urllib.parse import urlencode

import msgspec

from services.domain.clock import seconds_between
from services.domain.followups.commands import FollowUpAccepted
from services.domain.followups.effects import FollowedUp
from services.domain.outbox.facts import Unknown
from services.runtime.clock import now
from services.sender.outbound import Call, Request
from services.sender.transport import Refusal, Taken

_NOT_FOUND, _UNFINISHED = 20404, 20009
# Until the message has ended it is neither redacted nor deleted.
_LOOK_AGAIN_S = 30.0
# The command that it is about may come by another topic a little later.
_NOT_COME_YET_S = 600.0
# As many as a message has.
_MEDIA = "Media.json?PageSize=50"

_Led = FollowedUp | Refusal | Unknown | Request


class _Medium(msgspec.Struct):
    sid: str


class _Media(msgspec.Struct):
    media_list: list[_Medium]


_media = msgspec.json.Decoder(_Media)


def follow_up(call: Call, shared: Callable[[str], bool]) -> Request | Refusal:
    """The call of a command. `shared`: whether an account is more than one tenant's."""
    command: FollowUpAccepted = call.command
    if command.message_sid is not None and shared(call.tenant.account_sid):
        return Refusal(
            code=None,
            reason="several tenants share the account, so nobody can tell whose message a bare SID names: name its "
            "command, in of_command",
        )
    sid = command.message_sid or _created(call, command)
    return sid if isinstance(sid, Refusal) else _request(command, sid, call.tenant.account_sid)


def _created(call: Call, command: FollowUpAccepted) -> str | Refusal:
    """The message that the other command created."""
    entry = call.row(f"{command.contact} {command.of_command}")
    if entry is not None and entry.sid:
        return str(entry.sid)
    waits = entry is not None and entry.state != "settled" and entry.fingerprint
    if waits or (entry is None and seconds_between(command.accepted_at, now()) < _NOT_COME_YET_S):
        return Refusal(code=None, reason="its message is not created yet", retryable=True, reached=False, retry_after=5)
    return Refusal(code=None, reason="no command of this id has created a message for this contact")


def _request(command: FollowUpAccepted, sid: str, account: str) -> Request:
    one = f"/2010-04-01/Accounts/{account}/Messages/{sid}"
    done = partial(_done, sid)
    match command.action:
        case "feedback":
            return Request(f"{one}/Feedback.json", urlencode({"Outcome": command.outcome}).encode(), done)
        case "redact":
            return Request(f"{one}.json", b"Body=", done)
        case "typing":
            said = urlencode({"channel": "whatsapp", "messageId": sid}).encode()
            return Request("/v2/Indicators/Typing.json", said, done, host="messaging")
        case "delete":
            gone = partial(_gone, sid)
            itself = Request(f"{one}.json", b"", gone, method="DELETE")
            # A text has none.
            return _first_media(one, sid, itself) if sid.startswith("MM") else itself


def _first_media(one: str, sid: str, itself: Request) -> Request:
    """List what a message has, take it away one by one, then the message."""

    def listed(answered: Taken | Refusal | Unknown) -> _Led:
        if not isinstance(answered, Taken):
            return _gone(sid, answered)
        try:
            found = _media.decode(answered.body).media_list
        except (msgspec.MsgspecError, ValueError, RecursionError) as error:
            return Unknown(reason=f"Twilio's list of media cannot be read: {type(error).__name__}")
        return _next([f"{one}/Media/{medium.sid}.json" for medium in found], itself)

    return Request(f"{one}/{_MEDIA}", b"", listed, method="GET")


def _next(paths: list[str], itself: Request) -> Request:
    if not paths:
        return itself

    def deleted(answered: Taken | Refusal | Unknown) -> Any:
        if isinstance(answered, Taken) or (isinstance(answered, Refusal) and answered.code == _NOT_FOUND):
            return _next(paths[1:], itself)
        return _later(answered)

    return Request(paths[0], b"", deleted, method="DELETE")


def _done(sid: str, answered: Taken | Refusal | Unknown) -> FollowedUp | Refusal | Unknown:
    return FollowedUp(sid=sid) if isinstance(answered, Taken) else _later(answered)


def _gone(sid: str, answered: Taken | Refusal | Unknown) -> FollowedUp | Refusal | Unknown:
    """What is not there any more was deleted, by this command before a kill, or by another: that was asked for."""
    absent = isinstance(answered, Refusal) and answered.code == _NOT_FOUND
    return FollowedUp(sid=sid) if absent else _done(sid, answered)


def _later(answered: Refusal | Unknown) -> Refusal | Unknown:
    """A message that has not ended yet is asked for again, until the command expires."""
    if isinstance(answered, Refusal) and answered.code == _UNFINISHED:
        return msgspec.structs.replace(answered, retryable=True, retry_after=_LOOK_AGAIN_S)
    return answered
