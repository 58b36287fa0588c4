"""Each fault by itself, then all of them at once, reconciled."""

import asyncio
from collections import Counter
from typing import Any

import pytest
from twilio.base.exceptions import TwilioRestException

from services.runtime.simulated import FaultSettings
from services.simulator.faults import Dice
from services.simulator.plan import Circumstances, draw

from .rig import ACCOUNT, Endpoint, Rig, basic

TO, FROM = "+14155550123", "+14155552671"
STEPS = ["queued", "sending", "sent", "delivered"]


async def create(rig: Rig, endpoint: Endpoint, body: str = "x") -> Any:
    url = f"{rig.url}/2010-04-01/Accounts/{ACCOUNT}/Messages.json"
    form = {"To": TO, "From": FROM, "Body": body, "StatusCallback": endpoint.url}
    async with rig.session.post(url, data=form, headers=basic()) as response:
        return response.status, dict(response.headers), await response.json()


async def test_rate_limits(rig: Rig, endpoint: Endpoint) -> None:
    await rig.set_faults(rate_limited=1)
    status, headers, body = await create(rig, endpoint)
    assert (status, body["code"], headers["Retry-After"]) == (429, 20429, "1")
    assert (await rig.get("messages"))["messages"] == []


async def test_an_error_before_creates_nothing(rig: Rig, endpoint: Endpoint) -> None:
    await rig.set_faults(error_before=1)
    status, _, body = await create(rig, endpoint)
    assert (status, body["code"]) == (503, 20503)
    assert (await rig.get("messages"))["messages"] == []


async def test_an_error_after_leaves_a_message_that_lives_on(rig: Rig, endpoint: Endpoint) -> None:
    await rig.set_faults(error_after=1)
    status, _, body = await create(rig, endpoint)
    assert (status, body["code"]) == (500, 20500)
    await rig.quiet()
    [record] = (await rig.get("messages"))["messages"]
    assert endpoint.statuses(record["sid"]) == STEPS


async def test_latency(rig: Rig, endpoint: Endpoint) -> None:
    await rig.set_faults(latency_s=3600)
    with pytest.raises(TimeoutError):
        async with asyncio.timeout(0.3):
            await create(rig, endpoint)


async def test_undelivered(rig: Rig, endpoint: Endpoint) -> None:
    await rig.set_faults(undelivered=1)
    _, _, body = await create(rig, endpoint)
    await rig.quiet()
    assert endpoint.statuses(body["sid"]) == [*STEPS[:-1], "undelivered"]
    fetched = await rig.client().messages(body["sid"]).fetch_async()
    assert fetched.error_code in (30003, 30005)
    assert endpoint.received[-1]["ErrorCode"] == str(fetched.error_code)


async def test_undelivered_in_part_and_delivered_after_all(rig: Rig, endpoint: Endpoint) -> None:
    await rig.set_faults(undelivered=1, delivered_after_all=1)
    _, _, body = await create(rig, endpoint)
    await rig.quiet()
    assert endpoint.statuses(body["sid"]) == [*STEPS[:-1], "undelivered", "delivered"]
    assert endpoint.received[-2]["ErrorCode"] in ("30003", "30005")
    assert "ErrorCode" not in dict(endpoint.received[-1].form)
    fetched = await rig.client().messages(body["sid"]).fetch_async()
    assert (fetched.status, fetched.error_code) == ("delivered", None)


async def test_lost_callbacks_are_written_down(rig: Rig, endpoint: Endpoint) -> None:
    await rig.set_faults(callback_lost=1)
    _, _, body = await create(rig, endpoint)
    await rig.quiet()
    callbacks = (await rig.get("callbacks"))["callbacks"]
    assert endpoint.received == []
    assert [(one["sid"], one["status"], one["lost"]) for one in callbacks] == [
        (body["sid"], step, True) for step in STEPS
    ]


async def test_doubled_callbacks_are_one_event_twice(rig: Rig, endpoint: Endpoint) -> None:
    await rig.set_faults(callback_doubled=1)
    _, _, body = await create(rig, endpoint)
    await rig.quiet()
    assert endpoint.statuses(body["sid"]) == [step for step in STEPS for _ in range(2)]
    assert len({got.headers["I-Twilio-Idempotency-Token"] for got in endpoint.received}) == len(STEPS)


async def test_reordered_callbacks_come_after_their_successors(rig: Rig, endpoint: Endpoint) -> None:
    await rig.set_faults(callback_reordered=0.5, seed=3)
    sids = [(await create(rig, endpoint))[2]["sid"] for _ in range(10)]
    await rig.quiet()
    assert any(endpoint.statuses(sid) != STEPS for sid in sids)
    assert all(sorted(endpoint.statuses(sid)) == sorted(STEPS) for sid in sids)


async def test_late_callbacks_come_after_the_message_is_done(rig: Rig, endpoint: Endpoint) -> None:
    await rig.set_faults(callback_late=1, callback_late_s=0.5)
    _, _, body = await create(rig, endpoint)
    await rig.quiet()
    record = (await rig.get("messages"))["messages"][0]
    first = (await rig.get("callbacks"))["callbacks"][0]
    assert first["at"] > record["statuses"][-1]["at"]
    assert endpoint.statuses(body["sid"]) == STEPS


async def test_the_first_callback_is_answered_before_the_create_call_by_fault(rig: Rig, endpoint: Endpoint) -> None:
    await rig.set_faults(callback_before_response=1, callback_lost=1, callback_delay_s=3600)
    endpoint.answers = [0.3]
    _, _, body = await create(rig, endpoint)
    [told] = (await rig.get("callbacks"))["callbacks"]
    assert (told["sid"], told["status"], told["http_status"]) == (body["sid"], "queued", 204)


def test_one_seed_draws_one_course() -> None:
    chances = {
        "undelivered": 0.3,
        "callback_lost": 0.3,
        "callback_doubled": 0.3,
        "callback_reordered": 0.3,
        "callback_late": 0.3,
    }
    about = Circumstances("whatsapp", by_service=True)

    def courses(seed: int) -> list[Any]:
        dice = Dice(FaultSettings(seed=seed, **chances))
        return [draw(dice, about) for _ in range(50)]

    assert courses(7) == courses(7)
    assert courses(7) != courses(8)


async def test_faults_are_validated_and_a_reset_restores_the_configured_ones(rig: Rig, endpoint: Endpoint) -> None:
    status, told = await rig.send("PUT", "faults", {"callback_lost": 2, "colour": "red"})
    assert status == 400
    assert {line.split(":")[0] for line in told["errors"]} == {"callback_lost", "colour"}
    configured = await rig.get("faults")
    await rig.set_faults(callback_delay_s=3600)
    await create(rig, endpoint)
    assert (await rig.get("quiet")) == {"quiet": False, "pending": 1}
    await rig.send("POST", "reset", {})
    assert await rig.get("faults") == configured
    assert await rig.get("quiet") == {"quiet": True, "pending": 0}
    assert await rig.get("messages") == {"messages": []}


async def test_all_faults_at_once_reconcile(rig: Rig, endpoint: Endpoint) -> None:
    chances = [
        "rate_limited",
        "error_before",
        "error_after",
        "undelivered",
        "callback_lost",
        "callback_doubled",
    ]
    chances += ["callback_reordered", "callback_late", "callback_before_response"]
    await rig.set_faults(**dict.fromkeys(chances, 0.2), callback_late_s=0.1, latency_jitter_s=0.01, seed=11)
    answers = await asyncio.gather(*(create(rig, endpoint, str(n)) for n in range(200)))
    await rig.quiet()
    records = {one["sid"]: one for one in (await rig.get("messages"))["messages"]}
    callbacks = (await rig.get("callbacks"))["callbacks"]
    by_status = Counter(status for status, _, _ in answers)
    assert set(by_status) == {201, 429, 500, 503}
    assert len(records) == by_status[201] + by_status[500]
    assert {body["sid"] for status, _, body in answers if status == 201} <= set(records)
    posted = Counter((one["sid"], one["status"]) for one in callbacks if not one["lost"])
    assert posted == Counter((got["MessageSid"], got["MessageStatus"]) for got in endpoint.received)
    told = {(one["sid"], one["status"]) for one in callbacks}
    assert told == {(sid, step["status"]) for sid, one in records.items() for step in one["statuses"]}
    assert {one["statuses"][-1]["status"] for one in records.values()} == {"delivered", "undelivered"}


async def test_errors_that_are_asked_for(rig: Rig) -> None:
    person, other = "+14155550123", "+14155550124"
    asked = {"refused": {person: 63014}, "undelivered": {other: 30007}, "media": {}}
    assert await rig.send("PUT", "errors", asked) == (200, asked)
    with pytest.raises(TwilioRestException) as refused:
        await rig.client().messages.create_async(to=person, from_="+14155552671", body="Hello")
    assert (refused.value.status, refused.value.code) == (400, 63014)
    created = await rig.client().messages.create_async(to=other, from_="+14155552671", body="Hello")
    await rig.quiet()
    fetched = await rig.client().messages(created.sid).fetch_async()
    assert (fetched.status, fetched.error_code) == ("undelivered", 30007)
    assert (await rig.send("PUT", "errors", {"refused": {person: "x"}}))[0] == 400
