"""The sender's process on a real broker: a command in, a call at Twilio, each step on the log."""

from typing import Any

import msgspec
import pytest

from services.contract.codec import encode
from services.contract.messages import MESSAGES, SENT
from services.contract.outbound import ACCEPTED
from services.domain.clock import later
from services.domain.messages.commands import CommandAccepted
from services.domain.messages.events import MessageSent
from services.domain.outbox.pauses import PauseEnded, PausePlaced, of_label, of_sender
from services.runtime.clock import now
from tests.kafka_records import produce, read_until
from tests.sender.histories import accepted
from tests.sender.rig import SENDER, Desk, Service, signed_command
from tests.waiting import eventually

pytestmark = pytest.mark.usefixtures("shared_sender")


@pytest.mark.parametrize("key", [None, b"", b"anything", b"\xff\x00"])
async def test_a_command_under_any_key_is_accepted_attempted_and_sent(desk: Desk, key: bytes | None) -> None:
    ids = await desk.produce(desk.command(1), key=key)
    await desk.until(ids, "sent")
    assert await desk.steps(ids[0]) == ["accepted", "attempted", "sent"]
    await desk.sent_once(ids)
    (sids,) = (await desk.creates(ids)).values()
    sent = await read_until(desk.bootstrap, SENT.name, lambda records: any(one.key.decode() in sids for one in records))
    (event,) = (msgspec.json.decode(one.value, type=MessageSent) for one in sent if one.key.decode() in sids)
    assert (event.command_id, event.message_sid) == (ids[0], sids[0])


async def test_the_callback_url_carries_the_command_under_our_signature(desk: Desk) -> None:
    (command_id,) = await desk.produce(desk.command(1))
    await desk.until([command_id], "sent")
    (result, *_) = await desk.results(command_id)
    (url,) = (one["status_callback"] for one in await desk.twilio.messages() if command_id in one["status_callback"])
    assert signed_command(url) == (command_id, result.contact)
    assert url.startswith("http://127.0.0.1:9/twilio/acme/status?")
    assert url.partition("#")[2], "without overrides Twilio does not try again"


@pytest.mark.parametrize("value", [b"{ not JSON", b"", None, b"[" * 60_000, b"x" * 70_000, b"[]"])
async def test_what_is_no_command_is_a_dead_letter_and_told_under_its_key(desk: Desk, value: bytes | None) -> None:
    key = desk.command("bad")["command_id"]
    await desk.raw((key.encode(), value))
    await desk.until([key], "rejected")
    (result,) = await desk.results(key)
    assert (result.terminal, result.contact) == (True, None)
    assert result.errors
    dead = await read_until(
        desk.bootstrap, MESSAGES.dead, lambda records: any(one.key == key.encode() for one in records)
    )
    (letter,) = (one for one in dead if one.key == key.encode())
    assert letter.value == value
    headers = dict(letter.headers)
    assert headers["reason"] == b"undecodable"
    assert headers["source-topic"] == MESSAGES.name.encode()


@pytest.mark.parametrize(
    ("changed", "says"),
    [
        ({"to": "nobody", "boddy": "x"}, "did you mean body?"),
        ({"to": "nobody"}, "to: it has letters, so it is the name of a sender"),
        ({"tenant": "No Body"}, "no tenant 'No Body' is configured"),
    ],
)
async def test_a_wrong_command_is_rejected_with_its_faults(desk: Desk, changed: dict[str, str], says: str) -> None:
    ids = await desk.produce(desk.command(1, **changed))
    await desk.until(ids, "rejected")
    (result,) = await desk.results(ids[0])
    assert says in str(result.reason)
    assert await desk.creates(ids) == {ids[0]: []}


async def test_after_what_is_no_command_the_next_one_goes(desk: Desk) -> None:
    await desk.raw((b"key", b"\xff"), (b"key", b"{" * 60_000))
    ids = await desk.produce(desk.command(1), key=b"key")
    await desk.until(ids, "sent")


async def test_a_command_produced_again_and_again_is_sent_once(desk: Desk) -> None:
    command = desk.command(1, contact=1)
    await desk.produce(*[command] * 5)
    # Behind the repeats in its contact's order: when it is sent, they were folded.
    last = await desk.produce(desk.command(2, contact=1))
    await desk.produce(command)
    await desk.produce(desk.command(3, contact=1))
    await desk.until([*last, desk.command(3)["command_id"]], "sent")

    async def answered() -> bool:
        return (await desk.steps(command["command_id"])).count("repeated") == 5

    await eventually(answered, 60, "each other record is answered, the one of another partition too")
    steps = await desk.steps(command["command_id"])
    assert [step for step in steps if step != "repeated"] == ["accepted", "attempted", "sent"]
    await desk.sent_once([command["command_id"], *last])


async def test_a_used_id_with_other_content_is_a_duplicate_and_is_not_sent(desk: Desk) -> None:
    ids = await desk.produce(desk.command(1))
    await desk.until(ids, "sent")
    await desk.produce(desk.command(1, body="other"))
    await desk.until(ids, "duplicate")
    results = await desk.results(ids[0])
    assert [(one.step, one.terminal) for one in results[-2:]] == [("sent", True), ("duplicate", False)]
    await desk.sent_once(ids)
    (message,) = [one for one in await desk.twilio.messages() if ids[0] in (one["status_callback"] or "")]
    assert message["params"]["Body"] == "message 1"


async def test_a_command_past_its_not_after_expires_and_is_not_sent(desk: Desk) -> None:
    ids = await desk.produce(desk.command(1, not_after="2020-01-01T00:00:00Z"))
    await desk.until(ids, "expired")
    assert await desk.steps(ids[0]) == ["accepted", "expired"]
    assert await desk.creates(ids) == {ids[0]: []}


async def test_what_was_too_late_more_than_a_month_ago_expires_and_holds_up_nothing_of_its_contact(desk: Desk) -> None:
    """What answers a STOP of long ago, in a backfill say, is past intake: it has that STOP's own time.

    It is settled and forgotten in one flush, most of them while they wait for their turn.
    """
    long_ago = {"accepted_at": "2020-01-01T00:00:00.000Z", "not_after": "2020-01-01T00:05:00.000Z", "urgent": True}
    today = {"accepted_at": now(), "not_after": later(now(), 600)}
    name = desk.command("")["command_id"]
    old = [accepted(f"{name}old-{number}", contact=f"acme|{name}{number}", **long_ago) for number in range(40)]
    young = [accepted(f"{name}young-{number}", contact=f"acme|{name}{number}", **today) for number in range(40)]
    records = [(ACCEPTED.key(one).encode(), encode(one)) for one in (*old, *young)]
    await produce(desk.bootstrap, ACCEPTED.name, records)
    await desk.until([one.command_id for one in old], "expired")
    await desk.until([one.command_id for one in young], "sent")
    await desk.sent_once([one.command_id for one in young])


async def test_a_sender_that_the_tenant_may_not_use_is_blocked(desk: Desk) -> None:
    ids = await desk.produce(desk.command(1, **{"from": "+14155550199"}))
    await desk.until(ids, "blocked")
    assert await desk.creates(ids) == {ids[0]: []}


async def test_what_twilio_refuses_fails_with_its_code(desk: Desk) -> None:
    ids = await desk.produce(desk.command(1, to="+15005550009"))
    await desk.until(ids, "failed")
    *_, result = await desk.results(ids[0])
    assert (result.code, result.terminal) == (21614, True)
    assert result.remedy


async def test_a_retry_waits_outside_of_its_contacts_order_and_holds_up_nobody(desk: Desk) -> None:
    await desk.twilio.faults(rate_limited=1.0)
    first = await desk.produce(desk.command(1, contact=1))
    await desk.until(first, "retrying")
    await desk.twilio.faults()
    # Under one key: across partitions of the command topic there is no order to keep.
    others = (desk.command(2, contact=1), desk.command(3, contact=1), desk.command(4, contact=2))
    ids = first + await desk.produce(*others, key=b"one producer")
    await desk.until(ids, "sent")
    await desk.sent_once(ids)
    order = [command_id for command_id, _ in await desk.twilio.created() if command_id in ids]
    assert [one for one in order if one in ids[1:3]] == ids[1:3]
    assert sorted(order) == sorted(ids)


async def test_an_urgent_command_overtakes_those_of_its_contact(desk: Desk) -> None:
    await desk.twilio.faults(rate_limited=1.0)
    first = await desk.produce(desk.command(1, contact=1))
    await desk.until(first, "retrying")
    ids = first + await desk.produce(desk.command(2, contact=1), desk.command(3, contact=1, urgent=True))
    await desk.until(ids, "accepted")
    await desk.twilio.faults()
    await desk.until(ids, "sent")
    await desk.sent_once(ids)
    order = [command_id for command_id, _ in await desk.twilio.created() if command_id in ids]
    assert order.index(ids[2]) < order.index(ids[1])


@pytest.mark.slow
async def test_a_storm_of_refusals_ends_with_each_command_sent_once(desk: Desk) -> None:
    await desk.twilio.faults(rate_limited=1.0)
    ids = await desk.produce(*(desk.command(number) for number in range(40)))
    await desk.until(ids, "retrying")
    await desk.twilio.faults()
    await desk.until(ids, "sent", deadline_s=120)
    await desk.sent_once(ids)


async def test_after_a_server_error_nothing_is_sent_again_and_the_callback_settles_it(desk: Desk) -> None:
    await desk.twilio.faults(error_after=1.0)
    ids = await desk.produce(desk.command(1, contact=1), desk.command(2, contact=2))
    await desk.until(ids, "ambiguous")
    await desk.twilio.faults()
    following = await desk.produce(desk.command(3, contact=1))
    await desk.until(following, "sent")
    created = await desk.creates(ids)
    assert [len(sids) for sids in created.values()] == [1, 1]
    callbacks = [one for one in await desk.twilio.messages() if ids[0] in (one["status_callback"] or "")]
    command_id, contact = signed_command(callbacks[0]["status_callback"])
    await desk.outcome(command_id, contact, callbacks[0]["sid"])
    await desk.until(ids[:1], "message")
    results = await desk.results(ids[0])
    assert [one.step for one in results] == ["accepted", "attempted", "ambiguous", "sent", "message"]
    assert [one.message_sid for one in results if one.terminal] == created[ids[0]]
    assert await desk.creates(ids) == created


async def test_accepted_commands_are_keyed_by_their_contact(desk: Desk) -> None:
    ids = await desk.produce(desk.command(1, contact=1), desk.command(2, contact=1), desk.command(3, contact=2))
    found: dict[str, CommandAccepted] = {}

    async def all_there() -> bool:
        for record in await read_until(desk.bootstrap, ACCEPTED.name, bool):
            event = msgspec.json.decode(record.value, type=ACCEPTED.event)
            assert record.key.decode() == event.contact
            if isinstance(event, CommandAccepted):
                found[event.command_id] = event
        return set(ids) <= set(found)

    await eventually(all_there)
    assert found[ids[0]].contact == found[ids[1]].contact != found[ids[2]].contact


async def test_what_is_paused_is_not_sent_and_goes_on_when_it_is_resumed(desk: Desk, shared_sender: Service) -> None:
    label, sender = of_label("acme", "spring"), of_sender("acme", SENDER)
    await desk.say(PausePlaced, label)
    ids = await desk.produce(*(desk.command(number, label="spring") for number in range(3)))
    await desk.until(ids, "deferred")
    await desk.say(PausePlaced, sender)
    ids += await desk.produce(*(desk.command(number) for number in range(3, 6)))
    await desk.until(ids, "deferred")

    async def told() -> bool:
        detail = await shared_sender.detail()
        reasons = detail["reasons"]
        return detail["status"] == "degraded" and all(
            any(scope in reason for reason in reasons) for scope in (label, sender)
        )

    await eventually(told, 10, "both pauses in /readyz")
    (command_id,) = ids[:1]
    deferred = (await desk.results(command_id))[-1]
    assert (deferred.category, deferred.terminal) == ("pause", False)
    assert "by the tests" in (deferred.reason or "")
    assert not any((await desk.creates(ids)).values())
    await desk.say(PauseEnded, sender)
    await desk.until(ids[3:], "sent")
    assert not any((await desk.creates(ids[:3])).values())
    await desk.say(PauseEnded, label)
    await desk.until(ids, "sent")
    await desk.sent_once(ids)
    assert await desk.steps(ids[0]) == ["accepted", "deferred", "attempted", "sent"]


async def test_a_command_waits_for_its_time_or_is_canceled_before_it(desk: Desk) -> None:
    at = now()
    soon, late = later(at, 3), later(at, 3600)
    waiting = [desk.command("soon", not_before=soon), desk.command("late", 1, not_before=late)]
    ids = await desk.produce(*waiting)
    await desk.until(ids, "deferred")
    cancels = [
        {"event_type": "cancel_message", "command_id": one["command_id"], "tenant": "acme", "to": one["to"], "by": "me"}
        for one in (waiting[1], desk.command("never", 2), waiting[0])
    ]
    await desk.produce(*cancels[:2])
    never = cancels[1]["command_id"]
    await desk.until([never], "cancel_remembered")
    await desk.until(ids[1:], "canceled")
    await desk.produce(desk.command("never", 2))
    await desk.until([never], "canceled")
    assert await desk.steps(never) == ["cancel_remembered", "accepted", "canceled"]
    await desk.until(ids[:1], "sent")
    assert now() >= soon
    await desk.produce(cancels[2])
    await desk.until(ids[:1], "cancel_too_late")
    assert len((await desk.creates(ids[:1]))[ids[0]]) == 1
    assert not any((await desk.creates([ids[1], never])).values())


def wish(command: dict[str, Any], ahead_s: float) -> dict[str, Any]:
    said = {"event_type": "reschedule_message", "by": "the tests", "not_before": later(now(), ahead_s)}
    return said | {name: command[name] for name in ("command_id", "tenant", "to")}


async def test_it_goes_at_the_last_time_that_was_said(desk: Desk) -> None:
    sooner = desk.command("sooner", to="+14155567001", not_before=later(now(), 3600))
    still = desk.command("still", to="+14155567002", not_before=later(now(), 3600))
    never = desk.command("never", to="+14155567003")
    await desk.produce(sooner, still)
    await desk.until([sooner["command_id"], still["command_id"]], "deferred")
    # Under one key, so that they keep their order.
    wishes = wish(still, 2.0), wish(still, 7200.0), wish(sooner, 7200.0), wish(sooner, 2.0), wish(never, 5.0)
    await desk.produce(*wishes, key=b"one")
    await desk.until([sooner["command_id"]], "sent")
    await desk.until([never["command_id"]], "reschedule_refused")
    await desk.sent_once([sooner["command_id"]])
    assert "sent" not in await desk.steps(still["command_id"])
    # Its time has gone by, and it is refused once it is sent.
    await desk.produce(wish(sooner, 60.0))
    await desk.until([sooner["command_id"]], "reschedule_refused")
    await desk.sent_once([sooner["command_id"]])
