"""The call that starts an execution, and what comes of one that is in its way.

Twilio answers 409 (20409) while the same person is in an execution with the same of ours, and names it. Then nothing
was started.
"""

import json
from functools import partial
from typing import Any
from urllib.parse import urlencode

import msgspec
from msgspec.structs import replace

from services.domain.outbox.facts import Unknown
from services.domain.sids import EXECUTION
from services.domain.studio.commands import ExecutionAccepted
from services.domain.studio.effects import ExecutionCreated
from services.sender.outbound import Call, Request
from services.sender.outcomes import Refusal, Taken

_LONGEST_REASON = 500


class _Execution(msgspec.Struct):
    """What is wanted of an execution that was started."""

    sid: str


class _Details(msgspec.Struct):
    conflicting_execution_sid: Any = None


class _InTheWay(msgspec.Struct):
    """What is wanted of a conflict."""

    details: _Details = msgspec.field(default_factory=_Details)


_execution = msgspec.json.Decoder(_Execution)
_in_the_way = msgspec.json.Decoder(_InTheWay)

# What a call leads to.
_Led = ExecutionCreated | Refusal | Unknown | Request


def start(call: Call) -> Request:
    """The create call. With `restart` it ends what is in its way, and creates once more."""
    command: ExecutionAccepted = call.command
    return _create(command, ends=command.conflict == "restart")


def _create(command: ExecutionAccepted, ends: bool) -> Request:
    """`ends`: what is in its way."""
    said = [("To", command.to), ("From", command.from_ or command.messaging_service_sid or "")]
    if command.parameters:
        said.append(("Parameters", json.dumps(command.parameters)))
    return Request(_executions(command), urlencode(said).encode(), partial(_created, command, ends))


def _executions(command: ExecutionAccepted) -> str:
    return f"/v2/Flows/{command.flow_sid}/Executions"


def _created(command: ExecutionAccepted, ends: bool, answered: Taken | Refusal | Unknown) -> _Led:
    match answered:
        case Taken(body):
            return _started(body)
        case Refusal(code=20409) as refusal:
            conflict = _conflict(refusal.body)
            told = replace(refusal, conflict=conflict)
            return _end(command, conflict, told) if ends and conflict is not None else told
        case _:
            return answered


def _end(command: ExecutionAccepted, conflict: str, told: Refusal) -> Request:
    """End what is in the way. An execution of another flow is not to be found under this one: it is left."""

    def ended(answered: Taken | Refusal | Unknown) -> Refusal | Request:
        match answered:
            case Taken():
                # Who is in a flow again by now was put there by somebody else: that one is not ended too.
                return _create(command, ends=False)
            case Refusal(retryable=True):
                return answered
            case Refusal(reason=reason):
                return replace(told, reason=f"{told.reason}; it could not be ended: {reason}"[:_LONGEST_REASON])
            case Unknown(reason=reason):
                # Nothing was started, and to end it twice does nothing twice: all of it is tried anew.
                return Refusal(code=None, reason=reason, retryable=True, reached=False)

    return Request(f"{_executions(command)}/{conflict}", urlencode([("Status", "ended")]).encode(), ended)


def _started(body: bytes) -> ExecutionCreated | Unknown:
    try:
        execution = _execution.decode(body)
    except (msgspec.MsgspecError, ValueError, RecursionError) as error:
        return Unknown(reason=f"Twilio's answer cannot be read: {type(error).__name__}")
    if not EXECUTION.fullmatch(execution.sid):
        return Unknown(reason="Twilio's answer names no execution")
    return ExecutionCreated(sid=execution.sid)


def _conflict(body: bytes) -> str | None:
    """The execution that a conflict names."""
    try:
        sid = _in_the_way.decode(body).details.conflicting_execution_sid
    except (msgspec.MsgspecError, ValueError, RecursionError):
        return None
    return sid if isinstance(sid, str) and EXECUTION.fullmatch(sid) else None
