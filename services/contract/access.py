"""Who may do what at the broker: of each service the least that it works with. Pure: the registry in, grants out.

Words and meaning are those of Kafka's own ACLs, where Read and Write contain Describe.
"""

from collections.abc import Iterable, Mapping, Sequence
from typing import Literal, NamedTuple

from services.contract.audit import AUDIT
from services.contract.compliance import COMPLIANCE
from services.contract.fold import MEDIA_APP, POLLER_APP, PROCESSOR_APPS, SENDER_APP
from services.contract.letters import HANDLED
from services.contract.messages import INBOUND, KEYWORDS, STATUS
from services.contract.prices import PRICES
from services.contract.senders import SENDERS
from services.contract.templates import TEMPLATES
from services.contract.tenants import TENANTS
from services.contract.topic import Topic, own_prefix
from services.contract.topics import CHANGELOGS, DEAD, EVENTS, FOLDS, PUBLIC, own_topics

Resource = Literal["topic", "group", "transactionalId"]
Operation = Literal["Read", "Write", "Describe", "Create", "DescribeConfigs", "AlterConfigs"]


class Grant(NamedTuple):
    """What is permitted on one resource, or on all whose names begin so."""

    resource: Resource
    name: str
    operations: tuple[Operation, ...]
    prefixed: bool = False


_SYNCED = (TEMPLATES, PRICES, COMPLIANCE)
# Whoever writes one of these lists takes a fence: one for each list and tenant.
_SYNCING = Grant("transactionalId", "switchboard-sync-", ("Write",), prefixed=True)

# What the workers read and write outside of their folds. The senders' directory is read by all who judge or answer,
# templates, prices and registrations by who judges; letters, to count those that nobody has dealt with.
_BESIDE: Mapping[str, tuple[tuple[Topic, ...], tuple[Topic, ...]]] = {
    **dict.fromkeys(PROCESSOR_APPS.values(), ((SENDERS, *DEAD, HANDLED), (AUDIT,))),
    SENDER_APP: ((SENDERS, *_SYNCED), ()),
    # Once a day what Twilio lists is held against the log, and some of its lists are kept there; no rule has anything
    # sent to a sender of ours.
    POLLER_APP: ((INBOUND, SENDERS, *_SYNCED), (INBOUND, *_SYNCED)),
    MEDIA_APP: ((), ()),
}

# What each worker's app folds, by the names of topics. Without the poller's and that of media: nobody need have one.
FOLDED_BY = {
    app: {topic.name for fold in FOLDS if fold.app == app for topic in fold.reads}
    for app in _BESIDE
    if app not in (POLLER_APP, MEDIA_APP)
}


def grants(groups: Iterable[str] = PROCESSOR_APPS) -> dict[str, list[Grant]]:
    """By who connects: the services; `topics`, which `switchboard topics apply` is; `operations`, for people.

    `groups`: those that the processor folds.
    """
    return {
        "ingress": [*_topics({INBOUND.name, KEYWORDS.name, STATUS.name}, ["Write"]), *_KNOWING],
        "processor": _worker([PROCESSOR_APPS[group] for group in groups]),
        "sender": [*_worker([SENDER_APP]), *_all_own("Read")],
        "poller": [*_worker([POLLER_APP]), _SYNCING],
        "media": _worker([MEDIA_APP]),
        "topics": [
            *_topics(_ALL, ["Create", "Describe", "DescribeConfigs", "AlterConfigs"]),
            *_all_own("Create", "Describe", "DescribeConfigs", "AlterConfigs"),
        ],
        "operations": [
            *_topics(_ALL, ["Read", "Write", "DescribeConfigs"]),
            *_all_own("Read", "Write", "DescribeConfigs"),
            *(Grant("group", app, ("Describe",)) for app in _BESIDE),
            Grant("transactionalId", "switchboard-", ("Write",), prefixed=True),
        ],
    }


def producer_grants(tenant: str) -> list[Grant]:
    """What the producers of a tenant with topics of its own need: to write there. By whole names: `t.acme` is also
    the beginning of `t.acme-2`."""
    return _topics((topic.name for topic in own_topics([tenant])), ["Write"])


def topics_of(service: str, tenants: Iterable[str] = (), groups: Iterable[str] = PROCESSOR_APPS) -> set[str]:
    """The topics that a service reads or writes, where these tenants have their own; a processor of these groups."""
    granted = [grant for grant in grants(groups)[service] if grant.resource == "topic"]
    prefixes = tuple(grant.name for grant in granted if grant.prefixed)
    own = (topic.name for topic in own_topics(tenants))
    return {*(one.name for one in granted if not one.prefixed), *(name for name in own if name.startswith(prefixes))}


_ALL = frozenset({*(topic.name for topic in (*EVENTS, *DEAD)), *CHANGELOGS})


# Each service compares its tenants with what the log knows of them, and writes down those that are new.
_KNOWING = (Grant("topic", TENANTS.name, ("Read", "Write")),)


def _worker(apps: Sequence[str]) -> list[Grant]:
    folds = [fold for fold in FOLDS if fold.app in apps]
    kept = {name for fold in folds for name in fold.changelogs}
    sources = {topic for fold in folds for topic in fold.reads}
    emitted = {topic for fold in folds for topic in fold.emits}
    beside = [_BESIDE[app] for app in apps]
    reads = {topic.name for topic in sources.union(*(read for read, _ in beside))} | kept
    writes = {topic.name for topic in emitted.union(*(written for _, written in beside))} | kept
    writes |= {topic.dead for topic in sources}
    return [
        *_topics(reads - writes, ["Read"]),
        *_topics(reads & writes, ["Read", "Write"]),
        *_topics(writes - reads, ["Write"]),
        *_KNOWING,
        *(Grant("group", app, ("Read",)) for app in apps),
        # The fences of its folds: one for each partition.
        *(Grant("transactionalId", f"{app}-", ("Write",), prefixed=True) for app in apps),
    ]


def _all_own(*operations: Operation) -> list[Grant]:
    # One right for the topics of all tenants, so that another tenant changes nothing here.
    return [Grant("topic", own_prefix(topic), operations, prefixed=True) for topic in PUBLIC]


def _topics(names: Iterable[str], operations: list[Operation]) -> list[Grant]:
    return [Grant("topic", name, tuple(operations)) for name in sorted(names)]
