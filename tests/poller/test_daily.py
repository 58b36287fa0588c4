"""The daily reconciliation: once a day and tenant, however many workers; what webhooks lost is on the log."""

from collections.abc import Iterable

import pytest

from services.contract.codec import decode
from services.contract.messages import INBOUND
from services.domain.messages.events import InboundReceived
from tests.kafka_records import read_until
from tests.processes import ACCOUNT, PARTITIONS, Service
from tests.waiting import eventually

from .house import PERSON, SENDER, House, Poller, Twilio, metric, settle, statuses

DAY_S = 86_400
# Whoever is silent is not looked for here.
ALONE = {"SWITCHBOARD_POLLER__SILENT_AFTER_S": '{"sms": 1e9}', "SWITCHBOARD_POLLER__RECONCILE_AT": "03:30"}


async def runs(services: Iterable[Service]) -> int:
    """How many runs these pollers have finished."""
    return sum(service.log.read_text().count("Twilio's lists brought") for service in services)


@pytest.mark.slow
async def test_each_day_is_done_once_by_one_of_two_workers_and_goes_on_where_a_killed_one_was(
    house: House, twilio: Twilio, poller: Poller
) -> None:
    with poller("one", **ALONE) as one, poller("two", **ALONE) as other:
        both = [one, other]
        for service in both:
            await eventually(service.ready, 60)

        async def done(count: int) -> bool:
            return await runs(both) == count

        # A new poller begins with the last day.
        await eventually(lambda: done(1), 60, "the last day is done")
        [lost] = await twilio.create(1)
        heard = await twilio.ask(
            "POST",
            f"{house.simulator}/simulator/inbound",
            json={"account_sid": ACCOUNT, "from": PERSON, "to": SENDER, "body": "STOP"},
        )
        await twilio.quiet()
        try:
            await twilio.steer("clock", ahead_s=DAY_S)
            await eventually(lambda: done(2), 60, "the next day is done")
            [fact] = (await statuses(house, [lost["sid"]]))[lost["sid"]]
            assert (fact.message_status, fact.provenance) == ("delivered", "backfill")
            stops = await read_until(house.bootstrap, INBOUND.name, lambda records: len(records) >= 1)
            word = decode(stops[0].value, InboundReceived)
            assert (word.message_sid, word.heard and word.heard.says) == (heard["sid"], "stop")
            told = [await metric(each, "switchboard_reconciled_facts_total") for each in both]
            # With what Twilio itself answered to the STOP.
            assert sorted(told) == [0, 3]
            # Whoever did it is gone; the other one knows that it was done.
            doer, left = (one, other) if told[0] else (other, one)
            doer.kill()

            async def all_owned() -> bool:
                return await metric(left, "switchboard_partitions_owned", fold="silent") == PARTITIONS

            await eventually(all_owned, 60, "the other one has all partitions")
            await settle(6)
            assert await runs([left]) + await runs([doer]) == 2
            await twilio.steer("clock", ahead_s=3 * DAY_S)
            await eventually(lambda: done(3), 60, "two days are made up for in one")
            await settle(6)
            assert await runs(both) == 3
            assert len((await statuses(house, [lost["sid"]]))[lost["sid"]]) == 1
        finally:
            await twilio.steer("clock", ahead_s=0)


@pytest.mark.slow
async def test_a_run_that_was_killed_is_done_by_the_next_owner_and_writes_nothing_twice(
    house: House, twilio: Twilio, poller: Poller
) -> None:
    try:
        # After the days that the test before has done; those between are made up for, in parts, so that one is left.
        await twilio.steer("clock", ahead_s=5 * DAY_S)
        with poller(**ALONE) as first:
            await eventually(first.ready, 60)

            async def caught_up() -> bool:
                return await runs([first]) == 1

            await eventually(caught_up, 60, "the days before are done")
        made = [one["sid"] for one in await twilio.create(20)]
        await twilio.quiet()
        await twilio.steer("clock", ahead_s=6 * DAY_S)
        with poller(**ALONE, TEST_FAILPOINT="poller.reconciled") as killed:
            await eventually(lambda: killed.process.poll() is not None, 60, "it was killed")
        assert [len(facts) for facts in (await statuses(house, made)).values()] == [1] * 20
        with poller(**ALONE) as service:
            await eventually(service.ready, 60)

            async def done() -> bool:
                return await runs([service]) == 1

            await eventually(done, 60, "the day is done")
        assert [len(facts) for facts in (await statuses(house, made)).values()] == [1] * 20
    finally:
        await twilio.steer("clock", ahead_s=0)
