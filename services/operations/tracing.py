"""What became of a message or of a command, as a processor tells it."""

import re
from typing import Any, NamedTuple

from services.operations.asking import NotFolded, ask
from services.operations.whose import command_key

_MESSAGE_SID = re.compile(r"^(SM|MM)[0-9a-fA-F]{32}$")


class Traced(NamedTuple):
    """A message and the command that made it, each as far as it is known.

    `untold`: a sentence on the one of them that this processor does not fold.
    """

    message: dict[str, Any] | None
    command: dict[str, Any] | None
    untold: str | None = None


NOTHING = Traced(None, None)


def is_message(identifier: str) -> bool:
    """Is it a MessageSid? Else it is a command id."""
    return _MESSAGE_SID.match(identifier) is not None


def look_up(base: str, identifier: str, tenant: str | None) -> Traced:
    """What the processor at `base` knows under a MessageSid, or a command id of a tenant.

    Raises Unclear; NoAnswer, and NotFolded where it does not fold what was asked for first.
    """
    if is_message(identifier):
        message = _message(base, identifier, tenant)
        if not message or not (command_id := message.get("command_id")):
            return Traced(message, None)
        try:
            return Traced(message, _command(base, f"{message['tenant']}|{command_id}"))
        except NotFolded as error:
            return Traced(message, None, f"The command {command_id} is not shown: {error}.")
    key = command_key(tenant, identifier)
    command = _command(base, key)
    steps = command["steps"] if command else []
    sid = next((step["message_sid"] for step in steps if step["message_sid"]), None)
    try:
        return Traced(_message(base, sid, tenant) if sid else None, command)
    except NotFolded as error:
        return Traced(None, command, f"The message {sid} is not shown: {error}.")


def _message(base: str, sid: str, tenant: str | None) -> dict[str, Any] | None:
    return ask(base, "messages", sid, tenant=tenant)


def _command(base: str, key: str) -> dict[str, Any] | None:
    return ask(base, "commands", key)
