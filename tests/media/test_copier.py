"""Which message is worked on next, of many that wait."""

import asyncio
import contextlib
from typing import Any, cast

from services.domain.messages.copies import Copied, Copies, Medium, fold, lists, row_key
from services.media.copier import Copier
from services.media.copying import Copying
from services.runtime.folding.index import Listed
from services.runtime.folding.partition import Partition
from services.runtime.sections.media import MediaWorkerSettings
from tests.media.test_fetching import TENANT
from tests.waiting import eventually

AT = "2026-02-21T18:00:00.000Z"


def row(number: int, tenant: str, again_at: str = AT) -> Copies:
    return Copies(
        tenant=tenant, contact=f"{tenant}|c0ffee", account_sid="AC1", message_sid=f"MM{number:05d}", received_at=AT,
        media=(Medium(""),), again_at=again_at,
    )  # fmt: skip


class Rows:
    """What the copier sees of a partition. `looked_at`: how many names it has asked for."""

    partition = 0

    def __init__(self, *rows: Copies) -> None:
        self._rows = {row_key(one): one for one in rows}
        self.looked_at = 0

    def listed(self, _table: str, _prefix: str, after: Listed | None, limit: int) -> list[Listed]:
        found = sorted(Listed(name, key) for key, one in self._rows.items() for name in lists(one))
        page = [one for one in found if after is None or one > after][:limit]
        self.looked_at += len(page)
        return page

    def read(self, key: str, _table: str) -> Copies | None:
        return self._rows.get(key)

    async def submit(self, event: Copied) -> None:
        key = f"{event.message_sid} {event.tenant}"
        state, _ = fold(self._rows[key], event)
        assert state is not None
        self._rows[key] = state


@contextlib.asynccontextmanager
async def working(rows: Rows) -> Any:
    # It wants no copies: then nothing is fetched, and nothing is told.
    copying = Copying(MediaWorkerSettings(), cast("Any", None), cast("Any", None), None)
    copier = Copier(copying, cast("Any", {"acme": TENANT}), 4)
    await copier.taken(cast("Partition", rows))
    task = asyncio.create_task(copier.run())
    yield
    task.cancel()
    await asyncio.wait([task])


async def test_rows_of_a_tenant_that_nobody_knows_here_hold_nobody_up_however_many() -> None:
    last = row(9000, "acme", "2026-02-21T18:00:01.000Z")
    rows = Rows(*(row(number, "gone") for number in range(6000)), last)
    async with working(rows):
        await eventually(lambda: not cast("Copies", rows.read(row_key(last), "")).is_open, 30, "it is worked on")


async def test_what_waits_for_later_is_not_looked_through_in_each_round() -> None:
    later = "2999-01-01T00:00:00.000Z"
    first = row(9000, "acme")
    rows = Rows(first, *(row(number, "acme", later) for number in range(6000)))
    async with working(rows):
        await eventually(lambda: not cast("Copies", rows.read(row_key(first), "")).is_open, 30, "it is worked on")
        assert rows.looked_at < 1000
