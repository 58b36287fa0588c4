"""The broker: does it answer, may we do what we must, are the topics as they should be, and what time does it keep?"""

import asyncio
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence

from aiokafka import TopicPartition
from aiokafka.errors import KafkaError

from services.contract.access import Grant, grants
from services.contract.consent import CONSENT_COMMANDS
from services.contract.messages import MESSAGES
from services.contract.plan import Action
from services.contract.topic import Topic
from services.contract.topics import own_topics
from services.operations import topics
from services.operations.doctor.finding import Finding
from services.operations.handshake import refusal
from services.operations.log import log_consumer
from services.operations.topic_admin import TopicAdmin, TopicsError, connect
from services.runtime.clock import CLOCK
from services.runtime.config import Settings
from services.runtime.kafka import trouble
from services.runtime.sections.kafka import KafkaSettings

# Orders of what people say are decided by these clocks.
_APART_MS = 10_000
# What the broker dates itself.
_DATED = (MESSAGES, CONSENT_COMMANDS)
_NAMED = 5
_POLL_MS = 2_000


async def broker(settings: Settings, service: str) -> list[Finding]:
    """All of it; where nobody answers, that alone. `service`: as whom the settings' user is looked at."""
    kafka = settings.kafka
    if (refused := await refusal(kafka)) is not None:
        return [
            Finding("broker", "fault" if refused.answered else "unknown", kafka.bootstrap, refused.says, refused.remedy)
        ]
    try:
        async with connect(kafka) as admin:
            found = [await _cluster(admin, kafka), *await _rights(admin, service, settings)]
            seen = await admin.partitions()
    except TopicsError as error:
        return [Finding("broker", "unknown", kafka.bootstrap, str(error), "see to it, and look again")]
    return [*found, *await _topics(settings, service, seen, found), *await _clock(kafka, service, seen, found)]


async def _cluster(admin: TopicAdmin, kafka: KafkaSettings) -> Finding:
    brokers = await admin.brokers()
    says = f"{brokers} brokers answer, by {kafka.security_protocol}"
    if brokers < kafka.replication:
        remedy = "add brokers, or lower kafka.replication"
        return Finding("broker", "fault", kafka.bootstrap, f"{says}; kafka.replication is {kafka.replication}", remedy)
    return Finding("broker", "fine", kafka.bootstrap, says)


async def _rights(admin: TopicAdmin, service: str, settings: Settings) -> list[Finding]:
    """Of each topic and group that the service's grants name. Transactional ids can't be asked about."""
    kafka = settings.kafka
    wanted = _each(grants(settings.processor.groups)[service], own_topics(kafka.tenant_topics))
    permitted = await admin.permitted(
        [one.name for one in wanted if one.resource == "topic"], [one.name for one in wanted if one.resource == "group"]
    )
    lacking = [said for one in wanted if (said := _lacks(one, permitted))]
    user = kafka.sasl_username or "whoever comes"
    if not lacking:
        return [Finding("rights", "fine", user, f"may do all that {service} does")]
    more = f", and {len(lacking) - _NAMED} more" if len(lacking) > _NAMED else ""
    remedy = f"switchboard topics acls {service}: grant what it prints to {user}"
    return [Finding("rights", "fault", user, f"may not {', '.join(lacking[:_NAMED])}{more}", remedy)]


def _each(granted: Iterable[Grant], own: Sequence[Topic]) -> list[Grant]:
    """A right on all topics whose names begin so is asked about of each such topic of the tenants'."""
    found: list[Grant] = []
    for one in granted:
        if not one.prefixed:
            found.append(one)
        elif one.resource == "topic":
            found += [one._replace(name=topic.name, prefixed=False) for topic in own if topic.name.startswith(one.name)]
    return found


def _lacks(grant: Grant, permitted: dict[str, set[str]]) -> str:
    if grant.name not in permitted:
        return ""
    lacking = [one for one in grant.operations if one not in permitted[grant.name]]
    return f"{'/'.join(lacking)} {grant.name}" if lacking else ""


async def _topics(settings: Settings, service: str, seen: Collection[str], found: Sequence[Finding]) -> list[Finding]:
    """`seen`: the topics that we may see; what lies behind a right that is lacking, `found` so, is not known."""
    if not seen and _faulty("rights", found):
        remedy = "grant the rights above; `switchboard topics apply` makes them where there are none"
        return [Finding("topics", "unknown", "all", "none can be seen", remedy)]
    try:
        return list(_out_of_step(await topics.planned(settings)))
    except TopicsError as error:
        if not any("DescribeConfigs" in one.operations for one in grants()[service]):
            return [Finding("topics", "note", "all", f"not looked at: {service} needs no right to; operations may")]
        return [Finding("topics", "unknown", "all", str(error), "grant the rights above, and look again")]


def _faulty(check: str, found: Sequence[Finding]) -> bool:
    return any(one.check == check and one.level == "fault" for one in found)


def _out_of_step(actions: Sequence[Action]) -> Iterator[Finding]:
    wrong = [one for one in actions if one.kind != "in step"]
    for one in wrong[:_NAMED]:
        remedy = "switchboard topics plan; then apply" if one.kind != "refused" else "switchboard topics plan says why"
        yield Finding("topics", "fault", one.topic.name, f"{one.kind}: {'; '.join(one.why)}", remedy)
    if len(wrong) > _NAMED:
        yield Finding("topics", "fault", f"{len(wrong) - _NAMED} more", "likewise", "switchboard topics plan")
    if not wrong:
        yield Finding("topics", "fine", f"{len(actions)} topics", "all in step")


async def _clock(
    kafka: KafkaSettings, service: str, seen: Mapping[str, int], found: Sequence[Finding]
) -> list[Finding]:
    """A broker tells no time but on records that it dates itself: the newest may not be later than now.

    Who may read none of those topics is not asked.
    """
    if not {one.name for one in grants()[service] if "Read" in one.operations} >= {one.name for one in _DATED}:
        return []
    if _faulty("rights", found):
        return [Finding("clock", "unknown", "broker", "not looked at", "grant the rights above, and look again")]
    # As many partitions as there are: for one that is not there the client would wait.
    every = [TopicPartition(topic.name, one) for topic in _DATED for one in range(seen.get(topic.name, 0))]
    return [await _dated(kafka, every)]


async def _dated(kafka: KafkaSettings, every: Sequence[TopicPartition]) -> Finding:
    try:
        newest = await _newest(kafka, every)
    except (KafkaError, OSError) as error:
        return Finding("clock", "unknown", "broker", f"not looked at: {trouble(error)}", "see the rights above")
    if newest is None:
        return Finding("clock", "note", "broker", "it has dated no record yet that would tell its time")
    ahead_ms = newest - CLOCK.milliseconds()
    if ahead_ms > _APART_MS:
        says = f"a record is dated {ahead_ms / 1000:,.0f} s later than our clock"
        return Finding("clock", "fault", "broker", says, "set both clocks by NTP")
    return Finding("clock", "fine", "broker", "no record is dated later than our clock")


async def _newest(kafka: KafkaSettings, every: Sequence[TopicPartition]) -> int | None:
    consumer = log_consumer(kafka)
    try:
        await consumer.start()
        consumer.assign(every)
        for one in every:
            # Wherever: it is not read from there, and without a place the consumer looks for one.
            consumer.seek(one, 0)
        begins, ends = await consumer.beginning_offsets(every), await consumer.end_offsets(every)
        last = [one for one in every if ends[one] > begins[one]]
        if not last:
            return None
        consumer.assign(last)
        for one in last:
            consumer.seek(one, ends[one] - 1)
        found = await asyncio.wait_for(consumer.getmany(timeout_ms=_POLL_MS), _POLL_MS / 1000 * 5)
        return max((record.timestamp for records in found.values() for record in records), default=None)
    finally:
        await consumer.stop()
