"""Publishing the differences: into the live changelog, under the fence of its partition, in whole transactions.

A worker that runs would be shut out by the fence, and go on with the wrong row in its store if it were not. So the app
must be stopped: then its workers read what is new on the changelog when they start, as after any other owner's writes.
"""

from collections.abc import Callable, Iterator
from typing import NamedTuple

from aiokafka.errors import KafkaError, ProducerFenced

from services.contract import codec
from services.operations.rebuild.compare import Comparison
from services.operations.rebuild.errors import RebuildError
from services.operations.rebuild.plan import Plan
from services.operations.rebuild.restated import restate
from services.runtime.failpoints import reach
from services.runtime.folding.fold import Emission
from services.runtime.folding.ledger import Ledger
from services.runtime.kafka import trouble

# A transaction is to be over long before it times out.
_MOST_ROWS = 500
_MOST_BYTES = 4 << 20


class Mended(NamedTuple):
    """What mends one row: it, for the changelog, and records of the derived topic beside it."""

    row: Emission
    told: list[Emission]

    @property
    def size(self) -> int:
        return sum(len(one.key) + len(one.value or b"") for one in (self.row, *self.told))


async def publish(
    plan: Plan, partition: int, ledger: Ledger, comparison: Comparison, published: Callable[[int], None]
) -> None:
    """Write what differs; `published` hears of each transaction how many rows it mended. Raises RebuildError."""
    for together in _transactions(_mended(plan, comparison)):
        told = [one for mended in together for one in mended.told]
        rows = [mended.row for mended in together]
        try:
            await ledger.write(told, partition, {plan.changelog: rows})
        except ProducerFenced as error:
            raise RebuildError(
                f"a {plan.service} was started meanwhile and has taken partition {partition} over; stop it, and run "
                "this again"
            ) from error
        except KafkaError as error:
            raise RebuildError(
                f"Kafka does not take the differences ({trouble(error)}); see to it, and run it again"
            ) from error
        published(len(together))
        reach("rebuild.published")


def _mended(plan: Plan, comparison: Comparison) -> Iterator[Mended]:
    for key in sorted(comparison.found.differing):
        before, after = comparison.live.row(key), comparison.right(key)
        row = Emission("", key.encode(), None if after is None else codec.encode(after), [])
        yield Mended(row, restate(plan, key, before, after, comparison.now))


def _transactions(all_mended: Iterator[Mended]) -> Iterator[list[Mended]]:
    together: list[Mended] = []
    size = 0
    for one in all_mended:
        if together and (len(together) == _MOST_ROWS or size + one.size > _MOST_BYTES):
            yield together
            together, size = [], 0
        together.append(one)
        size += one.size
    if together:
        yield together
