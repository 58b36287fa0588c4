"""The timeline fold: all steps of a command, for the people who ask what became of it. Order-free: a set of steps."""

import re

import msgspec
from msgspec.structs import replace

from services.domain.messages.commands import CommandResult

# A row is written whole at each step, so it is bounded in bytes too: some 200 KB, whatever a command says. What is
# told beyond is of no use to a reader; the results topic has it.
MAX_STEPS = 100
MAX_REASON_BYTES = 500
# No tenant that is configured and no command id that is valid is longer.
_MAX_TENANT_BYTES = 63
_MAX_ID_BYTES = 128
# What rows are listed under while the end of a command of theirs is not known.
AMBIGUOUS = "ambiguous"
_CONTROL = re.compile(r"[\x00-\x1f]")


class Timeline(msgspec.Struct, frozen=True, kw_only=True):
    """A command's steps by event id. Key: command id; two tenants that use the same one share the row."""

    command_id: str
    steps: dict[str, CommandResult]

    @property
    def ordered(self) -> list[CommandResult]:
        """The steps as they happened: by attempt, then time, the terminal one last."""
        return sorted(self.steps.values(), key=lambda step: (step.terminal, step.at, step.attempt, step.event_id))


def lists(state: Timeline) -> tuple[str, ...]:
    """Under AMBIGUOUS while a command of this id is."""
    return (AMBIGUOUS,) if ambiguous(state) else ()


def ambiguous(state: Timeline) -> list[CommandResult]:
    """The `ambiguous` steps that no end has followed. An identity is tenant, contact and id."""
    ended = {(step.tenant, step.contact) for step in state.steps.values() if step.terminal}
    return [step for step in state.ordered if step.step == "ambiguous" and (step.tenant, step.contact) not in ended]


def fold(state: Timeline | None, event: CommandResult) -> tuple[Timeline, list[msgspec.Struct]]:
    """Join one step. Emits nothing."""
    steps = {**(state.steps if state else {}), event.event_id: _short(event)}
    if len(steps) > MAX_STEPS:
        # Which ones stay must not depend on the order of arrival: the terminal ones and the latest.
        kept = sorted(steps.values(), key=lambda step: (step.terminal, step.at, step.event_id))[-MAX_STEPS:]
        steps = {step.event_id: step for step in kept}
    return Timeline(command_id=event.command_id, steps=steps), []


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
