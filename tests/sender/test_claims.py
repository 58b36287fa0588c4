"""A message that a resolution names is looked up at Twilio before it ends a command."""

import asyncio
from collections.abc import Callable
from dataclasses import replace
from typing import Any, cast

import pytest

from services.domain.clock import iso
from services.domain.messages.commands import KIND
from services.domain.messages.finding import Listed
from services.domain.outbox.entry import Entry, row_key
from services.domain.outbox.facts import Checked, Unknown
from services.runtime.folding.flush import Changed
from services.runtime.folding.partition import Partition
from services.sender import claims
from services.sender.claims import NEVER_LOOKED_UP, Claims
from services.sender.messages.dates import Dates
from services.sender.messages.finding import Finding, Times
from services.sender.outbound import Products
from services.sender.tables import OUTBOX
from tests.sender.histories import accepted, attempted, attempting, fold, history, resolved
from tests.sender.products import MESSAGES
from tests.waiting import eventually

AMBIGUOUS = (accepted(), attempting(1), attempted(1, Unknown(reason="no answer in time")))
SENT = Listed("SM1", "outbound-api", "+14155550123", "+14155550100", None, "x", "sent", iso(2_000_000_000_000), "AC1")


class Messages:
    """One tenant's account, as far as it answers."""

    accounts = frozenset({"AC1"})

    def __init__(self, *known: Listed) -> None:
        self.known = {one.sid: one for one in known}
        self.asked: list[str] = []
        self.broken = 0

    async def message(self, sid: str) -> Listed | None:
        self.asked.append(sid)
        if self.broken:
            self.broken -= 1
            raise OSError("no answer")
        return self.known.get(sid)


class Row:
    """A partition with one ambiguous command."""

    def __init__(self, *said: Any) -> None:
        entry, _ = history([*AMBIGUOUS, *said])
        self.entry = cast(Entry, entry)
        self.told: list[Any] = []
        self.reasons: list[str] = []
        self.claims: Claims | None = None

    def read(self, key: str, table: str) -> Entry | None:
        return self.entry if (key, table) == (row_key(self.entry), OUTBOX) else None

    def under(self, table: str, prefix: str, limit: int) -> list[str]:
        return [row_key(self.entry)]

    def listed(self, table: str, name: str, after: Any, limit: int) -> list[Any]:
        return [] if after else [("doubt", row_key(self.entry))]

    async def submit(self, event: Checked) -> None:
        await asyncio.sleep(0)
        await self.say(event)

    async def say(self, event: Any) -> None:
        before = self.entry
        entry, derived = fold(before, event)
        self.entry = cast(Entry, entry)
        self.told += [getattr(one, "step", None) for one in derived]
        self.reasons += [getattr(one, "reason", None) or "" for one in derived]
        rows = {row_key(self.entry): self.entry}
        assert self.claims is not None
        await self.claims.folded(cast(Partition, self), Changed({OUTBOX: rows}, {OUTBOX: {row_key(before): before}}))


def looked_up_by(dates: Callable[[str], Dates | None]) -> Products:
    """Messages, looked up by these."""
    finding = Finding(lambda _: None, dates, Times(15.0, 10.0), lambda _: ())
    return {KIND: replace(MESSAGES, check=finding.check)}


async def taken(row: Row, messages: Messages | None) -> None:
    row.claims = Claims(looked_up_by(lambda _: cast(Dates, messages)))
    await row.claims.taken(cast(Partition, row))


@pytest.fixture(autouse=True)
def hasty(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(claims, "_AGAIN_S", (0.001,))


async def test_it_ends_the_command_once_twilio_says_that_it_is_a_message_of_ours_to_this_person() -> None:
    row, messages = Row(), Messages(SENT)
    await taken(row, messages)
    await row.say(resolved("SM1"))
    assert row.told == [], "nobody has looked it up"
    await eventually(lambda: row.entry.state == "settled", 20, "it is looked up")
    assert (row.told[0], row.entry.sid, row.entry.claims) == ("sent", "SM1", ())


@pytest.mark.parametrize(
    "other",
    [
        pytest.param({"sid": "SM2"}, id="there is none"),
        pytest.param({"account": "AC2"}, id="of another account"),
        pytest.param({"to": "+14155550199"}, id="to another person"),
        pytest.param({"direction": "inbound"}, id="from the person"),
        pytest.param({"created_at": iso(0)}, id="of long ago"),
    ],
)
async def test_any_other_sid_leaves_the_command_in_doubt_and_the_right_one_ends_it_after(other: dict[str, str]) -> None:
    row, messages = Row(), Messages(SENT._replace(**other), SENT._replace(sid="SM7"))
    await taken(row, messages)
    await row.say(resolved("SM1"))
    await eventually(lambda: row.told == ["resolution_refused"], 20, "it is refused")
    assert row.entry.state == "ambiguous"
    await row.say(resolved("SM7"))
    await eventually(lambda: row.entry.state == "settled", 20, "the right one counts")
    assert row.entry.sid == "SM7"


async def test_what_was_said_before_a_restart_is_looked_up_after_it_and_until_twilio_answers() -> None:
    row, messages = Row(resolved("SM1"), resolved("SM2", 10)), Messages(SENT._replace(sid="SM2"))
    messages.broken = 3
    await taken(row, messages)
    await eventually(lambda: row.entry.state == "settled", 20, "it is looked up")
    assert (messages.asked, row.entry.sid) == (["SM1"] * 4 + ["SM2"], "SM2")


async def test_a_tenant_that_is_not_known_here_yet_is_waited_for() -> None:
    row, known = Row(resolved("SM1")), dict[str, Any]()
    row.claims = Claims(looked_up_by(known.get))
    await row.claims.taken(cast(Partition, row))
    await asyncio.sleep(0.01)
    assert row.entry.state == "ambiguous"
    known["acme"] = Messages(SENT)
    await eventually(lambda: row.entry.state == "settled", 20, "it is looked up")


async def test_a_partition_that_leaves_takes_its_questions_along() -> None:
    row, messages = Row(resolved("SM1")), Messages(SENT)
    messages.broken = 1_000_000
    await taken(row, messages)
    await eventually(lambda: len(messages.asked) > 2, 20, "it is asked")
    assert row.claims is not None
    await row.claims.leaving(cast(Partition, row))
    await asyncio.sleep(0.01)
    asked = len(messages.asked)
    await asyncio.sleep(0.02)
    assert len(messages.asked) == asked


@pytest.mark.parametrize("before", [(), (resolved("SM1"),)])
async def test_where_a_product_looks_nothing_up_what_is_named_is_refused_with_why(before: tuple[Any, ...]) -> None:
    row = Row(*before)
    row.claims = Claims({KIND: replace(MESSAGES, check=None)})
    await row.claims.taken(cast(Partition, row))
    if not before:
        await row.say(resolved("SM1"))
    await eventually(lambda: row.told == ["resolution_refused"], 20, "it is answered")
    assert (row.entry.state, row.entry.claims) == ("ambiguous", ())
    assert NEVER_LOOKED_UP in row.reasons[0]
