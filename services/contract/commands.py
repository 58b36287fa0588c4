"""Public commands out of JSON objects: every fault of form is named at once, with the field and the remedy."""

from functools import cache
from typing import Any, TypeVar

import msgspec

from services.contract.fields import faults_of_field
from services.contract.parameters import unknown
from services.domain.followups.commands import FollowUp
from services.domain.messages.commands import CancelMessage, RescheduleMessage, ResolveAmbiguous, SendMessage
from services.domain.studio.commands import CancelExecution, ResolveExecution, StartExecution

# Thousands of them fit into a command, and all of them into no result.
_UNKNOWN_NAMED = 10

P = TypeVar("P", bound=msgspec.Struct)


@cache
def _fields(type_: type[msgspec.Struct]) -> dict[str, msgspec.structs.FieldInfo]:
    return {field.encode_name: field for field in msgspec.structs.fields(type_)}


def read_message_command(
    found: dict[str, Any],
) -> SendMessage | ResolveAmbiguous | CancelMessage | RescheduleMessage | list[str]:
    """A command of `twilio.outbound.messages.v1`: what it is says `event_type`; a send where that is missing."""
    match found.get("event_type", "send_message"):
        case "send_message":
            return read_command(found, SendMessage)
        case "resolve_ambiguous":
            return read_command(found, ResolveAmbiguous)
        case "cancel_message":
            return read_command(found, CancelMessage)
        case "reschedule_message":
            return read_command(found, RescheduleMessage)
        case _:
            known = "send_message, resolve_ambiguous, cancel_message, reschedule_message"
            return [f"event_type: one of {known}; left out, it is send_message"]


def read_execution_command(found: dict[str, Any]) -> StartExecution | ResolveExecution | CancelExecution | list[str]:
    """A command of `twilio.outbound.executions.v1`: what it is says `event_type`; a start where that is missing."""
    match found.get("event_type", "start_execution"):
        case "start_execution":
            return read_command(found, StartExecution)
        case "resolve_execution":
            return read_command(found, ResolveExecution)
        case "cancel_execution":
            return read_command(found, CancelExecution)
        case _:
            known = "start_execution, resolve_execution, cancel_execution"
            return [f"event_type: one of {known}; left out, it is start_execution"]


def read_follow_up(found: dict[str, Any]) -> FollowUp | list[str]:
    """A command of `twilio.outbound.followups.v1`."""
    if found.get("event_type", "follow_up") != "follow_up":
        return ["event_type: follow_up, which it is when left out"]
    return read_command(found, FollowUp)


def read_command(found: dict[str, Any], type_: type[P]) -> P | list[str]:
    """The typed command, or all that is wrong with its form, a sentence each. Values are not quoted."""
    fields = _fields(type_)
    strange = [name for name in found if name not in fields]
    faults = [unknown(name, fields, type_ is SendMessage) for name in strange[:_UNKNOWN_NAMED]]
    if more := len(strange) - len(faults):
        faults.append(f"{more} more fields that do not exist")
    if not faults:
        try:
            # What most commands are, in one step; field by field where something is wrong, to name each.
            return msgspec.convert(found, type_)
        except (msgspec.ValidationError, UnicodeEncodeError):
            pass
    values = {}
    for name, field in fields.items():
        if name in found:
            wrong = faults_of_field(name, found[name], field.type)
            faults += wrong
            values[field.name] = found[name] if wrong else msgspec.convert(found[name], field.type)
        elif field.required:
            faults.append(f"{name}: missing")
    return faults or type_(**values)
