"""What is news in a list of Twilio's, beside what the log holds of the list before; of any product that has one."""

from collections.abc import Callable, Mapping
from typing import Protocol, TypeVar

import msgspec
from msgspec.structs import replace

from services.domain.identity import raw_event_id


class Stated(Protocol):
    """What one entry of a list says, as a fact."""

    @property
    def event_id(self) -> str: ...


S = TypeVar("S", bound=msgspec.Struct)
F = TypeVar("F", bound=Stated)
C = TypeVar("C")


def listed_at(one: S, kind: str, tenant: str, at: str) -> S:
    """A fact with its id and moment. When it was listed is no part of what it says: the same content has one id."""
    content = msgspec.json.encode(one, order="sorted")
    return replace(one, at=at, event_id=raw_event_id(kind, tenant, (content,)))


def news(
    before: Mapping[str, F], now: Mapping[str, F], gone: Callable[[F], C], changed: Callable[[F | None, F], C]
) -> list[C]:
    """`gone` of each that is listed no more, `changed` of each that is new (it was None) or says something else."""
    found = [gone(one) for name, one in before.items() if name not in now]
    for name, one in now.items():
        was = before.get(name)
        if was is None or was.event_id != one.event_id:
            found.append(changed(was, one))
    return found
