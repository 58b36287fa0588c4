"""Studio: the executions of flows that are watched, their steps, and what people say in them."""

import asyncio
from collections.abc import AsyncIterator, Mapping, Sequence
from typing import Any, NamedTuple

from prometheus_client import Counter, Histogram

from services.contract.studio import WATCHING_FOLD
from services.domain.clock import later, took_s
from services.domain.messages.events import InboundReceived
from services.domain.studio import at_twilio, watching
from services.domain.studio.events import ExecutionSeen, StepWalked
from services.domain.studio.replies import INCOMING, Hearer, asked_at, reply
from services.domain.studio.watching import OVERLAP_S, ExecutionRead, FlowRead, Watch
from services.poller.metrics import POLLER
from services.poller.polled import Party, Polled, Read
from services.poller.reader import Reader, Unreadable
from services.runtime.clock import now
from services.runtime.config import PollerSettings
from services.runtime.folding.fold import Step, Table
from services.runtime.folding.partition import Partition

SEEN = Counter(
    "switchboard_studio_executions_total",
    "Executions of watched flows, when they are first seen and when they have ended",
    ["tenant", "status"],
    registry=POLLER,
)
REPLIES = Counter(
    "switchboard_studio_replies_total",
    "Messages of people that went to a flow and not to us; heard: stop, start, help, suspected, or nothing of these",
    ["tenant", "heard"],
    registry=POLLER,
)
LATE = Histogram(
    "switchboard_studio_late_seconds",
    "How long after it was due a flow or an execution was read: at 30 and more a reply is heard after a minute",
    ["tenant"],
    registry=POLLER,
    buckets=(1, 5, 10, 30, 60, 300, 1800),
)

TABLE = "watched"
_EVERY_S = 2.0
# Of one tenant and partition in one round.
_MOST = 200
_AT_ONCE = 8
_PAGE_SIZE = "1000"


class _Shown(NamedTuple):
    """An execution as Twilio shows it, with its steps by sid, and where."""

    path: str
    seen: ExecutionSeen
    steps: Mapping[str, StepWalked]


def wanted(partition: Partition, tenant: str, _: PollerSettings, moment: str) -> Sequence[str]:
    """What is due, in the order of time."""
    prefix = f"{tenant} "
    found = partition.listed(TABLE, prefix, None, _MOST)
    return [one.key for one in found if one.name.removeprefix(prefix) <= moment]


async def read(reader: Reader, party: Party, rows: Mapping[str, Watch]) -> AsyncIterator[list[Read]]:
    """Some at once: a call takes long, and each has to be read within the minute.

    One that Twilio does not give holds no other up: it stays due, and is told at the end. An account that is refused is
    told at once.
    """
    due, failed = list(rows.items()), list[Unreadable]()
    for some in (due[at : at + _AT_ONCE] for at in range(0, len(due), _AT_ONCE)):
        events = await asyncio.gather(*(_given(reader, party, row) for _, row in some))
        yield [
            Read(key, row, event)
            for (key, row), event in zip(some, events, strict=True)
            if not isinstance(event, Unreadable)
        ]
        failed += [event for event in events if isinstance(event, Unreadable)]
        if any(one.refused for one in failed):
            break
    if failed:
        raise max(failed, key=lambda one: one.refused)


async def _given(reader: Reader, party: Party, row: Watch) -> FlowRead | ExecutionRead | Unreadable:
    try:
        return await _one(reader, party, row)
    except Unreadable as error:
        return error


async def _one(reader: Reader, party: Party, row: Watch) -> FlowRead | ExecutionRead:
    return await (_execution(reader, party, row) if row.execution_sid else _flow(reader, party, row))


async def _flow(reader: Reader, party: Party, row: Watch) -> FlowRead:
    """What runs now, the first time; after that what began since."""
    at = now()
    asked = {"DateCreatedFrom": _second(later(row.since, -OVERLAP_S))} if row.since else {"Status": "active"}
    listed = await _pages(reader, f"/v2/Flows/{row.flow_sid}/Executions", "executions", asked)
    if listed is None:
        return FlowRead(tenant=party.tenant, flow_sid=row.flow_sid, at=at, found=None)
    facts = (at_twilio.execution(party.tenant, party.contact_secret, one, now()) for one in listed)
    found = {one.execution_sid: one for one in facts if one is not None}
    return FlowRead(tenant=party.tenant, flow_sid=row.flow_sid, at=at, found=tuple(found.values()))


async def _execution(reader: Reader, party: Party, row: Watch) -> ExecutionRead:
    """The execution before its steps: where it has ended by then, there come no more."""
    at, path = now(), f"/v2/Flows/{row.flow_sid}/Executions/{row.execution_sid}"
    answer = await reader.get(path)
    seen = at_twilio.execution(party.tenant, party.contact_secret, answer, now()) if answer else None
    listed = await _pages(reader, f"{path}/Steps", "steps", {}) if seen else None
    if seen is None or listed is None:
        return ExecutionRead(tenant=party.tenant, execution_sid=row.execution_sid, at=at, seen=None)
    facts = (at_twilio.step(party.tenant, row.execution_sid, one, now()) for one in listed)
    steps = {one.step_sid: one for one in facts if one is not None}
    shown, known = _Shown(path, seen, steps), frozenset(row.known)
    replies = [
        await _reply(reader, party, shown, step)
        for step in steps.values()
        if step.event == INCOMING and step.step_sid not in known
    ]
    return ExecutionRead(
        tenant=party.tenant,
        execution_sid=row.execution_sid,
        at=at,
        seen=seen,
        steps=tuple(steps.values()),
        replies=tuple(replies),
    )


async def _reply(reader: Reader, party: Party, shown: _Shown, step: StepWalked) -> InboundReceived:
    answer = await reader.get(f"{shown.path}/Steps/{step.step_sid}/Context") or {}
    context, asked = answer.get("context"), asked_at(step, shown.steps.values(), shown.seen)
    hearer = Hearer(party.tenant, party.contact_secret, party.words)
    return reply(hearer, shown.seen, step, asked, context if isinstance(context, dict) else {})


async def _pages(reader: Reader, path: str, key: str, asked: Mapping[str, str]) -> list[dict[str, Any]] | None:
    """All of a list; None where Twilio has none."""
    page = await reader.get(path, {**asked, "PageSize": _PAGE_SIZE})
    if page is None:
        return None
    found: list[dict[str, Any]] = []
    while page:
        found += page.get(key) or ()
        following = (page.get("meta") or {}).get("next_page_url")
        page = await reader.follow(following) if following else None
    return found


def _nowhere(row: Watch, at: str) -> FlowRead | ExecutionRead:
    if row.execution_sid:
        return ExecutionRead(tenant=row.tenant, execution_sid=row.execution_sid, at=at, seen=None)
    return FlowRead(tenant=row.tenant, flow_sid=row.flow_sid, at=at, found=None)


def _second(moment: str) -> str:
    return f"{moment[:19]}Z"


def told(read: Read) -> None:
    """Count a reading, of the row as it was before."""
    row: Watch = read.row
    LATE.labels(row.tenant).observe(took_s(row.again_at or "", read.event.at) or 0.0)
    for one in watching.fold(row, read.event)[1]:
        if isinstance(one, ExecutionSeen):
            SEEN.labels(row.tenant, one.status).inc()
        elif isinstance(one, InboundReceived):
            REPLIES.labels(row.tenant, one.heard.says if one.heard else "nothing").inc()


STUDIO = Polled(
    contract=WATCHING_FOLD,
    steps=(
        Step(
            watching.fold,
            Table(TABLE, Watch, watching.row_key, due=watching.due, lists=watching.lists),
            takes=watching.FACTS,
        ),
    ),
    table=TABLE,
    host="studio",
    base_url=lambda twilio: twilio.studio_url,
    every_s=_EVERY_S,
    wanted=wanted,
    account=lambda row: row.account_sid,
    read=read,
    nowhere=_nowhere,
    told=told,
)
