"""What Twilio charged for messages, looked up in its list of messages, by page, once it may have their prices."""

from collections.abc import Mapping, Sequence

from prometheus_client import Counter

from services.contract.messages import SILENT_FOLD
from services.domain.clock import later
from services.domain.messages import costs
from services.domain.messages.at_twilio import MessageAtTwilio
from services.domain.messages.costs import AGAIN_S, Bill, CostLooked, CostUnread, price_of
from services.poller.looking import By, Said, look_up
from services.poller.metrics import POLLER
from services.poller.polled import UNREAD, Party, Place, Polled, Read, Tell, listed_until
from services.poller.reader import Reader
from services.runtime.clock import now
from services.runtime.folding.fold import Step, Table
from services.runtime.folding.partition import Partition
from services.runtime.sections.poller import PollerSettings

LOOKED = Counter(
    "switchboard_costs_looked_total",
    "Looks at a message's price: priced, waiting (it has none yet), given_up (it had none for days, or is gone)",
    ["tenant", "outcome"],
    registry=POLLER,
)

TABLE = "costs"
_EVERY_S = 5.0
# Of one account, partition and list in one round.
_MOST = 1000


def wanted(partition: Partition, place: Place, settings: PollerSettings, moment: str) -> Sequence[str]:
    """Those that ended long enough ago, those whose end nobody told, and those whose next look is due."""
    after_s = settings.costs_after_s
    if after_s is None:
        return ()
    lists = (
        (costs.fresh(*place), later(moment, -after_s)),
        (costs.unended(*place), later(moment, -(after_s + costs.OPEN_S))),
        (costs.again(*place), moment),
    )
    return listed_until(partition, TABLE, lists, _MOST)


async def read(reader: Reader, _: Party, rows: Mapping[str, Bill], tell: Tell) -> None:
    await look_up(reader, rows, Said(_looked, lambda row: Read(costs.row_key(row), row, _failed(row, now()))), tell)


def _looked(row: Bill, found: MessageAtTwilio | None, by: By) -> Read:
    return Read(costs.row_key(row), row, _event(row, now(), found, by))


def _event(row: Bill, at: str, found: MessageAtTwilio | None = None, by: By = "message") -> CostLooked:
    return CostLooked(tenant=row.tenant, message_sid=row.message_sid, at=at, found=found, provenance=by)


def _failed(row: Bill, at: str) -> CostUnread:
    return CostUnread(tenant=row.tenant, message_sid=row.message_sid, at=at)


def told(read: Read) -> None:
    """Count a look, of the row as it was before."""
    row: Bill = read.row
    if isinstance(read.event, CostUnread):
        UNREAD.labels(row.tenant, COSTS.host).inc()
    elif price_of(read.event.found) is not None:
        LOOKED.labels(row.tenant, "priced").inc()
    else:
        LOOKED.labels(row.tenant, "waiting" if row.looks < len(AGAIN_S) else "given_up").inc()


COSTS = Polled(
    contract=SILENT_FOLD,
    steps=(
        Step(
            costs.fold,
            Table(TABLE, Bill, costs.row_key, due=costs.due, lists=costs.lists),
            takes=costs.FACTS,
        ),
    ),
    table=TABLE,
    host="api",
    base_url=lambda twilio: twilio.api,
    every_s=_EVERY_S,
    wanted=wanted,
    read=read,
    nowhere=_event,
    failed=_failed,
    told=told,
)
