"""One execution that Twilio does not give, among others that it does."""

from typing import Any, cast

import pytest

from services.domain.clock import later
from services.domain.consent.keywords import NO_WORDS
from services.domain.studio.watching import ExecutionRead, Watch
from services.poller.polled import Party, Read
from services.poller.reader import Reader, Unreadable
from services.poller.studio import read

T = "2026-11-29T20:00:00.000Z"


class Shown:
    """A Twilio that has every execution, and gives all but one. `asked`: of which it was asked."""

    def __init__(self, broken: str, refused: bool = False) -> None:
        self._broken, self._refused, self.asked = broken, refused, list[str]()

    async def get(self, path: str, _: object = None) -> dict[str, Any]:
        sid = path.split("/")[5]
        self.asked.append(sid)
        if sid == self._broken:
            raise Unreadable("Twilio answers 500", self._refused)
        if path.endswith("/Steps"):
            return {"steps": []}
        return {"sid": sid, "status": "active", "date_created": T}


def rows(count: int) -> dict[str, Watch]:
    sids = [f"FN{number:02}" for number in range(count)]
    return {
        f"{sid} acme": Watch(
            tenant="acme", account_sid="AC1", flow_sid="FW1", execution_sid=sid, told_at=T, again_at=later(T, place)
        )
        for place, sid in enumerate(sids)
    }


async def readings(twilio: Shown, found: list[Read]) -> None:
    async for some in read(cast("Reader", twilio), Party("acme", b"secret", NO_WORDS), rows(20)):
        found += some


async def test_it_holds_no_other_up_and_is_told_at_the_end() -> None:
    found: list[Read] = []
    with pytest.raises(Unreadable):
        await readings(Shown("FN00"), found)
    assert all(isinstance(one.event, ExecutionRead) for one in found)
    assert [one.key for one in found] == [f"FN{number:02} acme" for number in range(1, 20)]


async def test_an_account_that_may_not_be_read_is_asked_no_further() -> None:
    found: list[Read] = []
    twilio = Shown("FN00", refused=True)
    with pytest.raises(Unreadable) as caught:
        await readings(twilio, found)
    assert caught.value.refused
    assert max(twilio.asked) == "FN07"
