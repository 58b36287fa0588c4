"""Messages of which no end was told: looked up in Twilio's list of messages, by page."""

from collections.abc import Mapping, Sequence

from prometheus_client import Counter

from services.contract.messages import SILENT_FOLD
from services.domain.clock import later
from services.domain.messages import at_twilio, reconciled, silent
from services.domain.messages.at_twilio import MessageAtTwilio
from services.domain.messages.events import StatusReceived
from services.domain.messages.ladder import RANK
from services.domain.messages.reconciled import Reconciled
from services.domain.messages.silent import CHANNELS, Looked, LookFailed, Silent
from services.poller.deactivating import STEP as DEACTIVATED
from services.poller.looking import By, Said, look_up
from services.poller.metrics import POLLER
from services.poller.polled import UNREAD, Party, Place, Polled, Read, Tell, listed_until
from services.poller.reader import Reader
from services.poller.senders import STEP as CHANNEL_SENDERS
from services.poller.syncing import STEP as SYNCS
from services.runtime.clock import now
from services.runtime.folding.fold import Step, Table
from services.runtime.folding.partition import Partition
from services.runtime.masking import mask
from services.runtime.sections.poller import PollerSettings

SILENT = Counter(
    "switchboard_silent_messages_total",
    "Messages of which nothing was heard for too long, when they are first looked up; the sender is masked",
    ["tenant", "channel", "sender"],
    registry=POLLER,
)
FETCHED = Counter(
    "switchboard_silent_fetched_total",
    "Statuses that Twilio had of them and no callback told; the sender is masked",
    ["tenant", "channel", "sender", "status"],
    registry=POLLER,
)
GIVEN_UP = Counter(
    "switchboard_silent_given_up_total",
    "Of them, those that are looked for no more: Twilio has no such message (missing), or no end of it (endless)",
    ["tenant", "reason"],
    registry=POLLER,
)

TABLE, RECONCILED = "silent", "reconciled"
_SILENT_AFTER_S = 900.0
_EVERY_S = 5.0
# Of one account, partition and list in one round.
_MOST = 1000


def wanted(partition: Partition, place: Place, settings: PollerSettings, moment: str) -> Sequence[str]:
    """Those that are silent for longer than their channel may be, and those whose next look is due."""
    limits = {
        silent.unheard_of(*place, channel): settings.silent_after_s.get(channel, _SILENT_AFTER_S)
        for channel in CHANNELS
    }
    due = [(prefix, later(moment, -limit)) for prefix, limit in limits.items()]
    return listed_until(partition, TABLE, (*due, (silent.again(*place), moment)), _MOST)


async def read(reader: Reader, party: Party, rows: Mapping[str, Silent], tell: Tell) -> None:
    """What is found of each is told as a status."""

    def looked(row: Silent, message: MessageAtTwilio | None, _: By) -> Read:
        found = at_twilio.status_fact(party.tenant, party.contact_secret, message, now()) if message else None
        return Read(silent.row_key(row), row, _looked(row, found, now()))

    await look_up(reader, rows, Said(looked, lambda row: Read(silent.row_key(row), row, _failed(row, now()))), tell)


def _looked(row: Silent, found: StatusReceived | None, at: str) -> Looked:
    return Looked(tenant=row.tenant, message_sid=row.message_sid, at=at, found=found)


def _failed(row: Silent, at: str) -> LookFailed:
    return LookFailed(tenant=row.tenant, message_sid=row.message_sid, at=at)


def told(read: Read) -> None:
    """Count a look, of the row as it was before."""
    row: Silent = read.row
    if isinstance(read.event, LookFailed):
        UNREAD.labels(row.tenant, MESSAGES.host).inc()
        return
    after, found = silent.fold(row, read.event)
    who = (row.tenant, row.channel, mask(row.from_))
    if row.looks == 0:
        SILENT.labels(*who).inc()
    for one in found:
        FETCHED.labels(*who, one.message_status if one.message_status in RANK else "other").inc()
    if after is not None and not after.ended and after.again_at is None:
        GIVEN_UP.labels(row.tenant, "missing" if read.event.found is None else "endless").inc()


MESSAGES = Polled(
    contract=SILENT_FOLD,
    steps=(
        Step(
            silent.fold,
            Table(TABLE, Silent, silent.row_key, due=silent.due, lists=silent.lists, index=2),
            takes=silent.FACTS,
        ),
        Step(reconciled.fold, Table(RECONCILED, Reconciled, lambda event: event.tenant), takes=(Reconciled,)),
        DEACTIVATED,
        CHANNEL_SENDERS,
        SYNCS,
    ),
    table=TABLE,
    host="api",
    base_url=lambda twilio: twilio.api,
    every_s=_EVERY_S,
    wanted=wanted,
    read=read,
    nowhere=lambda row, at: _looked(row, None, at),
    failed=_failed,
    told=told,
)
