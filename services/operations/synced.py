"""Lists of Twilio's that the log keeps by tenant: compared with what it holds, and what is news is written.

Each is read whole or not at all, and what one tenant's cannot tell stops no other.
"""

import asyncio
from collections import defaultdict
from collections.abc import AsyncIterator, Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Generic, NamedTuple, Protocol, TypeVar

import msgspec

from services.contract import codec
from services.contract.partition import partition_of
from services.contract.topic import Topic
from services.operations.calling import TwilioError
from services.operations.log import LogReader, check, readable
from services.operations.writing import FactWriter, Outgoing
from services.runtime.clock import CLOCK, now
from services.runtime.config import Settings
from services.runtime.sections.kafka import KafkaSettings
from services.runtime.sections.twilio import TwilioSettings
from services.runtime.tenants.live import Tenants
from services.runtime.tenants.opening import tenants_of
from services.runtime.tenants.settings import TenantSettings

_UNUSABLE = "its settings cannot be used; `switchboard config check` says why"

T = TypeVar("T", bound=msgspec.Struct)


class News(Protocol):
    """What is other in a list than on the log; `gone`: the fact is in no list any more."""

    @property
    def kind(self) -> str: ...
    @property
    def fact(self) -> Any: ...


@dataclass(frozen=True, slots=True)
class Synced(Generic[T]):
    """A list: its topic, keyed `{tenant}|{name}`; how Twilio is asked for it, which raises TwilioError; what is news.

    `called`: what it lists, in words, one of them.
    """

    topic: Topic
    type: type[T]
    listed: Callable[[str, TenantSettings, TwilioSettings, str], Sequence[T]]
    changes: Callable[[Mapping[str, T], Iterable[T]], Sequence[News]]
    called: str


class Compared(NamedTuple):
    """Of one tenant: what Twilio lists, and what is news in it."""

    tenant: str
    listed: Sequence[Any]
    changes: Sequence[Any]


class Unread(NamedTuple):
    """A tenant whose list could not be read, or is not believed: nothing of it changes."""

    tenant: str
    why: str


class Left(NamedTuple):
    """A tenant that the settings do not know, of which the log still holds so many facts."""

    tenant: str
    facts: int


async def known(kafka: KafkaSettings, of: Synced[T]) -> Mapping[str, Mapping[str, T]]:
    """What the log holds of every tenant's, by name. Raises LogError."""
    await check(kafka, [of.topic.name])
    found: defaultdict[str, dict[str, T]] = defaultdict(dict)
    with readable(kafka):
        async with LogReader(kafka, None) as log:
            async for records in log.batches(of.topic, lambda _done, _total: None):
                for record in records:
                    tenant, _, name = (record.key or b"").decode("utf-8", "replace").partition("|")
                    found[tenant].pop(name, None)
                    if record.value is not None:
                        found[tenant][name] = codec.decode(record.value, of.type)
    return found


async def compare(
    settings: Settings, of: Synced[T], tenant: str | None, allow_empty: bool
) -> AsyncIterator[Compared | Unread | Left]:
    """Of a tenant, or of each in turn: what one cannot tell stops no other. Raises TwilioError, LogError.

    `allow_empty`: a list of nothing is believed, where there was something before. Facts of a tenant that the settings
    do not know end only where it is named with this: other settings may know it.
    """
    if settings.clock_skew_file is not None:
        CLOCK.follow(settings.clock_skew_file)
    tenants = tenants_of(settings)
    before = await known(settings.kafka, of)
    if tenant is not None and tenant not in tenants:
        yield _ended(of, tenant, before.get(tenant, {}), tenants, allow_empty)
        return
    for name in [tenant] if tenant else list(tenants):
        try:
            listed = await asyncio.to_thread(of.listed, name, tenants[name], settings.twilio, now())
        except TwilioError as error:
            yield Unread(name, str(error))
            continue
        yield _compared(of, name, listed, before.get(name, {}), allow_empty)
    if tenant is None:
        for name, left in sorted(before.items()):
            if left and name not in tenants:
                yield Unread(name, _UNUSABLE) if tenants.awaited(name) else Left(name, len(left))


def _compared(
    of: Synced[T], name: str, listed: Sequence[T], was: Mapping[str, T], allow_empty: bool
) -> Compared | Unread:
    if was and not listed and not allow_empty:
        return Unread(
            name,
            f"Twilio lists no {of.called} of tenant {name}, where there were {len(was)}; check its credentials, "
            "or say --allow-empty if that is the truth",
        )
    return Compared(name, listed, of.changes(was, listed))


def _ended(of: Synced[T], name: str, was: Mapping[str, T], tenants: Tenants, allow_empty: bool) -> Compared:
    if tenants.awaited(name):
        raise TwilioError(f"{name}: {_UNUSABLE}")
    if was and allow_empty:
        return Compared(name, [], of.changes(was, []))
    ends = f"; --allow-empty ends the {len(was)} that the log holds of it" if was else ""
    raise TwilioError(f"no tenant {name!r}; the settings know: {', '.join(tenants) or 'none'}{ends}")


async def write(kafka: KafkaSettings, of: Synced[T], found: Compared) -> None:
    """State what is news; what is gone ends with a tombstone. Raises LogError."""
    records = [_record(kafka, of.topic, change) for change in found.changes]
    if records:
        async with FactWriter(kafka) as writer:
            await writer.write(records, lambda: None)


def _record(kafka: KafkaSettings, topic: Topic, change: News) -> Outgoing:
    key = topic.key(change.fact).encode()
    value = None if change.kind == "gone" else codec.encode(change.fact)
    return Outgoing(topic.name, partition_of(key, kafka.partitions), key, value, codec.headers(topic.name))
