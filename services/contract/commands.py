"""Reading public commands with distrust: every fault is named at once, with the field and the remedy."""

import difflib
from collections.abc import Iterable
from typing import Any, Literal, TypeVar, get_args, get_origin

import msgspec

from services.contract.codec import DecodeError
from services.domain.consent.commands import RecordConsent
from services.domain.messages.commands import ResolveAmbiguous, SendMessage

# Twilio takes 1,600 characters and ten URLs; what is longer is no message.
MAX_COMMAND_BYTES = 64 * 1024
# Thousands of them fit into a command, and all of them into no result.
_UNKNOWN_NAMED = 10

Public = SendMessage | ResolveAmbiguous | RecordConsent
P = TypeVar("P", SendMessage, ResolveAmbiguous, RecordConsent)

_FIELDS = {
    type_: {field.encode_name: field for field in msgspec.structs.fields(type_)}
    for type_ in (SendMessage, ResolveAmbiguous, RecordConsent)
}


class NotACommand(DecodeError):
    """The value is no JSON object of bounded size: there is nothing in it to answer to."""


def read_object(value: bytes | None) -> dict[str, Any]:
    """The JSON object of a record. Raises NotACommand."""
    if value is None:
        raise NotACommand("the record has no value; produce one JSON object")
    if len(value) > MAX_COMMAND_BYTES:
        raise NotACommand(f"{len(value)} bytes; a command has at most {MAX_COMMAND_BYTES}")
    try:
        found = msgspec.json.decode(value)
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise NotACommand(f"not JSON: {error}") from error
    except RecursionError:
        raise NotACommand("nested too deeply; a command is flat") from None
    if not isinstance(found, dict):
        raise NotACommand(f"a JSON {type(found).__name__}; produce one JSON object")
    return found


def read_message_command(found: dict[str, Any]) -> SendMessage | ResolveAmbiguous | list[str]:
    """A command of `twilio.outbound.messages.v1`: what it is says `event_type`; a send where that is missing."""
    match found.get("event_type", "send_message"):
        case "send_message":
            return read_command(found, SendMessage)
        case "resolve_ambiguous":
            return read_command(found, ResolveAmbiguous)
        case _:
            return ["event_type: one of send_message, resolve_ambiguous; left out, it is send_message"]


def read_command(found: dict[str, Any], type_: type[P]) -> P | list[str]:
    """The typed command, or all that is wrong with its form, a sentence each. Values are not quoted."""
    fields = _FIELDS[type_]
    unknown = [name for name in found if name not in fields]
    faults = [_unknown(name, fields) for name in unknown[:_UNKNOWN_NAMED]]
    if more := len(unknown) - len(faults):
        faults.append(f"{more} more fields that do not exist")
    if not faults:
        try:
            # What most commands are, in one step; field by field where something is wrong, to name each.
            return msgspec.convert(found, type_)
        except msgspec.ValidationError:
            pass
    values = {}
    for name, field in fields.items():
        if name not in found:
            if field.required:
                faults.append(f"{name}: missing")
            continue
        try:
            values[field.name] = msgspec.convert(found[name], field.type)
        except msgspec.ValidationError as error:
            faults.append(f"{name}: {_without_value(error, field.type)}")
    return faults or type_(**values)


def _unknown(name: str, fields: Iterable[str]) -> str:
    shown = name[:64]
    close = difflib.get_close_matches(shown, fields, n=1)
    return f"{shown}: no such field" + (f"; did you mean {close[0]}?" if close else "")


def _without_value(error: msgspec.ValidationError, type_: Any) -> str:
    """msgspec's sentence, but for a word that is not allowed it would quote that: then the allowed ones are named."""
    allowed = [word for part in (type_, *get_args(type_)) if get_origin(part) is Literal for word in get_args(part)]
    return f"one of {', '.join(allowed)}" if allowed else str(error)
