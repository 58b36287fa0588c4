"""Executions: one person's walk through a flow, its steps, and what each step knew."""

import copy
import secrets
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Any

from services.simulator import moments
from services.simulator.accounts import Account
from services.simulator.paging import Resource
from services.simulator.studio.flows import Revision, iso

Context = dict[str, Any]
_LONGEST = timedelta(days=30)


@dataclass(frozen=True)
class Start:
    """Who is to walk through what, by which event. `contact`, `channel`: as To and From; `data`: what a create gave."""

    account: Account
    flow_sid: str
    revision: Revision
    contact: str
    channel: str
    event: str
    initiated_by: str
    trigger: Context
    data: Context

    @property
    def context(self) -> Context:
        """What the flow knows before its first step."""
        channel = {"address": self.channel}
        return {
            "trigger": self.trigger,
            "flow": {"flow_sid": self.flow_sid, "channel": channel, "data": self.data, "variables": {}},
            "contact": {"channel": {"address": self.contact}},
            "widgets": {},
        }


@dataclass(frozen=True)
class Step:
    """A transition: the event that made it, the widget that was left, the one that was entered."""

    sid: str
    event: str
    left: str
    entered: str
    context: Context
    at: datetime


@dataclass(frozen=True)
class Execution:
    """`contact`, `channel`: its To and From; where the From is a service, its sid. `version`: the flow's revision."""

    sid: str
    account_sid: str
    flow_sid: str
    contact: str
    channel: str
    version: int
    initiated_by: str
    context: Context
    created_at: datetime
    updated_at: datetime
    ended: bool = False
    steps: tuple[Step, ...] = ()

    @property
    def status(self) -> str:
        return "ended" if self.ended or moments.now() - self.created_at >= _LONGEST else "active"


@dataclass
class Executions:
    """Executions by sid, in order of creation."""

    _executions: dict[str, Execution] = field(default_factory=dict)

    def clear(self) -> None:
        self._executions.clear()

    def __getitem__(self, sid: str) -> Execution:
        return self._executions[sid]

    def __contains__(self, sid: str) -> bool:
        return sid in self._executions

    def create(self, start: Start) -> Execution:
        now, sid = moments.now(), f"FN{secrets.token_hex(16)}"
        self._executions[sid] = Execution(
            sid=sid,
            account_sid=start.account.sid,
            flow_sid=start.flow_sid,
            contact=start.contact,
            channel=start.channel,
            version=start.revision.number,
            initiated_by=start.initiated_by,
            context=start.context,
            created_at=now,
            updated_at=now,
        )
        return self._executions[sid]

    def active(self, account_sid: str, contact: str, channel: str) -> Execution | None:
        """The execution of these two ends that is not over, whichever flow it is of."""
        found = (
            one
            for one in self._executions.values()
            if (one.account_sid, one.contact, one.channel) == (account_sid, contact, channel)
        )
        return next((one for one in found if one.status == "active"), None)

    def of_flow(self, flow_sid: str) -> Iterator[Execution]:
        """Newest first."""
        return (one for one in reversed(self._executions.values()) if one.flow_sid == flow_sid)

    def step(self, sid: str, event: str, left: str, entered: str) -> None:
        """Take note of a transition, with what is known at that moment."""
        one, now = self._executions[sid], moments.now()
        step = Step(f"FT{secrets.token_hex(16)}", event, left, entered, copy.deepcopy(one.context), now)
        self._executions[sid] = replace(one, steps=(*one.steps, step), updated_at=now)

    def learn(self, sid: str, widget: str, told: Context) -> None:
        """What a widget came to know."""
        one = self._executions[sid]
        widgets = {**one.context["widgets"], widget: told}
        self._executions[sid] = replace(one, context={**one.context, "widgets": widgets})

    def set_variables(self, sid: str, variables: dict[str, str]) -> None:
        one = self._executions[sid]
        flow = {**one.context["flow"], "variables": {**one.context["flow"]["variables"], **variables}}
        self._executions[sid] = replace(one, context={**one.context, "flow": flow})

    def end(self, sid: str) -> Execution:
        self._executions[sid] = replace(self._executions[sid], ended=True, updated_at=moments.now())
        return self._executions[sid]

    def all(self) -> list[Execution]:
        return list(self._executions.values())

    def delete(self, sid: str) -> None:
        del self._executions[sid]


def told_json(one: Execution) -> dict[str, object]:
    """An execution as `/simulator/executions` tells it. `by_api`: somebody asked for it by a create, with this `data`.
    `steps`: of each the event and the widget that was entered.
    """
    return {
        "sid": one.sid, "account_sid": one.account_sid, "flow_sid": one.flow_sid, "to": one.contact,
        "from": one.channel, "status": one.status, "by_api": one.initiated_by.startswith("RQ"),
        "data": one.context["flow"]["data"],
        "steps": [f"{step.event} {step.entered}" for step in one.steps],
    }  # fmt: skip


def execution_json(one: Execution, base: str) -> Resource:
    url = f"{base}/{one.flow_sid}/Executions/{one.sid}"
    return {
        "sid": one.sid, "account_sid": one.account_sid, "flow_sid": one.flow_sid, "flow_version": one.version,
        # A placeholder, since Twilio gave the contact's sid up.
        "contact_channel_address": one.contact, "contact_sid": "FC" + "0" * 32, "context": {}, "status": one.status,
        "date_created": iso(one.created_at), "date_updated": iso(one.updated_at), "initiated_by": one.initiated_by,
        "url": url, "links": {"steps": f"{url}/Steps", "execution_context": f"{url}/Context"},
    }  # fmt: skip


def step_json(one: Execution, step: Step, base: str) -> Resource:
    url = f"{base}/{one.flow_sid}/Executions/{one.sid}/Steps/{step.sid}"
    return {
        "sid": step.sid, "account_sid": one.account_sid, "flow_sid": one.flow_sid, "execution_sid": one.sid,
        "parent_step_sid": None, "name": step.event, "context": {}, "transitioned_from": step.left,
        "transitioned_to": step.entered, "type": None, "date_created": iso(step.at), "date_updated": iso(step.at),
        "url": url, "links": {"step_context": f"{url}/Context"},
    }  # fmt: skip


def context_json(one: Execution, context: Context, url: str) -> Resource:
    return {
        "account_sid": one.account_sid, "flow_sid": one.flow_sid, "execution_sid": one.sid, "context": context,
        "url": url,
    }  # fmt: skip
