"""Studio: the executions of flows that are watched, their steps, and what people say in them."""

import asyncio
from collections.abc import AsyncIterator, Mapping, Sequence
from typing import Any, NamedTuple

from prometheus_client import Counter, Histogram

from services.contract.studio import WATCHING_FOLD
from services.domain.clock import took_s
from services.domain.messages.events import InboundReceived
from services.domain.studio import at_twilio, watching
from services.domain.studio.events import ExecutionSeen, StepWalked
from services.domain.studio.replies import INCOMING, Hearer, asked_at, reply
from services.domain.studio.watching import ExecutionRead, FlowRead, ReadingFailed, Watch, asked_from
from services.poller.metrics import POLLER
from services.poller.polled import UNREAD, Party, Place, Polled, Read, Tell, listed_until
from services.poller.reader import Reader, Ungiven, Unreadable, items, second, text
from services.runtime.clock import now
from services.runtime.folding.fold import Step, Table
from services.runtime.folding.partition import Partition
from services.runtime.sections.poller import PollerSettings

SEEN = Counter(
    "switchboard_studio_executions_total",
    "Executions of watched flows, when they are first seen and when they have ended",
    ["tenant", "status"],
    registry=POLLER,
)
REPLIES = Counter(
    "switchboard_studio_replies_total",
    "Messages of people that went to a flow and not to us; heard: stop, start, help, suspected, nothing of these, or "
    "unattributed, where Twilio does not show who wrote",
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
# Of one account and partition in one round.
_MOST = 200
_AT_ONCE = 8
_PAGE_SIZE = "1000"


class _Shown(NamedTuple):
    """An execution as Twilio shows it, with its steps by sid."""

    seen: ExecutionSeen
    steps: Mapping[str, StepWalked]


def wanted(partition: Partition, place: Place, _: PollerSettings, moment: str) -> Sequence[str]:
    """What is due, in the order of time."""
    return listed_until(partition, TABLE, [(watching.under(*place), moment)], _MOST)


async def read(reader: Reader, party: Party, rows: Mapping[str, Watch], tell: Tell) -> None:
    """Some at once: a call takes long, and each has to be read within the minute.

    One that Twilio does not give holds no other up: it is read again later. An account that gives nothing is asked no
    further.
    """
    due = list(rows.items())
    for some in (due[at : at + _AT_ONCE] for at in range(0, len(due), _AT_ONCE)):
        async with asyncio.TaskGroup() as group:
            tasks = [group.create_task(_given(reader, party, key, row, tell)) for key, row in some]
        if refused := [error for task in tasks if (error := task.result()) is not None]:
            raise max(refused, key=lambda one: one.refused)


async def _given(reader: Reader, party: Party, key: str, row: Watch, tell: Tell) -> Unreadable | None:
    """Read one row and tell it. What the account refuses is a value: it ends no other that is under way."""
    try:
        if row.execution_sid:
            await tell([Read(key, row, await _execution(reader, party, row))])
        else:
            async for page in _flow(reader, party, row):
                await tell([Read(key, row, page)])
    except Ungiven:
        await tell([Read(key, row, _failed(row, now()))])
    except Unreadable as error:
        return error
    return None


async def _flow(reader: Reader, party: Party, row: Watch) -> AsyncIterator[FlowRead]:
    """What runs now and what began since it was said that it is watched, the first time; then what began since."""
    at, path = now(), f"/v2/Flows/{row.flow_sid}/Executions"
    number = 0
    begun = {"DateCreatedFrom": second(asked_from(row.since or row.told_at))}
    last = begun if row.since else {**begun, "Status": "ended"}
    for asked in (last,) if row.since else ({"Status": "active"}, last):
        async for page in _pages(reader, path, asked):
            if page is None:
                yield FlowRead(tenant=party.tenant, flow_sid=row.flow_sid, at=at, found=None)
                return
            facts = (
                at_twilio.execution(party.tenant, party.contact_secret, one, now()) for one in items(page, "executions")
            )
            found = {one.execution_sid: one for one in facts if one is not None}
            whole = asked is last and _following(page) is None
            yield FlowRead(
                tenant=party.tenant, flow_sid=row.flow_sid, at=at, found=tuple(found.values()), page=number, whole=whole
            )
            number += 1


async def _execution(reader: Reader, party: Party, row: Watch) -> ExecutionRead:
    """The execution before its steps: where it has ended by then, there come no more but those that its list lags."""
    at, path = now(), f"/v2/Flows/{row.flow_sid}/Executions/{row.execution_sid}"
    answer = await reader.get(path)
    seen = at_twilio.execution(party.tenant, party.contact_secret, answer, now()) if answer else None
    pages = [page async for page in _pages(reader, f"{path}/Steps", {})] if seen else [None]
    if seen is None or None in pages:
        return ExecutionRead(tenant=party.tenant, execution_sid=row.execution_sid, at=at, seen=None)
    listed = (one for page in pages for one in items(page, "steps"))
    facts = (at_twilio.step(party.tenant, row.execution_sid, one, now()) for one in listed)
    steps = {one.step_sid: one for one in facts if one is not None}
    shown, known = _Shown(seen, steps), frozenset(row.known)
    replies: list[InboundReceived] = []
    unshown, unattributed = set[str](), 0
    for step in steps.values():
        if step.event not in INCOMING or step.step_sid in known:
            continue
        context = await reader.get(f"{path}/Steps/{step.step_sid}/Context")
        if context is None and watching.may_be_shown_later(row):
            unshown.add(step.step_sid)
        elif (said := _reply(party, shown, step, context or {})) is not None:
            replies.append(said)
        else:
            unattributed += 1
    return ExecutionRead(
        tenant=party.tenant,
        execution_sid=row.execution_sid,
        at=at,
        seen=seen,
        steps=tuple(one for sid, one in steps.items() if sid not in unshown),
        replies=tuple(replies),
        unshown=len(unshown),
        unattributed=unattributed,
    )


def _reply(party: Party, shown: _Shown, step: StepWalked, answer: Mapping[str, Any]) -> InboundReceived | None:
    context, asked = answer.get("context"), asked_at(step, shown.steps.values(), shown.seen)
    hearer = Hearer(party.tenant, party.contact_secret, party.words)
    return reply(hearer, shown.seen, step, asked, context if isinstance(context, dict) else {})


async def _pages(reader: Reader, path: str, asked: Mapping[str, str]) -> AsyncIterator[dict[str, Any] | None]:
    """A list page by page; one None where Twilio has no such list."""
    page = await reader.get(path, {**asked, "PageSize": _PAGE_SIZE})
    yield page
    while page is not None and (following := _following(page)):
        page = await reader.follow(following)
        if page is None:
            # It was there when this list began.
            raise Ungiven("a page that Twilio named is not there")
        yield page


def _following(page: Mapping[str, Any]) -> str | None:
    return text(page, "meta", "next_page_url")


def _nowhere(row: Watch, at: str) -> FlowRead | ExecutionRead:
    if row.execution_sid:
        return ExecutionRead(tenant=row.tenant, execution_sid=row.execution_sid, at=at, seen=None)
    return FlowRead(tenant=row.tenant, flow_sid=row.flow_sid, at=at, found=None)


def _failed(row: Watch, at: str) -> ReadingFailed:
    return ReadingFailed(tenant=row.tenant, sid=row.execution_sid or row.flow_sid, at=at)


def told(read: Read) -> None:
    """Count a reading, of the row as it was before."""
    row: Watch = read.row
    if isinstance(read.event, ReadingFailed):
        UNREAD.labels(row.tenant, STUDIO.host).inc()
        return
    if isinstance(read.event, ExecutionRead) and read.event.unattributed:
        REPLIES.labels(row.tenant, "unattributed").inc(read.event.unattributed)
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
            Table(TABLE, Watch, watching.row_key, due=watching.due, lists=watching.lists, index=2),
            takes=watching.FACTS,
        ),
    ),
    table=TABLE,
    host="studio",
    base_url=lambda twilio: twilio.studio_url,
    every_s=_EVERY_S,
    wanted=wanted,
    read=read,
    nowhere=_nowhere,
    failed=_failed,
    told=told,
)
