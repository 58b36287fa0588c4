"""One attempt without Kafka: what must be on the log before a call, and when there is none."""

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any, cast
from urllib.parse import parse_qs

import pytest
from msgspec import structs
from pydantic import SecretStr

from services.domain.clock import seconds_between
from services.domain.gate.decide import decide
from services.domain.gate.question import Question
from services.domain.gate.receipt import Receipt
from services.domain.gate.view import TemplateSeen, View
from services.domain.messages.commands import KIND, CommandAccepted
from services.domain.messages.effects import MessageCreated
from services.domain.outbox.entry import Entry, row_key
from services.domain.outbox.facts import Attempting, Unknown
from services.domain.results import CommandResult
from services.runtime.clock import now
from services.runtime.folding.partition import Partition
from services.runtime.price_lists import PriceLists
from services.runtime.sections.kafka import KafkaSettings
from services.runtime.tenants.live import Tenants
from services.runtime.tenants.settings import TenantSettings
from services.sender.account import AccountAt
from services.sender.attempt import Sending, attempt
from services.sender.budgets import Budgets, spending_of
from services.sender.faults import Faults
from services.sender.judging import Judgement, Judging
from services.sender.lookups import Lookups
from services.sender.messages.asking import ask
from services.sender.messages.creating import create
from services.sender.messages.status_urls import StatusUrls
from services.sender.outbound import Request
from services.sender.outcomes import Outcome, Refusal
from services.sender.slots import Slots
from tests.sender.histories import (
    CONTACT,
    Derived,
    Event,
    accepted,
    attempted,
    attempting,
    created,
    fold,
    history,
    outcome,
    refused,
    steps,
)
from tests.sender.products import MESSAGES
from tests.sender.rig import signed_command

NEVER = "9999-01-01T00:00:00.000Z"
SEEN = TemplateSeen(content_sid="HX1", name="shipped", language="en", state="approved", version="1")


class Rows:
    """A partition's rows in memory. `meanwhile` are events that are folded just before the next one submitted."""

    def __init__(self, entry: Entry | None) -> None:
        self.rows = {} if entry is None else {row_key(entry): entry}
        self.told: list[Derived] = []
        self.meanwhile: list[Event] = []
        self.lost_at: type[Event] | None = None

    async def submit(self, event: Event) -> None:
        if self.lost_at and isinstance(event, self.lost_at):
            raise asyncio.CancelledError
        events, self.meanwhile = [*self.meanwhile, event], []
        for one in events:
            entry, derived = fold(self.rows.get(row_key(one)), one)
            self.told += derived
            if entry is not None:
                self.rows[row_key(one)] = entry

    def read(self, key: str, _: str) -> Entry | None:
        return self.rows.get(key)


class Eyes:
    """What the gate sees: no contact, the tenants that it is told, and at each look a template of the next category."""

    def __init__(self, tenants: tuple[str, ...], allowed: Sequence[str], categories: tuple[str, ...]) -> None:
        self._tenants = tenants
        self._allowed = allowed
        self._categories = iter(categories)

    async def judge(self, partition: Partition, command: CommandAccepted) -> Judgement:
        return self.look(partition, command)

    def knows(self, _: CommandAccepted) -> bool:
        return False

    def look_again(self, partition: Partition, command: CommandAccepted, _: Question) -> Judgement:
        return self.look(partition, command)

    def look(self, _: Partition, command: CommandAccepted) -> Judgement:
        question, category = ask(command), next(self._categories, None)
        view = View(
            template=SEEN if category is None else structs.replace(SEEN, category=category),
            now=now(),
            tenant_known=command.tenant in self._tenants,
            sender_allowed=not self._allowed or command.sender in self._allowed,
        )
        return Judgement(decide(question, view), Receipt(question=question, view=view, offsets={}))


class Calls:
    """Who calls, notes whom Twilio is to tell, and gives one answer; `check` is asked at each call.

    `may_follow`: whether a second call might have followed each.
    """

    def __init__(
        self, answer: MessageCreated | Refusal | Unknown, check: Callable[[], None] = lambda: None, latency_s: float = 0
    ) -> None:
        self.made: list[str] = []
        self.may_follow: list[bool] = []
        self._latency_s = latency_s
        self._answer = answer
        self._check = check

    async def make(self, host: str, request: Request, may_go: Callable[[], bool]) -> Outcome:
        assert host == "api"
        self._check()
        self.made += parse_qs(request.form.decode())["StatusCallback"]
        await asyncio.sleep(self._latency_s)
        self.may_follow.append(may_go())
        return self._answer


def pending(**fields: Any) -> Entry:
    entry, _ = history([accepted(not_after=NEVER, **fields)])
    return cast(Entry, entry)


async def carry(
    rows: Rows,
    calls: Calls,
    *entries: Entry,
    deadline_s: float = 60,
    tenants: tuple[str, ...] = ("acme",),
    allowed: Sequence[str] = (),
    categories: tuple[str, ...] = (),
) -> None:
    """Attempt all of them at once, where one may call at a time."""
    tenant = TenantSettings(
        account_sid="AC" + "a" * 32, auth_tokens=[SecretStr("t")], contact_secret=SecretStr("contact-secret")
    )
    slots = Slots(1)
    for entry in entries:
        slots.begin(row_key(entry), AccountAt(entry.tenant, "api"), urgent=False)
    known = Tenants(dict.fromkeys(tenants, tenant))
    urls = StatusUrls(known, "https://example.com")
    messages = replace(MESSAGES, request=lambda call: create(call, urls.of(call.tenant, call.command)))
    prices = PriceLists(KafkaSettings())
    context = Sending(
        products={KIND: messages},
        tenants=known,
        callers=dict.fromkeys(tenants, calls),
        attempt_deadline_s=deadline_s,
        judging=cast(Judging, Eyes(tenants, allowed, categories)),
        slots=slots,
        faults=Faults(),
        budgets=Budgets({KIND: messages}, spending_of(known, prices), prices, 1),
        lookups=cast(Lookups, None),
    )
    await asyncio.gather(*(attempt(context, cast(Partition, rows), entry) for entry in entries))


async def test_the_attempt_is_on_the_log_before_the_call_and_its_end_after() -> None:
    rows = Rows(pending())
    calls = Calls(created("SM1"), lambda: _says(rows, "attempted"))
    await carry(rows, calls, pending())
    _says(rows, "settled")
    assert steps(rows.told) == ["attempted", "sent"]
    (callback,) = calls.made
    assert callback.startswith("https://example.com/twilio/acme/status?")
    assert signed_command(callback) == (pending().command_id, CONTACT)


def _says(rows: Rows, state: str) -> None:
    (entry,) = rows.rows.values()
    assert entry.state == state


BY_CATEGORY = {"content_sid": "HX1", "body": None, "purpose_said": False}


@pytest.mark.parametrize(
    ("command", "categories", "purpose"),
    [
        ({"purpose": "authentication"}, (), "authentication"),
        (BY_CATEGORY, ("UTILITY", "UTILITY"), "utility"),
        (BY_CATEGORY, (), "marketing"),
        ({"confirms": "stop"}, (), None),
    ],
)
async def test_what_it_was_judged_to_be_for_is_remembered(
    command: dict[str, Any], categories: tuple[str, ...], purpose: str | None
) -> None:
    entry = pending(**command)
    rows, calls = Rows(entry), Calls(created())
    await carry(rows, calls, entry, categories=categories)
    (row,) = rows.rows.values()
    assert (row.state, row.purpose, len(calls.made)) == ("settled", purpose, 1)


async def test_a_template_that_became_marketing_since_it_was_judged_is_judged_anew() -> None:
    entry = pending(**BY_CATEGORY)
    rows, calls = Rows(entry), Calls(created())
    await carry(rows, calls, entry, categories=("UTILITY", "MARKETING"))
    assert calls.made == []
    _says(rows, "pending")


async def test_a_no_that_is_heard_during_a_call_stops_those_that_would_follow() -> None:
    allowed: list[str] = []
    closing = Calls(created(), lambda: allowed.append("+14155550199"))
    late, open_ = Calls(created(), latency_s=0.7), Calls(created())
    await carry(Rows(pending()), closing, pending(), allowed=allowed)
    await carry(Rows(pending()), late, pending(), deadline_s=0.5)
    await carry(Rows(pending()), open_, pending())
    assert [one.may_follow for one in (closing, late, open_)] == [[False], [False], [True]]


@pytest.mark.parametrize(
    "meanwhile",
    [
        # A callback told of the message, an attempt begun elsewhere, one that came to an end: the row moved on.
        [outcome("SM1")],
        [attempting(1), attempted(1, created())],
        [attempting(1), attempted(1, Unknown(reason="gone"))],
        [attempting(1), attempted(1, refused(retry_at=NEVER)), attempting(2)],
    ],
)
async def test_a_command_that_moved_on_is_not_called_for(meanwhile: list[Event]) -> None:
    rows, calls = Rows(pending()), Calls(created("SM9"))
    rows.meanwhile = meanwhile
    await carry(rows, calls, pending())
    assert calls.made == []


async def test_a_partition_lost_before_the_attempt_is_committed_means_no_call() -> None:
    rows, calls = Rows(pending()), Calls(created())
    rows.lost_at = Attempting
    with pytest.raises(asyncio.CancelledError):
        await carry(rows, calls, pending())
    assert calls.made == []


async def test_past_the_deadline_nobody_is_called_and_it_is_tried_again() -> None:
    rows, calls = Rows(pending()), Calls(created())
    await carry(rows, calls, pending(), deadline_s=-1)
    assert calls.made == []
    _says(rows, "pending")
    assert steps(rows.told) == ["attempted", "retrying"]
    (entry,) = rows.rows.values()
    assert entry.until is None, "it keeps its place"


async def test_who_waits_for_a_slot_goes_in_its_turn_and_not_past_its_deadline() -> None:
    commands = [pending(command_id=f"order-{number}") for number in range(4)]
    rows, calls = Rows(None), Calls(created(), latency_s=0.2)
    rows.rows = {row_key(entry): entry for entry in commands}
    await carry(rows, calls, *commands, deadline_s=0.3)
    assert 1 <= len(calls.made) < len(commands)
    assert steps(rows.told).count("sent") == len(calls.made)
    assert steps(rows.told).count("retrying") == len(commands) - len(calls.made)


@pytest.mark.parametrize(
    ("entry", "others", "step"),
    [
        (cast(Entry, history([accepted(not_after="2020-01-01T00:00:00.000Z")])[0]), {}, "expired"),
        (pending(), {"tenants": ()}, "deferred"),
        (pending(), {"allowed": ("+14155550199",)}, "blocked"),
    ],
)
async def test_what_the_gate_refuses_is_not_attempted(entry: Entry, others: dict[str, Any], step: str) -> None:
    rows, calls = Rows(entry), Calls(created())
    await carry(rows, calls, entry, **others)
    assert calls.made == []
    assert steps(rows.told) == [step]


@pytest.mark.parametrize(
    ("answer", "state", "told"),
    [
        (created(), "settled", ["attempted", "sent"]),
        (Unknown(reason="lost"), "ambiguous", ["attempted", "ambiguous"]),
        (Refusal(code=21211, reason="no"), "settled", ["attempted", "failed"]),
        (Refusal(code=20429, reason="slow", retryable=True), "deferred", ["attempted", "retrying"]),
    ],
)
async def test_each_answer_has_its_step(
    answer: MessageCreated | Refusal | Unknown, state: str, told: list[str]
) -> None:
    rows = Rows(pending())
    await carry(rows, Calls(answer), pending())
    _says(rows, state)
    assert steps(rows.told) == told
    assert all(isinstance(one, CommandResult) for one in rows.told[:2])


async def test_a_retry_waits_at_least_as_long_as_twilio_asked() -> None:
    rows = Rows(pending())
    calls = Calls(Refusal(code=20429, reason="slow", retryable=True, retry_after=600.0))
    await carry(rows, calls, pending())
    (result,) = (one for one in rows.told if isinstance(one, CommandResult) and one.step == "retrying")
    (entry,) = rows.rows.values()
    assert entry.until is not None
    assert seconds_between(result.at, entry.until) > 590


async def test_a_command_that_waits_for_its_own_reason_waits_as_long_as_that_says() -> None:
    rows = Rows(pending())
    await carry(rows, Calls(Refusal(code=None, reason="no", retryable=True, look_again_s=30.0, ours=True)), pending())
    (result,) = (one for one in rows.told if isinstance(one, CommandResult) and one.step == "retrying")
    (entry,) = rows.rows.values()
    assert entry.until is not None
    assert 30 <= seconds_between(result.at, entry.until) < 35


async def test_an_attempt_of_a_settled_row_is_nothing() -> None:
    settled, _ = history([attempting(1), attempted(1, created())], pending())
    rows, calls = Rows(settled), Calls(created())
    await carry(rows, calls, cast(Entry, settled))
    assert (calls.made, rows.told) == ([], [])
