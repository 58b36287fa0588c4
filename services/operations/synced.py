"""Lists of Twilio's that the log keeps by tenant: compared with what it holds, and what is news is written.

Each is read whole or not at all, and what one tenant's cannot tell stops no other. Whoever writes has taken a fence
before anything was read, so that of a command and a poller at once the one who read last is right.
"""

from collections.abc import AsyncIterator, Awaitable, Callable, Iterable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import Any, Generic, NamedTuple, Protocol, TypeVar

import msgspec

from services.contract import codec
from services.contract.partition import partition_of
from services.contract.topic import Topic
from services.domain.syncs import ListName
from services.operations.calling import TwilioError
from services.operations.fenced import Fenced, Overtaken
from services.operations.known import Known
from services.operations.log import check
from services.operations.paging import Answers, Calling
from services.operations.writing import Outgoing
from services.runtime.clock import CLOCK, now
from services.runtime.config import Settings
from services.runtime.failpoints import reach
from services.runtime.sections.kafka import KafkaSettings
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
    """A list: its topic, keyed `{tenant}|{name}`; how it is read, whole or raising; what is news in it.

    `called`: what it lists, in words, one of them. `asks` completes "Twilio does not let tenant acme …". `emptied`: how
    many there were, where now there are none that ever were; 0: it is not so. `told`: what people should know of it.
    """

    name: ListName
    topic: Topic
    type: type[T]
    listed: Callable[[str, TenantSettings, Answers, str], Awaitable[Sequence[T]]]
    changes: Callable[[Mapping[str, T], Iterable[T]], Sequence[News]]
    emptied: Callable[[Mapping[str, T], Sequence[T]], int]
    called: str
    asks: str
    told: Callable[[Sequence[T]], str | None] = lambda _: None


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


class Wanted(NamedTuple):
    """What a person asks for. `tenant`: None: each. `allow_empty`: nothing is believed where there was something."""

    tenant: str | None
    allow_empty: bool = False
    dry_run: bool = False


class Party(NamedTuple):
    """Whose list is synced, and who asks for it."""

    name: str
    settings: TenantSettings
    answers: Answers


async def known(kafka: KafkaSettings, of: Synced[T]) -> Mapping[str, Mapping[str, T]]:
    """What the log holds of every tenant's, by name. Raises LogError."""
    await check(kafka, [of.topic.name])
    async with Known(kafka, [of.topic]) as log:
        return {tenant: _decoded(of, facts) for tenant, facts in (await log.all(of.topic)).items()}


async def sync(settings: Settings, of: Synced[T], wanted: Wanted) -> AsyncIterator[Compared | Unread | Left]:
    """Of a tenant, or of each in turn, once what is news is written. Raises TwilioError, LogError.

    Facts of a tenant that the settings do not know end only where it is named with `allow_empty`: other settings may
    know it.
    """
    if settings.clock_skew_file is not None:
        CLOCK.follow(settings.clock_skew_file)
    tenants = tenants_of(settings)
    await check(settings.kafka, [of.topic.name])
    async with Known(settings.kafka, [of.topic]) as log:
        if wanted.tenant is not None and wanted.tenant not in tenants:
            yield await _end(settings.kafka, log, of, tenants, wanted)
            return
        for name in [wanted.tenant] if wanted.tenant else list(tenants):
            party = Party(name, tenants[name], Calling(name, tenants[name], settings.twilio, of.asks))
            try:
                yield await sync_one(settings.kafka, log, of, party, wanted)
            except TwilioError as error:
                yield Unread(name, str(error))
            except Overtaken:
                yield Unread(name, "another sync of this list began meanwhile; what is news, that one writes")
        if wanted.tenant is None:
            for name, left in sorted((await log.all(of.topic)).items()):
                if left and name not in tenants:
                    yield Unread(name, _UNUSABLE) if tenants.awaited(name) else Left(name, len(left))


async def sync_one(kafka: KafkaSettings, log: Known, of: Synced[T], party: Party, wanted: Wanted) -> Compared | Unread:
    """One tenant's list, once what is news is written. Raises Overtaken, LogError, TwilioError, and what the party's
    answers raise: then nothing of it was."""
    if wanted.dry_run:
        return await _compare(log, of, party, wanted)
    async with _fence(kafka, of, party.name) as fence:
        found = await _compare(log, of, party, wanted)
        reach("sync.read")
        if isinstance(found, Compared):
            await fence.write([_record(kafka, of.topic, change) for change in found.changes])
        return found


async def _compare(log: Known, of: Synced[T], party: Party, wanted: Wanted) -> Compared | Unread:
    was = _decoded(of, await log.of(of.topic, party.name))
    listed = await of.listed(party.name, party.settings, party.answers, now())
    if (gone := of.emptied(was, listed)) and not wanted.allow_empty:
        return Unread(
            party.name,
            f"Twilio lists no {of.called} of tenant {party.name}, where there were {gone}; check its credentials, or "
            f"say `switchboard {of.name} sync --tenant {party.name} --allow-empty` if that is the truth",
        )
    return Compared(party.name, listed, of.changes(was, listed))


async def _end(kafka: KafkaSettings, log: Known, of: Synced[T], tenants: Tenants, wanted: Wanted) -> Compared:
    """Of a tenant that the settings do not know."""
    name = wanted.tenant or ""
    if tenants.awaited(name):
        raise TwilioError(f"{name}: {_UNUSABLE}")
    async with _fence(kafka, of, name) as fence:
        was = _decoded(of, await log.of(of.topic, name))
        if was and wanted.allow_empty:
            found = Compared(name, [], of.changes(was, []))
            if not wanted.dry_run:
                await fence.write([_record(kafka, of.topic, change) for change in found.changes])
            return found
    ends = f"; --allow-empty ends the {len(was)} that the log holds of it" if was else ""
    raise TwilioError(f"no tenant {name!r}; the settings know: {', '.join(tenants) or 'none'}{ends}")


def emptied(was: Mapping[str, Any], listed: Sequence[Any]) -> int:
    """Of a list of which each entry is a fact."""
    return len(was) if not listed else 0


def _fence(kafka: KafkaSettings, of: Synced[T], tenant: str) -> Fenced:
    return Fenced(kafka, f"switchboard-sync-{of.name}-{tenant}")


def _decoded(of: Synced[T], facts: Mapping[str, bytes]) -> Mapping[str, T]:
    """What cannot be read is as if it were not there: it is written anew."""
    found = {}
    for name, value in facts.items():
        with suppress(codec.DecodeError):
            found[name] = codec.decode(value, of.type)
    return found


def _record(kafka: KafkaSettings, topic: Topic, change: News) -> Outgoing:
    key = topic.key(change.fact).encode()
    value = None if change.kind == "gone" else codec.encode(change.fact)
    return Outgoing(topic.name, partition_of(key, kafka.partitions), key, value, codec.headers(topic.name))
