"""Commands whose call may or may not have done it: which there are, and how one ended."""

from typing import Any, NamedTuple

from services.domain.messages.commands import ResolveAmbiguous
from services.domain.sids import EXECUTION, MESSAGE
from services.domain.studio.commands import ResolveExecution
from services.operations.asking import ask
from services.operations.producing import produce
from services.runtime.config import Settings
from services.runtime.section import ConfigError


class NotResolved(ConfigError):
    """Why nothing is said of a command; a sentence for people."""


class Outcome(NamedTuple):
    """How a call ended, as a person found out: the message or the execution that it made, or none."""

    sid: str | None
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
    """The sid of a message or of an execution, as it is. Raises NotResolved."""
    if not (MESSAGE.fullmatch(text) or EXECUTION.fullmatch(text)):
        raise NotResolved(
            f"{text!r} is no MessageSid, and no sid of an execution: that is SM or MM, or FN, and 32 hex digits"
        )
    return text


async def resolve(settings: Settings, found: list[dict[str, Any]], contact: str | None, outcome: Outcome) -> str:
    """Say how the one of `found` ended, of this contact where several have its id. Returns whose it is.

    Raises NotResolved and LogError. Nothing is sent to anybody.
    """
    meant = [one for one in found if contact in (None, one["contact"])]
    if len(meant) != 1:
        raise NotResolved(f"{len(meant)} of this id are ambiguous; give --contact as `ambiguous list` shows it")
    [one] = meant
    await produce(settings, _resolution(one, outcome))
    return str(one["tenant"])


def _resolution(one: dict[str, Any], outcome: Outcome) -> ResolveAmbiguous | ResolveExecution:
    """What is said of a command. That nothing was made is said of whatever product in one way."""
    known = {name: one[name] for name in ("command_id", "tenant", "contact")}
    said = {**known, "by": outcome.by, "note": outcome.note, "outcome": "sent" if outcome.sid else "not_sent"}
    if outcome.sid is not None and EXECUTION.fullmatch(outcome.sid):
        return ResolveExecution(**said, execution_sid=outcome.sid)
    return ResolveAmbiguous(**said, message_sid=outcome.sid)
