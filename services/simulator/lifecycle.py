"""Living out the plans: statuses reached and callbacks posted by background tasks of each message."""

import asyncio
import secrets
from collections import defaultdict
from collections.abc import Coroutine
from typing import Any

from services.simulator.accounts import Account
from services.simulator.forms import status_form
from services.simulator.message import Message
from services.simulator.plan import Plan, Post, Step
from services.simulator.store import Store
from services.simulator.webhooks import Webhook, Webhooks


class Lifecycle:
    """Runs plans. A message's callbacks leave one after another, so only a fault puts them out of order."""

    def __init__(self, store: Store, webhooks: Webhooks, accounts: dict[str, Account]) -> None:
        self._store = store
        self._webhooks = webhooks
        self._accounts = accounts
        self._tasks: defaultdict[str, set[asyncio.Task[None]]] = defaultdict(set)

    @property
    def pending(self) -> int:
        """Messages with something still to happen now; one that waits for its SendAt is not among them."""
        return sum(self._store.get(sid).message.status != "scheduled" for sid in self._tasks)

    def begin(self, sid: str, plan: Plan) -> asyncio.Event:
        """Start the life of a message just created. The event is set once its first callback was answered."""
        first = asyncio.Event()
        self._spawn(sid, self._reach(sid, plan.steps[1:]))
        if self._store.get(sid).status_callback:
            self._spawn(sid, self._tell(sid, plan.posts, first))
        else:
            first.set()
        return first

    def cancel(self, sid: str) -> Message:
        """Call off a scheduled message: nothing of its plan happens any more."""
        for task in self._tasks.pop(sid, set()):
            task.cancel()
        step = Step(0.0, "canceled")
        message = self._store.reach(sid, step)
        if self._store.get(sid).status_callback:
            self._spawn(sid, self._tell(sid, (Post(0.0, 0.0, step),), asyncio.Event()))
        return message

    async def stop(self) -> None:
        """Drop every plan and wait until its tasks are gone."""
        tasks = [task for of_message in self._tasks.values() for task in of_message]
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        self._tasks.clear()

    def _spawn(self, sid: str, work: Coroutine[Any, Any, None]) -> None:
        task = asyncio.create_task(work)
        self._tasks[sid].add(task)
        task.add_done_callback(lambda done: self._finished(sid, done))

    def _finished(self, sid: str, task: asyncio.Task[None]) -> None:
        running = self._tasks.get(sid, set())
        running.discard(task)
        if not running:
            self._tasks.pop(sid, None)

    async def _reach(self, sid: str, steps: tuple[Step, ...]) -> None:
        clock = asyncio.get_running_loop().time
        born = clock()
        for step in steps:
            await asyncio.sleep(born + step.due_s - clock())
            self._store.reach(sid, step)

    async def _tell(self, sid: str, posts: tuple[Post, ...], first: asyncio.Event) -> None:
        clock = asyncio.get_running_loop().time
        born = clock()
        # A doubled callback is one event delivered twice, so both carry the same token and the same form.
        tokens = {post.step: secrets.token_hex(16) for post in posts}
        written: dict[Step, Webhook] = {}
        for post in posts:
            await asyncio.sleep(born + post.due_s - clock())
            webhook = written.setdefault(post.step, self._webhook(sid, post.step))
            if post.lost:
                self._webhooks.lose(webhook, tokens[post.step])
            else:
                await self._webhooks.post(webhook, tokens[post.step])
            first.set()

    def _webhook(self, sid: str, step: Step) -> Webhook:
        record = self._store.get(sid)
        message = record.message
        account = self._accounts[message.account_sid]
        return Webhook("status", sid, step.status, record.status_callback or "", account, status_form(message, step))
