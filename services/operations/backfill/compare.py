"""Both ends side by side: what Twilio lists in a window, and what the log holds of it."""

from collections.abc import Callable
from functools import partial
from typing import Any, NamedTuple, TypeVar

import msgspec

from services.contract.codec import DecodeError, decode
from services.contract.consent import CONSENT
from services.contract.messages import INBOUND, SENT, STATUS
from services.contract.topic import Topic
from services.domain.messages.at_twilio import MessageAtTwilio
from services.domain.messages.events import InboundReceived
from services.operations.backfill.lacking import (
    Asker,
    Held,
    Lacking,
    lacking,
    says_no_or_yes,
    unattributed,
    unrecorded,
)
from services.operations.backfill.listing import Account
from services.operations.backfill.window import Window
from services.operations.log import LogReader
from services.operations.progress import Progress
from services.runtime.clock import now
from services.runtime.config import Settings

T = TypeVar("T")

# Twilio's clock and the producers' differ; a fact that was written that much before its message's date is read too.
_MARGIN_MS = 3_600_000


class Comparison(NamedTuple):
    """How many messages Twilio has in the window, and the facts about them that the log lacks.

    `unattributed`: messages to us that it lacks and nobody can be named for.
    """

    messages: int
    lacking: list[Lacking]
    unattributed: list[MessageAtTwilio]


class _Told(msgspec.Struct):
    """What is needed of a status, or of a message taken by Twilio (then with `sent_at`)."""

    tenant: str
    message_sid: str
    message_status: str
    sent_at: str = ""


class _Evidence(msgspec.Struct):
    """What is needed of a piece of evidence."""

    tenant: str
    message_sid: str | None = None


async def compare(settings: Settings, account: Account, asker: Asker, window: Window, progress: Progress) -> Comparison:
    """What the log lacks now. Raises BackfillError, LogError and aiokafka's KafkaError."""
    # Twilio first: a fact that comes while it lists is on the log by the time that this is read.
    listed = await account.messages(window, lambda done: progress("Twilio's list", done, None))
    held = Held(asker)
    # A moved clock is not the one by which Kafka dates records.
    from_ms = None if settings.clock_skew_file else max(0, window.since_ms - _MARGIN_MS)
    async with LogReader(settings.kafka, from_ms) as log:
        sent = await _read_sent(log, held, asker, window, progress)
        await _read_facts(log, held, progress)
    unlisted = sent - {message.sid for message in listed}
    listed += await _fetch(account, [sid for sid in sorted(unlisted) if not held.ended(sid)], progress)
    return Comparison(len(listed), lacking(asker, listed, held, now()), unattributed(listed, held))


async def compare_opt_outs(
    settings: Settings, account: Account, asker: Asker, window: Window, progress: Progress
) -> Comparison:
    """The STOPs, STARTs and refused messages of the window that `twilio.consent.v1` has no evidence of.

    That topic is kept for ever, so the window may be older than the log. Raises as `compare`.
    """
    listed = await account.messages(
        window, lambda done: progress("Twilio's list", done, None), lambda message: says_no_or_yes(asker, message)
    )
    recorded: set[str] = set()

    def evidence(value: bytes) -> None:
        fact = _decoded(value, _Evidence)
        if fact is not None and fact.tenant == asker.tenant and fact.message_sid:
            recorded.add(fact.message_sid)

    async with LogReader(settings.kafka, None) as log:
        await _read(log, CONSENT, evidence, progress)
    masked = [one for one in listed if one.sid not in recorded]
    return Comparison(len(listed), unrecorded(asker, listed, recorded, now()), unattributed(masked, Held(asker)))


async def _read_sent(log: LogReader, held: Held, asker: Asker, window: Window, progress: Progress) -> set[str]:
    """Add the statuses that Twilio's answers told; returns the messages that it took in the window."""
    taken: set[str] = set()

    def take(value: bytes) -> None:
        if (fact := _decoded(value, _Told)) is not None and fact.tenant == asker.tenant:
            held.tell(fact.tenant, fact.message_sid, fact.message_status)
            if fact.sent_at in window:
                taken.add(fact.message_sid)

    await _read(log, SENT, take, progress)
    return taken


async def _read_facts(log: LogReader, held: Held, progress: Progress) -> None:
    def status(value: bytes) -> None:
        if (fact := _decoded(value, _Told)) is not None:
            held.tell(fact.tenant, fact.message_sid, fact.message_status)

    def inbound(value: bytes) -> None:
        if (fact := _decoded(value, InboundReceived)) is not None:
            held.hear(fact)

    await _read(log, STATUS, status, progress)
    await _read(log, INBOUND, inbound, progress)


async def _read(log: LogReader, topic: Topic, take: Callable[[bytes], None], progress: Progress) -> None:
    def value(record: Any) -> None:
        if record.value is not None:
            take(record.value)

    await log.read((topic.name,), value, partial(progress, topic.name))


async def _fetch(account: Account, sids: list[str], progress: Progress) -> list[MessageAtTwilio]:
    """Messages of ours without an end that Twilio does not list: those that have no date of sending."""
    found = []
    for count, sid in enumerate(sids, start=1):
        if message := await account.message(sid):
            found.append(message)
        progress("messages without a date", count, len(sids))
    return found


def _decoded(value: bytes, type_: type[T]) -> T | None:
    try:
        return decode(value, type_)
    except DecodeError:
        # Whoever wrote it, it tells nobody anything.
        return None
