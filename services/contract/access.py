"""Who may do what at the broker: of each service the least that it works with. Pure: the registry in, grants out.

Words and meaning are those of Kafka's own ACLs, where Read and Write contain Describe.
"""

from collections.abc import Iterable
from typing import Literal, NamedTuple

from services.contract.topics import (
    ACCEPTED,
    AUDIT,
    CHANGELOGS,
    CONSENT,
    CONSENT_COMMANDS,
    DEAD,
    DELIVERABILITY,
    DELIVERY,
    EVENTS,
    HANDLED,
    INBOUND,
    MESSAGES,
    OUTCOMES,
    PROCESSOR_APP,
    PUBLIC,
    RESULTS,
    SENDER_APP,
    SENDERS,
    SENT,
    SESSIONS,
    STATUS,
    SUPPRESSION,
    TENANTS,
    Topic,
    own_prefix,
    own_topics,
)

Resource = Literal["topic", "group", "transactionalId"]
Operation = Literal["Read", "Write", "Describe", "Create", "DescribeConfigs", "AlterConfigs"]


class Grant(NamedTuple):
    """What is permitted on one resource, or on all whose names begin so."""

    resource: Resource
    name: str
    operations: tuple[Operation, ...]
    prefixed: bool = False


class _Worker(NamedTuple):
    """A service that folds: reads `sources` in its group, `follows` outside of it, and writes what its steps tell."""

    app: str
    sources: tuple[Topic, ...]
    tells: tuple[Topic, ...]
    follows: tuple[Topic, ...]


_WORKERS = {
    "processor": _Worker(
        PROCESSOR_APP,
        (STATUS, SENT, RESULTS, INBOUND, ACCEPTED, OUTCOMES),
        # A confirmation of a STOP is a command, a link or a hold an accepted fact.
        (DELIVERY, OUTCOMES, DELIVERABILITY, SENDERS, SUPPRESSION, CONSENT, SESSIONS, ACCEPTED, MESSAGES, AUDIT),
        # The senders' directory is read by all who judge or answer; letters, to count those that nobody has dealt with.
        (SENDERS, *DEAD, HANDLED),
    ),
    "sender": _Worker(
        SENDER_APP,
        (MESSAGES, CONSENT_COMMANDS, ACCEPTED, OUTCOMES, INBOUND),
        (ACCEPTED, RESULTS, SENT),
        (SENDERS,),
    ),
}

# What each worker's app folds, by the names of topics.
FOLDED_BY = {worker.app: {topic.name for topic in worker.sources} for worker in _WORKERS.values()}


def grants() -> dict[str, list[Grant]]:
    """By who connects: the services; `topics`, which `switchboard topics apply` is; `operations`, for people."""
    return {
        "ingress": [*_topics({INBOUND.name, STATUS.name}, ["Write"]), *_KNOWING],
        "processor": _worker(_WORKERS["processor"]),
        "sender": [*_worker(_WORKERS["sender"]), *_all_own("Read")],
        "topics": [
            *_topics(_ALL, ["Create", "Describe", "DescribeConfigs", "AlterConfigs"]),
            *_all_own("Create", "Describe", "DescribeConfigs", "AlterConfigs"),
        ],
        "operations": [
            *_topics(_ALL, ["Read", "Write", "DescribeConfigs"]),
            *_all_own("Read", "Write", "DescribeConfigs"),
            *(Grant("group", app, ("Describe",)) for app in (PROCESSOR_APP, SENDER_APP)),
            Grant("transactionalId", "switchboard-", ("Write",), prefixed=True),
        ],
    }


def producer_grants(tenant: str) -> list[Grant]:
    """What the producers of a tenant with topics of its own need: to write there. By whole names: `t.acme` is also
    the beginning of `t.acme-2`."""
    return _topics((topic.name for topic in own_topics([tenant])), ["Write"])


def topics_of(service: str, tenants: Iterable[str] = ()) -> set[str]:
    """The topics that a service reads or writes, where these tenants have their own."""
    granted = [grant for grant in grants()[service] if grant.resource == "topic"]
    prefixes = tuple(grant.name for grant in granted if grant.prefixed)
    own = (topic.name for topic in own_topics(tenants))
    return {*(one.name for one in granted if not one.prefixed), *(name for name in own if name.startswith(prefixes))}


_ALL = frozenset({*(topic.name for topic in (*EVENTS, *DEAD)), *CHANGELOGS})


# Each service compares its tenants with what the log knows of them, and writes down those that are new.
_KNOWING = (Grant("topic", TENANTS.name, ("Read", "Write")),)


def _worker(worker: _Worker) -> list[Grant]:
    kept = {name for name in CHANGELOGS if name.startswith(f"{worker.app}-")}
    reads = {*(topic.name for topic in (*worker.sources, *worker.follows)), *kept}
    writes = {*(topic.name for topic in worker.tells), *(topic.dead for topic in worker.sources), *kept}
    return [
        *_topics(reads - writes, ["Read"]),
        *_topics(reads & writes, ["Read", "Write"]),
        *_topics(writes - reads, ["Write"]),
        *_KNOWING,
        Grant("group", worker.app, ("Read",)),
        # The fences of its folds: one for each partition.
        Grant("transactionalId", f"{worker.app}-", ("Write",), prefixed=True),
    ]


def _all_own(*operations: Operation) -> list[Grant]:
    # One right for the topics of all tenants, so that another tenant changes nothing here.
    return [Grant("topic", own_prefix(topic), operations, prefixed=True) for topic in PUBLIC]


def _topics(names: Iterable[str], operations: list[Operation]) -> list[Grant]:
    return [Grant("topic", name, tuple(operations)) for name in sorted(names)]
