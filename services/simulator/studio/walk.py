"""Walking through flows: executions started, replied to, ended; each is a task of its own."""

import asyncio
from urllib.parse import urlsplit

from services.simulator.forms import Form
from services.simulator.service import Simulator
from services.simulator.studio.definition import following, states_of
from services.simulator.studio.executions import Context, Execution, Executions, Start
from services.simulator.studio.flows import HOST, Flows
from services.simulator.studio.widgets import Widgets
from services.simulator.webhooks import Webhook

_MOST_STEPS = 1_000
_MOST_IN_A_ROW = 10


class Studio:
    """The flows of all accounts and who walks through them. Who posts to a flow's URL is heard here."""

    def __init__(self, simulator: Simulator) -> None:
        self.flows = Flows()
        self.executions = Executions()
        self._accounts = simulator.accounts
        self._widgets = Widgets(simulator, self.executions)
        self._tasks: dict[str, asyncio.Task[None]] = {}
        simulator.webhooks.own[HOST] = self._heard
        simulator.resets.append(self.clear)

    async def clear(self) -> None:
        for task in list(self._tasks.values()):
            task.cancel()
        await asyncio.gather(*self._tasks.values(), return_exceptions=True)
        self._tasks.clear()
        self.flows.clear()
        self.executions.clear()

    def start(self, start: Start) -> Execution:
        """Let somebody walk, of whose two ends no execution is active."""
        made = self.executions.create(start)
        task = asyncio.create_task(self._walk(made.sid, start))
        self._tasks[made.sid] = task
        task.add_done_callback(lambda _: self._tasks.pop(made.sid, None))
        return made

    def end(self, sid: str) -> Execution:
        """End it: it writes to nobody any more."""
        if (task := self._tasks.pop(sid, None)) is not None:
            task.cancel()
        return self.executions.end(sid)

    async def _walk(self, sid: str, start: Start) -> None:
        states, event = states_of(start.revision.definition), start.event
        at, said, in_a_row = start.revision.definition["initial_state"], None, 0
        for _ in range(_MOST_STEPS):
            entered = said or following(states[at], event)
            self.executions.step(sid, event, at, entered or "Ended")
            in_a_row = in_a_row + 1 if entered == at else 0
            if entered is None or in_a_row >= _MOST_IN_A_ROW:
                break
            at = entered
            left = await self._widgets.run(start.account, sid, states[at])
            if left is None or self.executions[sid].status != "active":
                break
            event, said = left
        self.executions.end(sid)

    async def _heard(self, webhook: Webhook) -> None:
        """A message to a flow's URL: the reply that its execution waits for, or the start of a new one.

        The contact's execution goes by the service, where the number is in one, and else by the number.
        """
        account, form = webhook.account, dict(webhook.form)
        ends = form["From"], form.get("MessagingServiceSid") or form["To"]
        active = self.executions.active(account.sid, *ends)
        if active is not None:
            self._reply(active.sid, webhook.form)
            return
        flow = self.flows.find(account.sid, urlsplit(webhook.url).path.rpartition("/")[2])
        revision = flow.for_contact(ends[0]) if flow else None
        if flow is not None and revision is not None:
            trigger: Context = {"message": form}
            self.start(Start(account, flow.sid, revision, *ends, "incomingMessage", form["MessageSid"], trigger, {}))

    def _reply(self, sid: str, form: Form) -> None:
        """What comes while nobody waits for it is lost to the flow."""
        reply = self._widgets.waiting.get(sid)
        if reply is not None and not reply.done():
            reply.set_result(form)
