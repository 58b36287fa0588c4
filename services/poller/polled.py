"""What the engine must know of a product: what of it is to be read, when, and what the answers mean."""

from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

from services.contract.fold import FoldContract
from services.domain.consent.keywords import Words
from services.poller.reader import Reader
from services.runtime.config import PollerSettings, TwilioSettings
from services.runtime.folding.fold import Step
from services.runtime.folding.partition import Partition


class Party(NamedTuple):
    """For whom is read: the tenant, the secret of its contact keys, its own words for STOP and START."""

    tenant: str
    contact_secret: bytes
    words: Words


class Read(NamedTuple):
    """What a row's partition is to fold, because of what was read for it."""

    key: str
    row: Any
    event: Any


@dataclass(frozen=True, slots=True)
class Polled:
    """A product. Its rows are what is to be read; whoever owns their partition reads them.

    `table`: its rows stand in lists whose names begin with the tenant and a blank; a row without a name is not read.
    """

    contract: FoldContract
    steps: tuple[Step, ...]
    table: str
    # Its host, and how that is called in metrics and budgets.
    host: str
    base_url: Callable[[TwilioSettings], str]
    # How often it is looked who is to be read.
    every_s: float
    # Keys of a tenant's rows that are to be read now, some thousand at the most.
    wanted: Callable[[Partition, str, PollerSettings, str], Sequence[str]]
    # The account that has what a row is about; empty: the tenant's own.
    account: Callable[[Any], str]
    # Read these rows, by key, of one account; tell what came of each as soon as it is known.
    read: Callable[[Reader, Party, Mapping[str, Any]], AsyncIterator[list[Read]]]
    # What is told of a row whose account is none of the tenant's.
    nowhere: Callable[[Any, str], Any]
    # Count what was folded.
    told: Callable[[Read], None]
