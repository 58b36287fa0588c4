"""A product is what it says of its webhooks: a made-up one, vouched for by a password, with many facts and an answer
that somebody must be asked for."""

import asyncio
from base64 import b64decode, b64encode
from collections.abc import Awaitable, Callable
from dataclasses import replace
from pathlib import Path
from typing import Any, cast

import msgspec
import pytest

from services.contract import codec
from services.contract.messages import INBOUND, KEYWORDS, STATUS
from services.contract.studio import REPORTS
from services.domain.messages.events import StatusReceived
from services.ingress import metrics, products
from services.ingress.answer import Answer
from services.ingress.durable import DurableLog
from services.ingress.messages.translate import Arrival, status
from services.ingress.reasons import Rejected
from services.ingress.receiving import Kept, Webhooks
from services.ingress.segments import Fact
from services.ingress.webhook import Believed, Call, Decision, Facts, Told, Webhook, Whose
from services.runtime.tenants.live import Tenants
from tests.ingress.rig import settings

PASSWORD = b64encode(b"them:a password").decode()
HEADERS = {"Authorization": f"Basic {PASSWORD}"}


class ByPassword:
    """Vouches for raw bytes, as Event Webhooks of other makers do."""

    def glance(self, call: Call) -> bytes:
        kind, _, stated = call.headers.get("Authorization", "").partition(" ")
        if kind != "Basic":
            raise Rejected("signature")
        return b64decode(stated)

    def believe(self, whose: Whose, call: Call, stated: bytes, body: bytes) -> Believed:
        if stated != b"them:a password":
            raise Rejected("signature")
        return Believed(whose([]), msgspec.json.decode(body))


class Log:
    """What was appended, durable when a test says so."""

    def __init__(self) -> None:
        self.facts: list[Fact] = []
        self.waiting: list[asyncio.Future[None]] = []

    def append(self, fact: Fact) -> "asyncio.Future[None]":
        self.facts.append(fact)
        self.waiting.append(asyncio.get_running_loop().create_future())
        return self.waiting[-1]


def many(told: Told) -> Facts:
    arrival = Arrival(told.tenant.name, b"s", told.received_at, None)
    return [(STATUS, status(arrival, [("MessageSid", sid)], [])) for sid in told.said]


async def yes(told: Told, facts: Facts) -> Answer:
    return Answer(200, str(len(facts)).encode(), "text/plain")


async def never(told: Told, facts: Facts) -> Answer:
    await asyncio.Event().wait()
    raise AssertionError


async def broken(told: Told, facts: Facts) -> Answer:
    raise ZeroDivisionError


def made_up(ask: Callable[[Told, Facts], Awaitable[Answer]] = yes, deadline_s: float = 5.0) -> Webhook:
    return Webhook("events", (STATUS,), ByPassword(), many, Decision(ask, deadline_s, Answer(202)), most_bytes=100)


class Ingress:
    def __init__(self, folder: Path, webhook: Webhook) -> None:
        chosen = settings(folder)
        self.log = Log()
        tenants = Tenants(chosen.tenants)
        log = cast(DurableLog, self.log)
        self.webhooks = Webhooks(chosen, tenants, log, {webhook.kind: webhook})

    def receive(self, sids: list[str], **head: Any) -> Kept | Answer:
        call = Call("POST", head.get("target", "/twilio/acme/events"), head.get("headers", HEADERS))
        return self.webhooks.receive(call, msgspec.json.encode(sids))

    async def answer(self, kept: Kept | Answer) -> Answer:
        assert isinstance(kept, Kept)
        for one in self.log.waiting:
            one.set_result(None)
        await kept.done
        return await self.webhooks.decide(kept)


async def test_one_body_is_many_facts_in_its_order(tmp_path: Path) -> None:
    ingress = Ingress(tmp_path, made_up())
    kept = ingress.receive(["SM1", "SM2", "SM3"])
    assert [codec.decode(fact.value, StatusReceived).message_sid for fact in ingress.log.facts] == ["SM1", "SM2", "SM3"]
    assert isinstance(kept, Kept)
    ingress.log.waiting[0].set_result(None)
    ingress.log.waiting[1].set_result(None)
    await asyncio.sleep(0)
    assert not kept.done.done()
    ingress.log.waiting.pop().set_result(None)
    await kept.done
    assert (await ingress.webhooks.decide(kept)).body == b"3"


async def test_one_fact_that_is_not_durable_is_no_acknowledgement(tmp_path: Path) -> None:
    ingress = Ingress(tmp_path, made_up())
    kept = ingress.receive(["SM1", "SM2"])
    assert isinstance(kept, Kept)
    ingress.log.waiting[0].set_result(None)
    ingress.log.waiting[1].set_exception(OSError("the disk is full"))
    await asyncio.wait([kept.done])
    assert (await ingress.webhooks.decide(kept)).status == 503


@pytest.mark.parametrize(("ask", "why"), [(never, "late"), (broken, "failed")])
async def test_who_does_not_answer_is_done_without(
    tmp_path: Path, ask: Callable[[Told, Facts], Awaitable[Answer]], why: str
) -> None:
    ingress = Ingress(tmp_path, made_up(ask, deadline_s=0.05))
    before = metrics.UNDECIDED.labels("events", why)._value.get()
    assert (await ingress.answer(ingress.receive(["SM1"]))).status == 202
    assert metrics.UNDECIDED.labels("events", why)._value.get() == before + 1


@pytest.mark.parametrize(
    ("head", "expected"),
    [
        ({"headers": {}}, 403),
        ({"headers": {"Authorization": f"Basic {b64encode(b'them:guessed').decode()}"}}, 403),
        ({"target": "/twilio/messages"}, 404),
        ({"target": "/twilio/acme/messages"}, 404),
        ({"target": "/twilio/nobody/events"}, 404),
        # Nothing in such a body says whose it is.
        ({"target": "/twilio/events"}, 404),
    ],
)
async def test_refused_with_nothing_kept(tmp_path: Path, head: dict[str, Any], expected: int) -> None:
    ingress = Ingress(tmp_path, made_up())
    answer = ingress.receive(["SM1"], **head)
    assert isinstance(answer, Answer)
    assert (answer.status, ingress.log.facts) == (expected, [])


async def test_a_limit_of_its_own(tmp_path: Path) -> None:
    ingress = Ingress(tmp_path, made_up())
    answer = ingress.receive(["SM" + "1" * 100])
    assert isinstance(answer, Answer)
    assert (answer.status, ingress.log.facts) == (413, [])


async def test_who_must_be_asked_for_is_off_the_short_lane(tmp_path: Path) -> None:
    webhook = made_up()
    assert not Ingress(tmp_path, webhook).webhooks.concerns("/twilio/acme/events")
    fixed = replace(webhook, answer=lambda told, facts: Answer(204))
    assert Ingress(tmp_path, fixed).webhooks.concerns("/twilio/acme/events")


def test_topics_are_those_that_the_products_name(tmp_path: Path) -> None:
    chosen = settings(tmp_path)
    table = products.webhooks(chosen, Tenants(chosen.tenants))
    webhooks = Webhooks(chosen, Tenants(chosen.tenants), cast(DurableLog, Log()))
    assert webhooks.topics == tuple(sorted({INBOUND.name, KEYWORDS.name, STATUS.name, REPORTS.name}))
    assert set(table) == {"messages", "fallback", "status", "flow"}
