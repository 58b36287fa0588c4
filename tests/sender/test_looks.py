"""Looks at media beside the lanes: who waits for whom, what is remembered, and for how long."""

import asyncio
from collections import Counter
from collections.abc import AsyncIterator
from typing import Any, cast

import pytest
from pydantic import SecretStr

from services.domain.clock import later
from services.domain.gate.conditions import media_of
from services.domain.gate.question import Question
from services.domain.media import Found
from services.runtime.clock import now
from services.runtime.folding.partition import Partition
from services.runtime.tenants.live import Tenants
from services.runtime.tenants.sections.media import MediaSettings
from services.runtime.tenants.settings import TenantSettings
from services.sender.looks import Looks
from tests.waiting import eventually

HERE = cast(Partition, "a partition")
GOOD = Found("image/jpeg", 1000)


class Eyes:
    """Looks that end when they are let, at hosts that are held."""

    def __init__(self) -> None:
        self.asked: Counter[str] = Counter()
        self.held: dict[str, asyncio.Event] = {}
        self.finds: dict[str, Found] = {}
        self.now = self.most = 0

    def hold(self, host: str) -> asyncio.Event:
        return self.held.setdefault(host, asyncio.Event())

    async def look(self, url: str) -> Found:
        self.asked[url] += 1
        self.now += 1
        self.most = max(self.most, self.now)
        for host, let in self.held.items():
            if host in url:
                await let.wait()
        self.now -= 1
        return self.finds.get(url, GOOD)

    async def close(self) -> None:
        """Nothing is open."""


class Room:
    def __init__(self, **media: Any) -> None:
        tenant = TenantSettings(
            account_sid="AC" + "a" * 32,
            auth_tokens=[SecretStr("t")],
            contact_secret=SecretStr("s"),
            media=MediaSettings(**media),
        )
        self.eyes = Eyes()
        self.looks = Looks(self.eyes, Tenants({"acme": tenant, "other": tenant}), by_default=True)
        self.over: list[str] = []
        self.looks.over = lambda _, condition: self.over.append(condition)

    def asked(self, *urls: str, name: str = "a", tenant: str = "acme") -> tuple[Question, list[str]]:
        question = Question(
            tenant=tenant, channel="mms", sender="+1", scopes=[], template=False, not_after="", contact=name, media=name
        )
        return question, list(urls)

    def seen(self, *urls: str, name: str = "a", tenant: str = "acme", later_s: float = 0.0) -> Any:
        return self.looks.seen(*self.asked(*urls, name=name, tenant=tenant), "mms", later(now(), later_s))

    async def soon(self, *urls: str, name: str = "a", tenant: str = "acme") -> None:
        await self.looks.soon(HERE, *self.asked(*urls, name=name, tenant=tenant))


@pytest.fixture
async def room() -> AsyncIterator[Room]:
    found = Room()
    yield found
    await found.looks.close()


URL, OTHER = "https://fast.example.com/a.jpg", "https://fast.example.com/b.jpg"


async def test_who_is_looked_at_at_once_is_known_when_the_wait_is_over(room: Room) -> None:
    assert room.seen(URL).look == "waits"
    await room.soon(URL)
    seen = room.seen(URL)
    assert (seen.look, [one.type for one in seen.media]) == (None, ["image/jpeg"])
    await room.soon(URL, OTHER)
    assert room.eyes.asked == {URL: 1, OTHER: 1}


async def test_a_slow_host_is_left_to_itself_and_its_command_is_told_when_it_is_over(room: Room) -> None:
    let = room.eyes.hold("slow")
    slow = "https://slow.example.com/a.jpg"
    async with asyncio.timeout(3):
        await room.soon(slow, name="slow")
    assert room.seen(slow, name="slow").look == "under_way"
    condition = media_of("slow", "slow")
    assert room.looks.kind.stands(HERE, condition)
    await room.soon(URL, name="fast")
    assert room.seen(URL, name="fast").look is None
    let.set()
    await eventually(lambda: condition in room.over, 5, "it is told")
    assert not room.looks.kind.stands(HERE, condition)
    assert room.seen(slow, name="slow").look is None


async def test_many_commands_of_a_slow_host_hold_up_nobody_elses(room: Room) -> None:
    """Not the places in turns, not the looks at once, not those that wait for theirs."""
    room.eyes.hold("slow")
    many = [f"https://slow.example.com/{number}.jpg" for number in range(150)]
    async with asyncio.timeout(10):
        await asyncio.gather(*(room.soon(url, name=url) for url in many))
        assert room.eyes.now == 4
        assert sum(room.seen(url, name=url).look == "under_way" for url in many) == 100
        await room.soon(URL, name="fast")
    assert room.seen(URL, name="fast").look is None


async def test_a_tenant_of_many_slow_hosts_holds_up_no_other_tenant(room: Room) -> None:
    room.eyes.hold("slow")
    many = [f"https://slow-{number}.example.com/a.jpg" for number in range(1200)]
    async with asyncio.timeout(10):
        await asyncio.gather(*(room.soon(url, name=url) for url in many))
        assert room.eyes.now == 8
        await room.soon(URL, name="fast", tenant="other")
    assert room.seen(URL, name="fast", tenant="other").look is None


async def test_two_commands_of_one_url_are_one_look(room: Room) -> None:
    let = room.eyes.hold("fast")
    both = asyncio.gather(room.soon(URL, name="a"), room.soon(URL, OTHER, name="b"))
    await eventually(lambda: room.eyes.now == 2, 5, "both are looked at")
    let.set()
    await both
    assert room.eyes.asked == {URL: 1, OTHER: 1}


async def test_a_partition_that_leaves_takes_no_look_of_others_along(room: Room) -> None:
    """A turn that is cancelled while it waits ends nobody's look."""
    let = room.eyes.hold("fast")
    turn = asyncio.create_task(room.soon(URL))
    await eventually(lambda: room.eyes.now == 1, 5, "it is looked at")
    turn.cancel()
    await asyncio.gather(turn, return_exceptions=True)
    let.set()
    await eventually(lambda: room.seen(URL).look is None, 5, "it was looked at all the same")


async def test_what_is_remembered_ends(room: Room) -> None:
    await room.soon(URL)
    assert room.seen(URL, later_s=290).look is None
    assert room.seen(URL, later_s=310).look is not None
    room.eyes.finds[OTHER] = Found(fault="answers 404")
    await room.soon(OTHER, name="b")
    assert room.seen(OTHER, name="b", later_s=50).media[0].fault == "answers 404"
    assert room.seen(OTHER, name="b", later_s=70).look is not None


async def test_what_fails_again_waits_longer(room: Room) -> None:
    room.eyes.finds[URL] = Found(fault="answers 503", again_at=now())
    waits = []
    for _ in range(3):
        room.looks._remember(URL, room.eyes.finds[URL])
        [medium] = room.seen(URL).media
        waits.append(medium.again_at)
    assert waits == sorted(waits)
    assert later(now(), 100) < waits[-1] < later(now(), 130)


async def test_memory_is_bounded(room: Room) -> None:
    for number in range(10_050):
        room.looks._remember(f"https://many.example.com/{number}", GOOD)
    assert len(room.looks._known) == 10_000


async def test_a_tenant_may_have_none() -> None:
    room = Room(preflight=False)
    seen = room.seen(URL)
    assert (seen.media, seen.look) == ([], None)
    await room.looks.close()
