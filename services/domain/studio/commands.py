"""Commands that start executions of flows: what a producer may ask for, and what intake makes of it.

A command's identity is tenant + contact + command id.
"""

from typing import Literal

import msgspec

from services.domain.messages.commands import Purpose
from services.domain.studio.experiments import Experiment

# Of the sender's products.
KIND = "execution"

# What becomes of a command whose person is in a flow already, with the same of ours.
Conflict = Literal["leave", "restart"]
Channel = Literal["sms", "whatsapp"]


class StartExecution(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True, rename={"from_": "from"}):
    """The public command (`twilio.outbound.executions.v1`, any key): one person is to walk through a flow.

    `from` or `messaging_service_sid`, one of them. `parameters`: what the flow knows as `flow.data`, texts by name.
    `conflict`: `leave` the execution in which the person is already, or end it and start anew. `not_before`,
    `not_after`, `urgent`, `label`: as of a message. `purpose`: marketing where it is left out, since nobody knows what
    the flow writes. `experiment`: the person's arm says which flow it is, and what more that knows.
    """

    command_id: str
    tenant: str
    to: str
    flow_sid: str
    event_type: Literal["start_execution"] = "start_execution"
    from_: str | None = None
    messaging_service_sid: str | None = None
    parameters: dict[str, str] = {}
    conflict: Conflict = "leave"
    not_before: str | None = None
    not_after: str | None = None
    urgent: bool = False
    label: str | None = None
    purpose: Purpose | None = None
    experiment: Experiment | None = None


class ExecutionAccepted(
    msgspec.Struct,
    frozen=True,
    kw_only=True,
    rename={"from_": "from"},
    tag_field="event_type",
    tag="execution_accepted",
):
    """A valid, normalised command (`twilio.outbound.accepted.v1`, keyed by contact).

    `sequence`: the offset of the command as it was produced. `not_before` is null where it may go at once. `to` and
    `from` are as Twilio's API wants them. `experiment`, `arm`: what the person's share of it has led to stands in
    `flow_sid` and `parameters`. `fingerprint`: the digest of all that the producer asked for.
    """

    event_id: str
    tenant: str
    command_id: str
    contact: str
    accepted_at: str
    sequence: int
    not_after: str
    fingerprint: str
    flow_sid: str
    channel: Channel
    country: str | None
    to: str
    from_: str | None
    messaging_service_sid: str | None
    parameters: dict[str, str]
    conflict: Conflict
    urgent: bool
    not_before: str | None = None
    label: str | None = None
    purpose: Purpose = "marketing"
    experiment: str | None = None
    arm: str | None = None

    @property
    def kind(self) -> str:
        return KIND

    @property
    def fallback_from(self) -> None:
        """Only a message has one."""
        return None

    @property
    def order_key(self) -> str:
        return self.contact

    @property
    def sender(self) -> str:
        """Who writes in the flow: a pause of it holds the command, as it holds a message."""
        return self.from_ or self.messaging_service_sid or ""

    @property
    def towards(self) -> str:
        """Only messages have rates by destination."""
        return ""


class ResolveExecution(msgspec.Struct, frozen=True, kw_only=True):
    """A person found out how an ambiguous command ended (`twilio.outbound.executions.v1`, any key).

    Whom the command was for says `to`, an address, or `contact`, the key in its results. `sent` needs the sid of the
    execution that was found; `not_sent` ends it as failed: nothing is started again for it, a new command may be.
    """

    event_type: Literal["resolve_execution"] = "resolve_execution"
    command_id: str
    tenant: str
    outcome: Literal["sent", "not_sent"]
    by: str
    to: str | None = None
    contact: str | None = None
    execution_sid: str | None = None
    note: str | None = None


class CancelExecution(msgspec.Struct, frozen=True, kw_only=True):
    """A command that still waits is not to start anything any more (`twilio.outbound.executions.v1`, any key).

    Whom the command was for says `to`, an address, or `contact`, the key in its results. One that comes before the
    command it names is remembered. It ends no execution that was started.
    """

    event_type: Literal["cancel_execution"] = "cancel_execution"
    command_id: str
    tenant: str
    by: str
    to: str | None = None
    contact: str | None = None
    note: str | None = None
