"""Members of consumer groups that were killed: they stay in theirs until their session is over, or are made to leave.

What a session costs, and that others take over when it ends, is tried where a worker stands still, and where one of
several is killed. Elsewhere nothing happens in those six seconds.
"""

import asyncio
import signal
from collections.abc import AsyncIterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import asynccontextmanager

from aiokafka.admin import AIOKafkaAdminClient
from aiokafka.protocol.group import LeaveGroupRequest

from tests.forked import Forked


class Members:
    """The processes of one app that a test starts, one after another or several at once."""

    def __init__(self, bootstrap: str, app: str) -> None:
        self._bootstrap = bootstrap
        self._app = app
        self._processes: list[Forked] = []

    def joins(self, process: Forked) -> None:
        self._processes.append(process)

    def free(self) -> None:
        """To be called before a start: where all are gone and the last was killed, nobody waits for its session."""
        ends = [one.poll() for one in self._processes]
        if ends and None not in ends and ends[-1] == -signal.SIGKILL:
            # Whoever starts a process is often in a loop, and waits for nothing there.
            with ThreadPoolExecutor(1) as aside:
                aside.submit(asyncio.run, self._leave()).result()

    async def _leave(self) -> None:
        async with admin_of(self._bootstrap) as admin:
            await made_to_leave(admin, self._app)


async def made_to_leave(admin: AIOKafkaAdminClient, group: str) -> str:
    """Make each member of a group leave it; the state that the group was in."""
    # aiokafka reads answers on one group only.
    [broker] = (await admin.describe_cluster())["brokers"]
    [answer] = await admin.describe_consumer_groups([group], broker["node_id"])
    [(_, _, state, _, _, members)] = answer.groups
    for member, *_ in members:
        await admin._send_request(LeaveGroupRequest(group, member), broker["node_id"])
    return str(state)


@asynccontextmanager
async def admin_of(bootstrap: str) -> AsyncIterator[AIOKafkaAdminClient]:
    admin = AIOKafkaAdminClient(bootstrap_servers=bootstrap)
    await admin.start()
    try:
        yield admin
    finally:
        await admin.close()
