"""Releasing holds whose letters are gone: retention took them, or a flood left them no room in the contact's row."""

from collections.abc import Sequence
from contextlib import aclosing
from typing import NamedTuple

from services.contract.messages import INBOUND, OUTCOMES
from services.contract.outbound import ACCEPTED
from services.contract.topics import DEAD
from services.domain.consent import holds
from services.domain.consent.holds import StandingHold
from services.operations.asking import ask
from services.operations.dead.asked import Asked
from services.operations.dead.desk import Desk
from services.operations.dead.letters import Letter
from services.operations.dead.reading import find
from services.operations.log import heed_stop
from services.operations.progress import Progress
from services.runtime.clock import now
from services.runtime.sections.kafka import KafkaSettings

_TOPICS = tuple(topic for topic in DEAD if topic.name in {one.dead for one in (INBOUND, ACCEPTED, OUTCOMES)})


class Sorted(NamedTuple):
    """A contact's holds: those that nothing stands behind any more, and the letters that are to be dealt with first."""

    free: list[StandingHold]
    open: dict[str, list[str]]


def standing_holds(url: str, contact: str) -> list[StandingHold]:
    """A contact's holds, as the processor at `url` tells them. Raises NoAnswer."""
    found = ask(url, "contacts", contact) or {"holds": []}
    return [StandingHold(one["hold"], one["at"], one["earlier"]) for one in found["holds"]]


async def sort(kafka: KafkaSettings, contact: str, standing: Sequence[StandingHold], progress: Progress) -> Sorted:
    """Look for the letters behind these holds. Raises LogError."""
    behind: dict[str, list[str]] = {}
    async with aclosing(find(kafka, Asked(_TOPICS), progress)) as found:
        async for letters in found:
            for letter, mark in letters:
                for one in standing if mark is None else ():
                    if _is_behind(letter, one, contact):
                        behind.setdefault(one.hold, []).append(str(letter.name))
    heed_stop()
    return Sorted([one for one in standing if one.hold not in behind], behind)


async def release(kafka: KafkaSettings, contact: str, free: Sequence[StandingHold]) -> None:
    """Release these, all or none. Raises DeadError."""
    moment = now()
    facts = [holds.release(one.hold, contact, moment, "released", earlier=one.earlier) for one in free]
    async with Desk(kafka) as desk:
        await desk.release(facts)


def _is_behind(letter: Letter, hold: StandingHold, contact: str) -> bool:
    if str(letter.name) == hold.hold:
        return True
    source, _, offset = hold.hold.rpartition("@")
    same = f"{letter.name.topic}/{letter.name.partition}" == source and letter.person == contact
    return hold.earlier and same and letter.name.offset <= int(offset)
