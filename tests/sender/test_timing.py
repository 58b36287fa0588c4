"""What is told of how long commands take and how they end, from the rows that flushes change."""

from collections.abc import Mapping
from types import SimpleNamespace
from typing import Any, cast

import pytest
from msgspec.structs import replace
from pydantic import SecretStr

from services.domain.consent.commands import Mark
from services.domain.consent.standing import Standing
from services.domain.messages.effects import MessageCreated
from services.domain.outbox.entry import Entry
from services.domain.outbox.facts import Unknown
from services.domain.outbox.lists import DEFERRED, held_by
from services.runtime.folding.flush import Changed
from services.runtime.folding.index import Listed
from services.runtime.folding.partition import Partition
from services.runtime.tenants.live import Tenants
from services.runtime.tenants.settings import TenantSettings
from services.sender import attempted, timing
from services.sender.account import AccountAt
from services.sender.faults import Faults
from services.sender.metrics import SENDER
from services.sender.outcomes import Refusal
from services.sender.tables import OUTBOX, SUPPRESSION
from services.sender.timing import Timing
from tests.sender.histories import accepted as command
from tests.sender.histories import created

AT = "2026-03-01T12:00:00.000Z"
LATER = "2026-03-01T12:00:07.000Z"


@pytest.fixture(autouse=True)
def _seven_seconds_later(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(timing, "now", lambda: LATER)


class Rows:
    """A partition with what it lists as deferred."""

    def __init__(self, *conditions: str) -> None:
        self._listed = [Listed(f"{held_by(one)}", str(number)) for number, one in enumerate(conditions)]

    def listed(self, table: str, prefix: str, after: Listed | None, limit: int) -> list[Listed]:
        assert (table, prefix) == (OUTBOX, DEFERRED)
        return [] if after else self._listed


def entry(**fields: Any) -> Entry:
    said = command(accepted_at=AT)
    named: dict[str, Any] = {"tenant": said.tenant, "command_id": said.command_id, "order_key": said.contact}
    known: dict[str, Any] = {
        "kind": "message",
        "fingerprint": "f",
        "state": "pending",
        "command": said,
        **named,
        **fields,
    }
    return Entry(**known)


def flush(table: str, before: object, after: object) -> Changed:
    rows: Mapping[str, Mapping[str, Any]] = {table: {"row": after}}
    return Changed(rows, {table: {"row": before}})


def value(name: str, **labels: str) -> float:
    return SENDER.get_sample_value(f"switchboard_{name}", labels) or 0.0


async def told(table: str, before: object, after: object) -> None:
    await Timing(Tenants()).folded(cast(Partition, Rows()), flush(table, before, after))


async def test_a_command_is_timed_to_its_first_call_only() -> None:
    before = value("command_to_call_seconds_sum")
    first = entry(state="attempted", attempt=1)
    await told(OUTBOX, entry(), first)
    assert value("command_to_call_seconds_sum") - before == pytest.approx(7)
    await told(OUTBOX, replace(first, state="pending"), replace(first, attempt=2))
    assert value("command_to_call_seconds_sum") - before == pytest.approx(7)


async def test_what_a_command_waited_for_by_its_own_wish_is_no_delay() -> None:
    before = value("command_to_call_seconds_sum")
    await told(OUTBOX, entry(released_at="2026-03-01T12:00:06.000Z"), entry(attempt=1, state="attempted"))
    wished = command(accepted_at=AT, not_before="2026-03-01T12:00:05.000Z")
    await told(OUTBOX, entry(command=wished), entry(attempt=1, state="attempted"))
    assert value("command_to_call_seconds_sum") - before == pytest.approx(1 + 2)


async def test_an_end_is_counted_once_by_its_step_and_tenant() -> None:
    tenant = entry().tenant
    before = value("commands_ended_total", tenant=tenant, step="expired")
    ended = entry(state="settled", command=None, last_step="expired")
    await told(OUTBOX, entry(), ended)
    await told(OUTBOX, ended, replace(ended, sid="SM1"))
    await told(OUTBOX, ended, None)
    assert value("commands_ended_total", tenant=tenant, step="expired") - before == 1


async def test_that_nothing_expired_yet_is_shown_of_each_tenant() -> None:
    """A rate does not see the first value of what begins with one: a burst would wake nobody."""
    tenants = Tenants({"zero": cast(TenantSettings, SimpleNamespace(account_sid="AC", contact_secret=SecretStr("s")))})
    assert SENDER.get_sample_value("switchboard_commands_ended_total", {"tenant": "zero", "step": "expired"}) is None
    Timing(tenants)
    assert SENDER.get_sample_value("switchboard_commands_ended_total", {"tenant": "zero", "step": "expired"}) == 0


async def test_what_is_deferred_is_counted_by_kind_from_the_rows_and_moves_with_them() -> None:
    watcher, partition = Timing(Tenants()), cast(Partition, Rows("pause label spring", "hold", "time"))
    await watcher.taken(partition)
    assert [value("deferred_commands", reason=one) for one in ("pause", "hold", "time")] == [1, 1, 1]
    waiting = entry(state="deferred", condition="hold x")
    await watcher.folded(partition, flush(OUTBOX, entry(), waiting))
    await watcher.folded(partition, flush(OUTBOX, entry(state="deferred", condition="pause label spring"), entry()))
    assert [value("deferred_commands", reason=one) for one in ("pause", "hold", "time")] == [0, 2, 1]
    await watcher.leaving(partition)
    assert value("deferred_commands", reason="hold") == 0


@pytest.mark.parametrize(("source", "counted"), [("keyword", 1), ("refusal", 0)])
async def test_a_stop_is_timed_once_and_only_a_persons_own(source: str, counted: int) -> None:
    before = value("stop_to_block_seconds_count")
    mark = Mark(at=AT, evidence="e", source=source)
    said = Standing(tenant="acme", contact="c", outs={"tenant": {"SM1": mark}, "sender": {"SM1": mark}})
    await told(SUPPRESSION, None, said)
    await told(SUPPRESSION, said, replace(said, outs={**said.outs, "more": {"SM1": mark}}))
    assert value("stop_to_block_seconds_count") - before == counted


@pytest.mark.parametrize(
    ("outcome", "said"),
    [
        (created(), "created"),
        (Refusal(code=21211, reason="no such number"), "21211"),
        (Refusal(code=99998, reason="nobody knows"), "other"),
        (Refusal(code=None, reason="no connection", reached=False), "none"),
        (Unknown(reason="no answer"), "none"),
    ],
)
def test_an_answer_is_named_by_what_the_catalogue_knows(outcome: MessageCreated | Refusal | Unknown, said: str) -> None:
    """Codes are Twilio's to choose: what is not in the catalogue must not make a series of its own."""
    assert attempted.answer_of(outcome) == said


async def test_a_fault_shows_no_number_and_two_that_look_alike_end_apart() -> None:
    faults, refused = Faults(gap_s=60), Refusal(code=21703, reason="no senders")
    senders = ("+14155550100", "+14155599900")
    for sender in senders:
        assert faults.ended(AccountAt("acme", "api"), sender, refused, known=True, began=0.0) == "sender"
    shown = {"fault": "sender", "host": "api", "name": "acme +1415•••••00"}
    assert SENDER.get_sample_value("switchboard_faults", shown) == 2
    # Whatever else Twilio says of it ends it.
    for sender, left in zip(senders, (1, None), strict=True):
        faults.ended(AccountAt("acme", "api"), sender, created(), known=True, began=faults.began() + 120)
        assert SENDER.get_sample_value("switchboard_faults", shown) == left
