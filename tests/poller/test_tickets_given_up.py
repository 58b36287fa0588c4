"""A ticket that was given up: `switchboard tickets` lists it, and has it tried again, once."""

from pathlib import Path

from tests.switchboard import switchboard
from tests.waiting import eventually

from .house import House, Poller, Twilio
from .test_tickets import SECRET, Desk, desk, ended, hear, settings

__all__ = ["desk"]

# Longer than the longest wait between two tries.
_HALF_A_DAY_S = 13 * 3600
_TRIES = 11


def clock(house: House) -> Path:
    return house.settings.parent / "clock"


async def test_a_ticket_is_named_before_anything_is_tried_again(house: House) -> None:
    assert "say which" in (await switchboard(house.settings, "tickets", "retry", code=2)).text
    unknown = await switchboard(house.settings, "tickets", "retry", "k-of-nobody", "--apply", code=2)
    assert "k-of-nobody" in unknown.text


async def test_what_was_given_up_is_listed_tried_again_by_hand_and_then_delivered_under_its_key(
    house: House, twilio: Twilio, poller: Poller, desk: Desk
) -> None:
    desk.answers = [503] * _TRIES
    with poller(**settings(near={"url": desk.url, "private": True})) as service:
        heard = await hear(house, "near")
        for number in range(1, _TRIES + 1):
            await eventually(lambda wanted=number: len(desk.seen) >= wanted, 60, f"try {number}")
            clock(house).write_text(str(number * _HALF_A_DAY_S))
        [end] = await eventually(lambda: ended(house, heard), 60, "it is given up")
        assert (end.outcome, end.tries, end.answer) == ("given_up", _TRIES, "HTTP 503")

        listed = await switchboard(house.settings, "tickets", "list")
        assert "1 given up" in listed.text
        assert "HTTP 503" in listed.text
        # It is only shown, until somebody says so.
        shown = await switchboard(house.settings, "tickets", "retry", heard.event_id)
        assert "--apply does it" in shown.text
        for _ in range(2):
            await switchboard(house.settings, "tickets", "retry", "--desk", "near", "--by", "ann", "--apply")

        async def delivered() -> bool:
            return [one.outcome for one in await ended(house, heard)] == ["given_up", "delivered"]

        await eventually(delivered, 60, "it is delivered")
        assert desk.keys() == [heard.event_id] * (_TRIES + 1)
        assert "0 given up" in (await switchboard(house.settings, "tickets", "list")).text
        assert SECRET not in service.log.read_text()
