"""What the engine must know of a product: what of it is to be read, when, and what the answers mean."""

from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

from prometheus_client import Counter

from services.contract.fold import FoldContract
from services.domain.consent.keywords import Words
from services.poller.metrics import POLLER
from services.poller.reader import Reader
from services.runtime.folding.fold import Step
from services.runtime.folding.partition import Partition
from services.runtime.sections.poller import PollerSettings
from services.runtime.sections.twilio import TwilioSettings

UNREAD = Counter(
    "switchboard_poller_unread_total",
    "Readings of one message, flow or execution that came to no answer that could be used; it is read again later",
    ["tenant", "host"],
    registry=POLLER,
)


class Party(NamedTuple):
    """For whom is read: the tenant, the secret of its contact keys, its own words for STOP and START."""

    tenant: str
    contact_secret: bytes
    words: Words


class Place(NamedTuple):
    """Of whom rows are read in one round: a tenant's account; empty: the tenant's own."""

    tenant: str
    account: str


class Read(NamedTuple):
    """What a row's partition is to fold, because of what was read for it."""

    key: str
    row: Any
    event: Any


# Have what was read folded; returns when it is committed.
Tell = Callable[[list[Read]], Awaitable[None]]


@dataclass(frozen=True, slots=True)
class Polled:
    """A product. Its rows are what is to be read; whoever owns their partition reads them.

    `table`: its rows stand in lists whose names begin with the tenant, a blank, the account and a blank; a row without
    a name is not read.
    """

    contract: FoldContract
    steps: tuple[Step, ...]
    table: str
    # Its host, and how that is called in metrics and budgets.
    host: str
    base_url: Callable[[TwilioSettings], str]
    # How often it is looked who is to be read.
    every_s: float
    # Keys of an account's rows that are to be read now, some thousand at the most.
    wanted: Callable[[Partition, Place, PollerSettings, str], Sequence[str]]
    # Read these rows, by key, of one account; tell what came of each as soon as it is known. Raises Unreadable where
    # the account gives nothing at all.
    read: Callable[[Reader, Party, Mapping[str, Any], Tell], Awaitable[None]]
    # What is told of a row whose account is none of the tenant's.
    nowhere: Callable[[Any, str], Any]
    # What is told of a row for which no answer could be used: it is read again, and later each time.
    failed: Callable[[Any, str], Any]
    # Count what was folded.
    told: Callable[[Read], None]


def listed_until(partition: Partition, table: str, lists: Iterable[tuple[str, str]], most: int) -> list[str]:
    """Keys of rows by list: of each prefix those that are listed under times up to its moment, `most` at the most."""
    return [
        one.key
        for prefix, until in lists
        for one in partition.listed(table, prefix, None, most)
        if one.name.removeprefix(prefix) <= until
    ]
