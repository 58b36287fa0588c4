"""Changes of tenants while everything runs, and what must become of the commands that they are about."""

import asyncio
import random
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any

from tests.faults.house import House, NotReadyError
from tests.faults.load import Load
from tests.faults.settings import SMS, TENANT, acme

_LOOK_S = 0.1
_DEADLINE_S = 90.0
# Nobody whom the load writes to.
_STRANGER = "+1415555{:04d}"
# What may become of a command that nothing forbids, while Twilio and the broker are broken too.
_GOES = frozenset({"sent", "failed", "expired"})
_STAYS = frozenset({"blocked"})


async def come_change_and_go(house: House, load: Load, dice: random.Random) -> str:
    """A tenant whose commands come first is added, gets a word of its own, is closed, and removed."""
    name, sid = f"guest-{dice.randbytes(4).hex()}", "AC" + dice.randbytes(16).hex()
    people = iter([_STRANGER.format(number) for number in dice.sample(range(10_000), 8)])
    files, guest = house.tenants, _Guest(house, load, name, sid)

    # Before anybody knows it: its commands wait.
    for _ in range(3):
        await guest.send(next(people), _GOES)
    await house.taken(files.put(name, **{**acme(), "account_sid": sid}))

    # STOP, and a word of its own from the moment that it is taken up, until it is taken off.
    await guest.writes(one := next(people), "STOP")
    await guest.send(one, _STAYS)
    await house.taken(files.put(name, consent={"stop_words": ["basta"]}))
    await guest.writes(one := next(people), "Basta!")
    await guest.send(one, _STAYS)
    await house.taken(files.put(name, consent=None))
    await guest.writes(one := next(people), "Basta!")
    await guest.send(one, _GOES)

    # A file that cannot be used changes nothing.
    files.spoil(name)
    await asyncio.sleep(dice.uniform(0.0, 4.0))
    await guest.send(next(people), _GOES)
    await guest.settled()

    # Closed: nothing is sent, and a STOP is heard all the same.
    await house.taken(files.put(name, state="closed"))
    await guest.send(one := next(people), _STAYS)
    await guest.writes(one, "STOP")
    if open_ones := await guest.settled():
        return f"{name} came, changed, and was closed; {open_ones} commands are ambiguous, so it stays"
    files.remove(name)
    return f"{name} came, changed, was closed and removed"


async def rules_tighten(house: House, load: Load, dice: random.Random) -> str:
    """What the tenant of the load may do becomes less, and then more again, while it does it."""
    senders = acme()["allowed_senders"]
    narrow: dict[str, Any] = dice.choice(
        ({"allowed_senders": [one for one in senders if one != SMS]}, {"recipients": ["+1312*"]}, {"dry_run": True})
    )
    async with house.tenants.alone:
        await house.taken(house.tenants.put(TENANT, **narrow))
        await _one(load, dice, _STAYS)
        await asyncio.sleep(dice.uniform(0.0, 2.0))
        await house.taken(house.tenants.put(TENANT, allowed_senders=senders, recipients=None, dry_run=None))
        await _one(load, dice, _GOES)
    return f"{', '.join(narrow)} of {TENANT}, and back"


async def _one(load: Load, dice: random.Random, ends: frozenset[str]) -> None:
    to = _STRANGER.format(dice.randrange(10_000))
    command = load.command(to, body="As the rules are now.", **{"from": SMS})
    await load.expect(command, ends)
    await load.settled([command], _DEADLINE_S)


@dataclass
class _Guest:
    """A tenant for a while, as its people and its producer know it."""

    house: House
    load: Load
    name: str
    sid: str

    def __post_init__(self) -> None:
        self._sent: list[dict[str, Any]] = []

    async def send(self, to: str, ends: frozenset[str]) -> None:
        command = {**self.load.command(to, body="Your table is ready.", **{"from": SMS}), "tenant": self.name}
        self._sent.append(command)
        await self.load.expect(command, ends)

    async def writes(self, person: str, body: str) -> None:
        """Until it is acknowledged: ingress may be down just now, and Twilio may not know the account yet."""
        await _until(lambda: self.load.write(person, SMS, body, self.sid), f"{self.name} hears {body}")

    async def settled(self) -> int:
        """Wait until its commands have come to an end; how many are ambiguous instead."""
        return await self.load.settled(self._sent, _DEADLINE_S)


async def _until(done: Callable[[], Awaitable[bool]], what: str) -> None:
    deadline = time.monotonic() + _DEADLINE_S
    while not await done():
        if time.monotonic() > deadline:
            raise NotReadyError(f"{what}: not within {_DEADLINE_S:.0f} s")
        await asyncio.sleep(_LOOK_S)
