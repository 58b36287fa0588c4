"""What is told of commands, of whatever product. Of the results of a command exactly one is `terminal`; what is told
after it is how what was created ended, or an answer to something that came too late for it."""

from typing import Any, Literal, cast

import msgspec

from services.domain.gate.receipt import Receipt
from services.domain.outbox.steps import TERMINAL, Step, StepName
from services.domain.spend.estimating import Estimate

# Those of the outbox; how a message ended; and intake's.
ResultStep = Literal[StepName, "message", "rejected", "recorded"]


class CommandResult(msgspec.Struct, frozen=True, kw_only=True):
    """One step of a command (`twilio.outbound.results.v1`, keyed by tenant and command id).

    `tenant` is empty where the record names none that is known. `command_id`: what the record is known by, where it
    has none that can be read.
    `deferred` is told once for each reason, which `category` names. `cancel_remembered` and `cancel_too_late` answer a
    cancel that found no command yet, or one that waits no more; `rescheduled` and `reschedule_refused` a
    reschedule; `resolution_refused` a resolution whose message is not
    this command's. `message`: how the message ended, in `message_status`;
    again where a later word overrules it. `repeated` answers a command that was produced again: nothing is sent for
    that, and `last_step` is how far the first has come.
    `estimate`, of `accepted`: what the message costs at most, as far as that was known.
    `warnings`, of what was judged: what does not fit what is registered with carriers, and went all the same.
    `twilio_request_id`, of a call that Twilio refused or whose end is unknown: by which Twilio's support finds it.
    `execution_sid`: of the execution that was started, or that stood in the way (20409).
    Fields of one product (`message_sid`, `segments`, `execution_sid` …) are null in the results of others.
    """

    event_type: Literal["command_result"] = "command_result"
    event_id: str
    tenant: str
    command_id: str
    contact: str | None
    at: str
    step: ResultStep
    terminal: bool
    attempt: int = 0
    message_sid: str | None = None
    message_status: str | None = None
    last_step: ResultStep | None = None
    code: int | None = None
    category: str | None = None
    remedy: str | None = None
    reason: str | None = None
    twilio_request_id: str | None = None
    errors: list[str] = []
    segments: int | None = None
    encoding: Literal["GSM-7", "UCS-2"] | None = None
    receipt: Receipt | None = None
    execution_sid: str | None = None
    estimate: Estimate | None = None
    warnings: list[str] = []

    @property
    def key(self) -> str:
        """`{tenant}|{command id}`; no tenant's name holds a `|`, so no two of them share one."""
        return f"{self.tenant}|{self.command_id}"


def result(step: Step, contact: str | None = None, **of_the_product: Any) -> CommandResult:
    """A step of the outbox as it is told, with what only its product says of it. Its order key is a contact, unless
    that is given."""
    return CommandResult(
        event_id=step.event_id,
        tenant=step.tenant,
        command_id=step.command_id,
        contact=contact or step.order_key,
        at=step.at,
        step=cast("ResultStep", step.name),
        terminal=step.name in TERMINAL,
        attempt=step.attempt,
        last_step=cast("ResultStep | None", step.last_step),
        code=step.code,
        category=step.category,
        remedy=step.remedy,
        reason=step.reason,
        twilio_request_id=step.request_id,
        receipt=step.receipt,
        warnings=[one.told for one in step.receipt.view.concerns] if step.receipt else [],
        **of_the_product,
    )
