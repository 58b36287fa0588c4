"""The timeline fold: all steps of a command, for the people who ask what became of it. Order-free: a set of steps."""

import re

import msgspec
from msgspec.structs import replace

from services.domain.results import CommandResult

# A row is written whole at each step, so it is bounded in bytes too: some 220 KB, whatever a command says. What finds
# no room is dropped here, and stands on the results topic: answers to other records under this id first, then steps
# on the way, then ends, of each the earliest. An open doubt is never dropped.
MAX_STEPS = 100
MAX_REASON_BYTES = 500
# No tenant that is configured and no command id that is valid is longer.
_MAX_TENANT_BYTES = 63
_MAX_ID_BYTES = 128
# What rows are listed under while the end of a command of theirs is not known.
AMBIGUOUS = "ambiguous"
_CONTROL = re.compile(r"[\x00-\x1f]")


class Timeline(msgspec.Struct, frozen=True, kw_only=True):
    """A command's steps by event id. Key: `{tenant}|{command id}`. A tenant may give one id to several people."""

    tenant: str
    command_id: str
    steps: dict[str, CommandResult]

    @property
    def ordered(self) -> list[CommandResult]:
        """The steps as they happened: those before the terminal one, then it, then what became of the message."""
        return sorted(self.steps.values(), key=lambda step: (_stage(step), step.at, step.attempt, step.event_id))


def lists(state: Timeline) -> tuple[str, ...]:
    """Under AMBIGUOUS while a command of this id is."""
    return (AMBIGUOUS,) if ambiguous(state) else ()


def ambiguous(state: Timeline) -> list[CommandResult]:
    """The `ambiguous` steps that no end has followed. An identity is tenant, contact and id."""
    ended = {step.contact for step in state.steps.values() if step.terminal}
    return [step for step in state.ordered if step.step == "ambiguous" and step.contact not in ended]


def fold(state: Timeline | None, event: CommandResult) -> tuple[Timeline | None, list[msgspec.Struct]]:
    """Join one step. Emits nothing. What names no tenant that there is takes no room: anybody may write it."""
    if not event.tenant:
        return state, []
    steps = {**(state.steps if state else {}), event.event_id: _short(event)}
    joined = Timeline(tenant=event.tenant, command_id=event.command_id, steps=steps)
    return joined if len(steps) <= MAX_STEPS else _bounded(joined), []


def _bounded(state: Timeline) -> Timeline:
    """The row without what found no room. Which that is does not depend on the order of arrival."""
    doubts = {step.event_id: step for step in ambiguous(state)}
    others = sorted((step for name, step in state.steps.items() if name not in doubts), key=_worth)
    kept = others[-max(1, MAX_STEPS - len(doubts)) :]
    return replace(state, steps={**doubts, **{step.event_id: step for step in kept}})


def _worth(step: CommandResult) -> tuple[int, str, str]:
    """The greater stays. What answers another record under this id is no step of the command's life."""
    rank = 0 if step.step in ("rejected", "repeated", "duplicate") else 3 if step.terminal else _stage(step) + 1
    return rank, step.at, step.event_id


def _stage(step: CommandResult) -> int:
    # Clocks differ: that of the producer, ours, and that of the worker which took the webhook.
    return 2 if step.step == "message" else int(step.terminal)


def _short(step: CommandResult) -> CommandResult:
    """A step as it is kept. Of a rejected command any text may come, also as its id; the reason names its faults."""
    return replace(
        step,
        tenant=_cut(step.tenant, _MAX_TENANT_BYTES),
        command_id=_cut(step.command_id, _MAX_ID_BYTES),
        reason=None if step.reason is None else _cut(step.reason, MAX_REASON_BYTES),
        errors=[],
    )


def _cut(text: str, most: int) -> str:
    """At most so many bytes of UTF-8; at most twice as many as JSON, which would write a control character as six."""
    return _CONTROL.sub(" ", text).encode()[:most].decode(errors="ignore")
