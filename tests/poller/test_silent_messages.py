"""Callbacks that never came, over a real broker: what Twilio lists of a message is told once, and it is right."""

import time

import pytest

from services.domain.clock import later
from services.domain.messages import delivery
from services.domain.messages.events import StatusReceived
from services.runtime.clock import now
from tests.processes import ACCOUNT, PARTITIONS
from tests.waiting import eventually

from .house import PERSON, SENDER, House, Poller, Twilio, fetched, metric, note, sent, settle, statuses


async def test_the_ends_of_silent_messages_are_fetched_by_page_and_told_with_their_provenance(
    house: House, twilio: Twilio, poller: Poller
) -> None:
    await twilio.steer("errors", undelivered={SENDER: 30003})
    failing = await twilio.create(3)
    await twilio.quiet()
    await twilio.steer("errors")
    arriving = await twilio.create(60)
    await twilio.quiet()
    made = [sent(one) for one in (*failing, *arriving)]
    await note(house, made)
    with poller() as service:
        await eventually(service.ready, 60)
        found = await fetched(house, [one.message_sid for one in made])
        # A page or two of the list brought them all.
        calls = await metric(service, "switchboard_poller_calls_total")
        assert 1 <= calls <= 12, calls
        assert await metric(service, "switchboard_silent_messages_total", sender="+1415•••••00") == len(made)
        assert await metric(service, "switchboard_silent_fetched_total", status="undelivered") == 3
        assert await metric(service, "switchboard_silent_fetched_total", status="delivered") == 60
    for one in made:
        [fact] = found[one.message_sid]
        assert (fact.provenance, fact.tenant, fact.account_sid, fact.to) == ("backfill", "acme", ACCOUNT, PERSON)
        state, _ = delivery.fold(delivery.fold(None, one)[0], fact)
        failed = one.message_sid in {failure["sid"] for failure in failing}
        assert (state.status, state.error_code) == (("undelivered", 30003) if failed else ("delivered", None))
        # Twilio's own answer to us, and our own key, beat what a list says.
        assert (state.contact, state.command_id) == (one.contact, one.command_id)


async def test_who_was_told_of_is_not_asked_for_and_who_is_gone_is_given_up(
    house: House, twilio: Twilio, poller: Poller
) -> None:
    told, gone, foreign = await twilio.create(3)
    await twilio.quiet()
    await twilio.remove(gone["sid"])
    stranger = sent(foreign, account_sid="AC" + "9" * 32)
    await note(house, [sent(told), sent(gone), stranger])
    with poller(SWITCHBOARD_POLLER__SILENT_AFTER_S='{"sms": 6}') as service:
        await eventually(service.ready, 60)
        [message] = [sent(told)]
        webhook = delivered(message.message_sid)
        await note(house, [webhook])

        async def looked() -> bool:
            return await metric(service, "switchboard_silent_messages_total") >= 2

        await eventually(looked, 60, "those that are silent were looked for")
        assert await metric(service, "switchboard_poller_calls_total", outcome="missing") == 1
        assert await metric(service, "switchboard_silent_messages_total") == 2
    # Neither is a status told of what Twilio does not know, nor one more of what had ended.
    found = await statuses(house, [told["sid"], gone["sid"], foreign["sid"]])
    assert [len(found[one["sid"]]) for one in (told, gone, foreign)] == [1, 0, 0]


def delivered(sid: str) -> StatusReceived:
    return StatusReceived(
        event_id=f"webhook {sid}", tenant="acme", received_at=now(), account_sid=ACCOUNT, message_sid=sid,
        message_status="delivered", from_=SENDER, to=PERSON, raw={},
    )  # fmt: skip


@pytest.mark.slow
async def test_two_workers_share_the_budget_and_fetch_each_message_once(
    house: House, twilio: Twilio, poller: Poller
) -> None:
    # An hour apart, so that each is a call of its own.
    made = [sent(one, at=later(now(), -3600 * place)) for place, one in enumerate(await twilio.create(60), start=1)]
    await twilio.quiet()
    budget = {"SWITCHBOARD_POLLER__CALLS_PER_MINUTE": "240"}
    with poller("one", **budget) as one, poller("two", **budget) as other:
        for service in (one, other):
            await eventually(service.ready, 60)

        async def shared() -> bool:
            owned = [await metric(each, "switchboard_partitions_owned", fold="silent") for each in (one, other)]
            return owned == [PARTITIONS / 2] * 2

        await eventually(shared, 60, "each has half of the partitions")
        began = time.monotonic()
        await note(house, made)
        found = await fetched(house, [fact.message_sid for fact in made], 90)
        took = time.monotonic() - began
        calls = [await metric(each, "switchboard_poller_calls_total") for each in (one, other)]
    assert sum(calls) == 60
    assert min(calls) > 0
    # Four calls a second over both, and one more each that was made at once.
    assert took >= (sum(calls) - 2) / 4.0 - 1
    assert [len(facts) for facts in found.values()] == [1] * 60


@pytest.mark.parametrize("place", ["poller.read:3", pytest.param("flush.folded:5", marks=pytest.mark.slow)])
async def test_a_kill_in_the_middle_loses_nobody_and_tells_nothing_twice(
    house: House, twilio: Twilio, poller: Poller, place: str
) -> None:
    """A rate limit loses nobody either: it is waited for."""
    made = [sent(one, at=later(now(), -3600 * number)) for number, one in enumerate(await twilio.create(8), start=1)]
    await twilio.quiet()
    await note(house, made)
    with poller(TEST_FAILPOINT=place) as killed:
        await eventually(lambda: killed.process.poll() is not None, 60, "it was killed")
    await twilio.steer("faults", rate_limited=0.5, seed=5)
    with poller() as service:
        await eventually(service.ready, 60)
        found = await fetched(house, [fact.message_sid for fact in made], 90)
        assert await metric(service, "switchboard_poller_calls_total", outcome="too_many") > 0
        await settle(1)
        found = await statuses(house, [fact.message_sid for fact in made])
    assert [len(facts) for facts in found.values()] == [1] * 8


@pytest.mark.slow
async def test_what_is_still_under_way_is_looked_for_again(house: House, twilio: Twilio, poller: Poller) -> None:
    await twilio.steer("faults", callback_delay_s=3.0)
    [message] = await twilio.create(1)
    await note(house, [sent(message)])
    with poller() as service:
        await eventually(service.ready, 60)
        await twilio.quiet()

        async def looked() -> bool:
            return await metric(service, "switchboard_silent_messages_total") >= 1

        await eventually(looked, 60)
        # The next look is due ten minutes later.
        await twilio.steer("clock", ahead_s=660)
        try:

            async def ended() -> bool:
                facts = (await statuses(house, [message["sid"]]))[message["sid"]]
                return bool(facts) and facts[-1].message_status == "delivered"

            await eventually(ended, 60, "its end was fetched")
        finally:
            await twilio.steer("clock", ahead_s=0)
