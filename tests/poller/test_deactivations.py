"""Twilio's daily list of deactivated numbers: read once, in parts, whoever is killed; no credentials to its file."""

import signal
from collections import Counter
from datetime import date, timedelta

import pytest

from services.contract.outbound import ACCEPTED
from services.contract.partition import partition_of
from services.domain.consent.deactivations import NumbersDeactivated
from services.domain.contact import contact_key
from services.domain.messages.deactivated import today
from services.runtime.clock import now
from tests.processes import PARTITIONS, SECRETS
from tests.waiting import eventually

from .house import House, Poller, Twilio, facts, metric

BESIDE = 3000


def yesterday() -> date:
    """The last day that is over everywhere."""
    return today(now()) - timedelta(days=1)


SETTINGS = {"SWITCHBOARD_TENANTS__ACME__DEACTIVATIONS": "true", "SWITCHBOARD_POLLER__SILENT_AFTER_S": '{"sms": 1e9}'}


async def told(house: House) -> list[NumbersDeactivated]:
    """Nothing else stands on this topic here."""
    return await facts(house, ACCEPTED.name, NumbersDeactivated)


async def test_a_list_is_told_once_by_partition_whoever_is_killed(house: House, twilio: Twilio, poller: Poller) -> None:
    day = yesterday().isoformat()
    await twilio.steer("deactivations", lists={day: ["+14155550123", "no number"]}, beside=BESIDE)
    with poller(**SETTINGS, TEST_FAILPOINT="poller.deactivated:5") as first:
        await eventually(lambda: first.process.poll() is not None, 60, "killed in the middle of the list")
        assert first.process.poll() == -signal.SIGKILL
    with poller(**SETTINGS) as second:

        async def done() -> bool:
            return second.log.exists() and "numbers were deactivated on" in second.log.read_text()

        await eventually(done, 60, "the day is told")
        records = await told(house)
        by_id = {one.event_id: one for one in records}
        # What the first one told comes again under the same ids, and nothing else does.
        assert len(by_id) < len(records)
        assert all(by_id[one.event_id] == one for one in records)
        contacts = Counter(contact for one in by_id.values() for contact in one.contacts)
        assert set(contacts.values()) == {1}
        assert len(contacts) == BESIDE + 1
        assert contact_key("acme", "+14155550123", SECRETS["TEST_CONTACT_SECRET"].encode()) in contacts
        for one in by_id.values():
            place = partition_of(one.key.encode(), PARTITIONS)
            assert {partition_of(contact.encode(), PARTITIONS) for contact in one.contacts} == {place}
        assert await metric(second, "switchboard_deactivations_numbers_total", outcome="odd") == 1
        assert day in second.log.read_text()
        assert "X-Amz" not in second.log.read_text()
        read = (await twilio.ask("GET", f"{house.simulator}/simulator/deactivations"))["read"]
    with poller(**SETTINGS) as third:
        await eventually(third.ready, 60)
        await eventually(lambda: _knows(third), 30, "the day is known to be done")
    assert (await twilio.ask("GET", f"{house.simulator}/simulator/deactivations"))["read"] == read


async def _knows(service: object) -> bool:
    return await metric(service, "switchboard_deactivations_through_seconds", tenant="acme") > 0  # type: ignore[arg-type]


async def test_a_file_that_breaks_off_is_no_list_and_is_read_again(
    house: House, twilio: Twilio, poller: Poller
) -> None:
    try:
        await twilio.steer("clock", ahead_s=86_400)
        day = (yesterday() + timedelta(days=1)).isoformat()
        await twilio.steer("deactivations", lists={day: ["+14155550123"]}, beside=BESIDE, cut=True)
        with poller(**SETTINGS) as service:

            async def waits() -> bool:
                return service.log.exists() and "cannot be read to the end" in service.log.read_text()

            await eventually(waits, 60, "it is told that the file broke off")
            assert "numbers were deactivated on" not in service.log.read_text()
    finally:
        await twilio.steer("clock", ahead_s=0)


@pytest.mark.parametrize(
    ("lines", "said"),
    [
        # Twilio has none of that day yet; or one that is not made yet; or a page instead.
        (None, ""),
        ([], ""),
        (["<html>", "<p>", "Sorry", "14155550123"], "its file is no list of numbers"),
    ],
)
async def test_a_day_without_a_list_is_not_done(
    house: House, twilio: Twilio, poller: Poller, lines: list[str] | None, said: str
) -> None:
    try:
        await twilio.steer("clock", ahead_s=86_400)
        day = (yesterday() + timedelta(days=1)).isoformat()
        await twilio.steer("deactivations", lists={} if lines is None else {day: lines})
        with poller(**SETTINGS) as service:
            await eventually(service.ready, 60)

            async def waits() -> bool:
                return await metric(service, "switchboard_deactivations_failed_total", tenant="acme") > 0

            await eventually(waits, 60, "it is asked for again")
            log = service.log.read_text()
            assert said in log
            assert not any(one in log for one in ("were deactivated on", "passed over", "refuses", "Traceback"))
    finally:
        await twilio.steer("clock", ahead_s=0)


async def test_killed_before_a_list_is_noted_it_is_read_again_and_tells_nothing_new(
    house: House, twilio: Twilio, poller: Poller
) -> None:
    try:
        await twilio.steer("clock", ahead_s=86_400)
        day = (yesterday() + timedelta(days=1)).isoformat()
        await twilio.steer("deactivations", lists={day: ["+14155550124", "+14155550125"]})
        # A list that broke off, of another test, has told a part of that day.
        known = {one.event_id for one in await told(house)}
        with poller(**SETTINGS, TEST_FAILPOINT="poller.deactivations") as first:
            await eventually(lambda: first.process.poll() is not None, 60, "killed when all of the list was told")
            assert first.process.poll() == -signal.SIGKILL
        before = [one for one in await told(house) if one.event_id not in known]
        with poller(**SETTINGS) as second:

            async def done() -> bool:
                return second.log.exists() and f"were deactivated on {day}" in second.log.read_text()

            await eventually(done, 60, "the day is told")
            after = [one for one in await told(house) if one.event_id not in known]
        assert len(after) == 2 * len(before)
        assert {one.event_id for one in after} == {one.event_id for one in before}
        assert sum(len(one.contacts) for one in {one.event_id: one for one in after}.values()) == 2
    finally:
        await twilio.steer("clock", ahead_s=0)
