"""Twilio's daily list of deactivated numbers: read once, in parts, whoever is killed; no credentials to its file."""

import signal
from collections import Counter
from collections.abc import Awaitable, Callable
from datetime import date, timedelta

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
    told_by_dead = 0
    # In the middle of the list; and when all of it was told, and that was not noted.
    for place in ("poller.deactivated:5", "poller.deactivations"):
        with poller(**SETTINGS, TEST_FAILPOINT=place) as killed:
            await eventually(lambda: killed.process.poll() is not None, 60, f"killed at {place}")
            assert killed.process.poll() == -signal.SIGKILL
        before, told_by_dead = told_by_dead, len(await told(house))
        assert told_by_dead > before
    with poller(**SETTINGS) as second:

        async def done() -> bool:
            return second.log.exists() and "numbers were deactivated on" in second.log.read_text()

        await eventually(done, 60, "the day is told")
        records = await told(house)
        by_id = {one.event_id: one for one in records}
        # What the killed ones told comes again under the same ids, and nothing else does.
        assert len(records) == told_by_dead + len(by_id)
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


async def test_a_day_without_a_list_is_not_done(house: House, twilio: Twilio, poller: Poller) -> None:
    """One day ahead, of which Twilio has nothing yet; each look comes an hour after the one before."""
    # It may become the next day meanwhile.
    days = [(yesterday() + timedelta(days=ahead)).isoformat() for ahead in (1, 2)]
    cases: list[tuple[list[str] | None, bool, str]] = [
        # Twilio has none of that day yet; or one that is not made yet; or a page instead; or its file breaks off.
        (None, False, ""),
        ([], False, ""),
        (["<html>", "<p>", "Sorry", "14155550123"], False, "its file is no list of numbers"),
        (["+14155550123"], True, "cannot be read to the end"),
    ]
    try:
        with poller(**SETTINGS) as service:

            async def failed() -> float:
                return await metric(service, "switchboard_deactivations_failed_total", tenant="acme")

            for number, (lines, cut, said) in enumerate(cases, start=1):
                lists = {} if lines is None else dict.fromkeys(days, lines)
                await twilio.steer("deactivations", lists=lists, beside=BESIDE if cut else 0, cut=cut)
                # Not before: the look that comes then is this one's.
                await twilio.steer("clock", ahead_s=86_400 + 3601 * number)
                await eventually(service.ready, 60)
                await eventually(lambda wanted=number: reached(failed, wanted), 60, "it is asked for again")
                await eventually(lambda wanted=said: wanted in service.log.read_text(), 60, "it is told why")
                log = service.log.read_text()
                assert not any(one in log for one in ("were deactivated on", "passed over", "refuses", "Traceback"))
    finally:
        await twilio.steer("clock", ahead_s=0)


async def reached(count: Callable[[], Awaitable[float]], wanted: int) -> bool:
    return await count() >= wanted
