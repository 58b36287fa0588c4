"""Reading a row on the worker that owns it, or knowing which worker does; never a guess."""

from collections.abc import Callable, Iterator
from typing import Any, NamedTuple

from services.contract.fold import changelog
from services.contract.partition import partition_of
from services.runtime.folding.app import FoldApp
from services.runtime.folding.fold import Fold
from services.runtime.folding.health import reasons
from services.runtime.folding.partition import Partition

_AT_ONCE = 500


class Here(NamedTuple):
    """This worker owns the key: its row by table, None where there is none."""

    rows: dict[str, Any]


class There(NamedTuple):
    """The worker at this URL owns the key."""

    url: str


class Nowhere(NamedTuple):
    """Nobody is known to own the key now: ask again soon."""

    reason: str


# The rows of a key by table. The default has one of each, under that very key.
Reading = Callable[[Partition, str], dict[str, Any]]


def read_rows(partition: Partition, key: str) -> dict[str, Any]:
    return {table.name: partition.read(key, table.name) for table in partition.fold.tables}


def look_up(app: FoldApp, fold: Fold, key: str, read: Reading = read_rows) -> Here | There | Nowhere:
    """Find a key of a fold's topics. During a rebalance or a restore the answer is Nowhere."""
    if why := reasons(app):
        return Nowhere(why[0])
    number = partition_of(key.encode(), app.conf.topic_partitions)
    if (partition := app.runner.partition(fold.name, number)) is not None:
        return Here(read(partition, key))
    topic = changelog(app.conf.id, fold.tables[0].name)
    distribution = app.assignor.changelog_distribution
    owners = [url for url, topics in distribution.items() if number in topics.get(topic, ())]
    if not owners or owners[0].rstrip("/") == str(app.conf.canonical_url).rstrip("/"):
        return Nowhere("the key's partition is between two owners")
    return There(owners[0].rstrip("/"))


def listed(app: FoldApp, fold: Fold, name: str) -> Iterator[Any]:
    """The rows of a fold's first table that are listed under a name, of the partitions that this worker owns."""
    table = fold.tables[0].name
    for partition in app.runner.partitions(fold.name):
        after = None
        while found := partition.listed(table, name, after, _AT_ONCE):
            after = found[-1]
            yield from (row for one in found if (row := partition.read(one.key, table)) is not None)


def peers(app: FoldApp) -> list[str]:
    """The URLs of the other workers that own tables."""
    own = str(app.conf.canonical_url).rstrip("/")
    return sorted({url.rstrip("/") for url in app.assignor.changelog_distribution} - {own})
