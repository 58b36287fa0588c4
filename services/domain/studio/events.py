"""What crosses the log about flows and their executions. Times are ISO 8601 in UTC with milliseconds."""

from typing import Literal

import msgspec

ExecutionStatus = Literal["active", "ended"]
# A command of ours, somebody's own message or call, or whatever else asks Twilio.
Begun = Literal["command", "person", "other"]


class FlowWatched(msgspec.Struct, frozen=True, kw_only=True):
    """Whether a flow's executions are read (`twilio.flows.v1`, keyed by flow and tenant): the latest counts.

    `by`: who said so.
    """

    event_type: Literal["flow_watched"] = "flow_watched"
    event_id: str
    tenant: str
    at: str
    account_sid: str
    flow_sid: str
    watched: bool
    by: str

    @property
    def key(self) -> str:
        return f"{self.flow_sid} {self.tenant}"


class ExecutionSeen(msgspec.Struct, frozen=True, kw_only=True, tag_field="event_type", tag="execution_seen"):
    """An execution as Twilio shows it (`twilio.studio.v1`, keyed by execution): once for each status.

    `to`: the contact's address as Twilio has it, empty where it is masked; `contact`: null where that names no person.
    `initiated_by`: the sid of the message, call or request that started
    it. `updated_at` of one that has ended is when it did.
    """

    event_id: str
    tenant: str
    seen_at: str
    account_sid: str
    flow_sid: str
    execution_sid: str
    flow_version: int
    status: ExecutionStatus
    contact: str | None
    to: str
    initiated_by: str
    started_at: str
    updated_at: str


class StepWalked(msgspec.Struct, frozen=True, kw_only=True, tag_field="event_type", tag="step_walked"):
    """An execution went from one widget to the next (`twilio.studio.v1`, keyed by execution).

    `event`: by which transition, `incomingMessage` or `timeout` say. `walked_at`: Twilio's date of it.
    """

    event_id: str
    tenant: str
    seen_at: str
    execution_sid: str
    step_sid: str
    event: str
    left: str
    entered: str
    walked_at: str


class Walked(msgspec.Struct, frozen=True, kw_only=True):
    """A step as its execution tells it."""

    step_sid: str
    event: str
    left: str
    entered: str
    at: str


class ExecutionChanged(msgspec.Struct, frozen=True, kw_only=True):
    """All that is known of an execution, whenever that is more (`twilio.executions.v1`, keyed by execution).

    `steps`: in Twilio's order of time. `ended_at`: null while it is active. `stopped_by`: the fact by which the person
    said that they want nothing any more, where we ended it for that.
    """

    event_type: Literal["execution_changed"] = "execution_changed"
    event_id: str
    tenant: str
    at: str
    account_sid: str
    flow_sid: str
    execution_sid: str
    flow_version: int
    status: ExecutionStatus
    contact: str | None
    to: str
    initiated_by: str
    started_at: str
    ended_at: str | None
    steps: list[Walked]
    stopped_by: str | None = None


class Exposure(msgspec.Struct, frozen=True, kw_only=True):
    """Of an execution that a command started: the arm of an experiment that it was."""

    experiment: str
    arm: str
    command_id: str
    label: str | None


class ContactExposed(msgspec.Struct, frozen=True, kw_only=True):
    """Somebody was exposed to an arm of an experiment (`twilio.exposures.v1`, keyed by contact): the first time alone.

    `at`: when Twilio had started the execution.
    """

    event_type: Literal["contact_exposed"] = "contact_exposed"
    event_id: str
    tenant: str
    contact: str
    at: str
    experiment: str
    arm: str
    command_id: str
    label: str | None
    flow_sid: str
    execution_sid: str


class ContactExecution(msgspec.Struct, frozen=True, kw_only=True, tag_field="event_type", tag="contact_execution"):
    """Somebody is in a flow, or no longer (`twilio.outbound.accepted.v1`, keyed by contact): once for each status.

    `begun`: by what. `started_at`: Twilio's date of it; of a command, when its call ended. `exposure`:
    of a command that is part of an experiment.
    """

    event_id: str
    tenant: str
    contact: str
    at: str
    account_sid: str
    flow_sid: str
    execution_sid: str
    status: ExecutionStatus
    begun: Begun
    started_at: str
    exposure: Exposure | None = None


class ExecutionStopped(msgspec.Struct, frozen=True, kw_only=True, tag_field="event_type", tag="execution_stopped"):
    """An execution was ended by us, for its contact wants nothing any more (`twilio.studio.v1`, keyed by execution).

    `by`: the fact that said so. `outcome`: Twilio `ended` it, or it was `over` before, or Twilio knows none such.
    `seen_at`: when Twilio answered.
    """

    event_id: str
    tenant: str
    seen_at: str
    contact: str
    account_sid: str
    flow_sid: str
    execution_sid: str
    by: str
    outcome: Literal["ended", "over"]
