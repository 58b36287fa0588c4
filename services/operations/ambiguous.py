"""Commands whose call may or may not have created a message: which there are, and how one ended."""

from typing import Any, NamedTuple

from services.domain.messages.commands import ResolveAmbiguous
from services.domain.sids import MESSAGE
from services.operations.asking import ask
from services.operations.producing import produce
from services.runtime.config import Settings
from services.runtime.section import ConfigError


class NotResolved(ConfigError):
    """Why nothing is said of a command; a sentence for people."""


class Outcome(NamedTuple):
    """How a call ended, as a person found out: the message that it made, or none."""

    message_sid: str | None
    by: str
    note: str | None = None


def ambiguous(url: str, tenant: str | None = None, command_id: str | None = None) -> list[dict[str, Any]]:
    """Each as the processor at `url` tells it, the oldest first; of one tenant or one id alone. Raises NoAnswer."""
    found = ask(url, "ambiguous") or {"commands": []}
    chosen = [
        one for one in found["commands"] if tenant in (None, one["tenant"]) and command_id in (None, one["command_id"])
    ]
    return sorted(chosen, key=lambda one: str(one["at"]))


def sid_of(text: str) -> str:
    """A MessageSid, as it is. Raises NotResolved."""
    if not MESSAGE.fullmatch(text):
        raise NotResolved(f"{text!r} is no MessageSid: that is SM or MM and 32 hex digits")
    return text


async def resolve(settings: Settings, found: list[dict[str, Any]], contact: str | None, outcome: Outcome) -> str:
    """Say how the one of `found` ended, of this contact where several have its id. Returns whose it is.

    Raises NotResolved and LogError. Nothing is sent to anybody.
    """
    meant = [one for one in found if contact in (None, one["contact"])]
    if len(meant) != 1:
        raise NotResolved(f"{len(meant)} of this id are ambiguous; give --contact as `ambiguous list` shows it")
    [one] = meant
    command = ResolveAmbiguous(
        command_id=one["command_id"],
        tenant=one["tenant"],
        contact=one["contact"],
        outcome="not_sent" if outcome.message_sid is None else "sent",
        by=outcome.by,
        message_sid=outcome.message_sid,
        note=outcome.note,
    )
    await produce(settings, command)
    return command.tenant
