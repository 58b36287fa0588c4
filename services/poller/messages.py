"""Messages of which no end was told: looked up in Twilio's list of messages, by page."""

from collections.abc import Mapping, Sequence
from itertools import chain

from prometheus_client import Counter

from services.contract.messages import SILENT_FOLD
from services.domain.clock import later
from services.domain.messages import at_twilio, reconciled, silent
from services.domain.messages.at_twilio import MessageAtTwilio
from services.domain.messages.events import StatusReceived
from services.domain.messages.ladder import RANK
from services.domain.messages.reconciled import Reconciled
from services.domain.messages.seeking import One, Page, Search, groups
from services.domain.messages.silent import CHANNELS, Looked, LookFailed, Silent
from services.poller.metrics import POLLER
from services.poller.polled import UNREAD, Party, Place, Polled, Read, Tell
from services.poller.reader import Reader, Ungiven, items, second, text
from services.runtime.clock import now
from services.runtime.config import PollerSettings
from services.runtime.folding.fold import Step, Table
from services.runtime.folding.index import Listed
from services.runtime.folding.partition import Partition
from services.runtime.masking import mask

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
_PAGE_SIZE = "1000"
_MESSAGES = "/2010-04-01/Accounts/{account}/Messages"


def wanted(partition: Partition, place: Place, settings: PollerSettings, moment: str) -> Sequence[str]:
    """Those that are silent for longer than their channel may be, and those whose next look is due."""
    limits = {
        silent.unheard_of(*place, channel): settings.silent_after_s.get(channel, _SILENT_AFTER_S)
        for channel in CHANNELS
    }
    due = [(prefix, later(moment, -limit)) for prefix, limit in limits.items()]
    found = (_until(partition, prefix, before) for prefix, before in (*due, (silent.again(*place), moment)))
    return [one.key for one in chain.from_iterable(found)]


def _until(partition: Partition, prefix: str, before: str) -> list[Listed]:
    """What is listed under times up to `before`."""
    return [one for one in partition.listed(TABLE, prefix, None, _MOST) if one.name.removeprefix(prefix) <= before]


async def read(reader: Reader, party: Party, rows: Mapping[str, Silent], tell: Tell) -> None:
    """Group by group; what a page brings is told before the next is read. What is not given holds no other up."""
    base = _MESSAGES.format(account=reader.whose.account_sid)
    for group in groups(rows.values()):
        search = Search(group)
        while (asked := search.wants()) is not None:
            match asked:
                case Page():
                    try:
                        await tell(await _listed(reader, party, search, asked, f"{base}.json"))
                    except Ungiven:
                        await tell([Read(silent.row_key(row), row, _failed(row, now())) for row in search.waiting])
                        break
                case One(sid):
                    await tell([await _fetched(reader, party, search.fetched(sid), f"{base}/{sid}.json")])


async def _fetched(reader: Reader, party: Party, row: Silent, path: str) -> Read:
    try:
        answer = await reader.get(path)
    except Ungiven:
        return Read(silent.row_key(row), row, _failed(row, now()))
    return _read(party, row, at_twilio.read(answer) if answer else None)


async def _listed(reader: Reader, party: Party, search: Search, page: Page, path: str) -> list[Read]:
    between = {"DateSent>": second(page.since), "DateSent<": second(page.until), "PageSize": _PAGE_SIZE}
    answer = await (reader.follow(page.following) if page.following else reader.get(path, between)) or {}
    messages = [message for one in items(answer, "messages") if (message := at_twilio.read(one))]
    found = search.listed(messages, text(answer, "next_page_uri"))
    return [_read(party, row, message) for row, message in found]


def _read(party: Party, row: Silent, message: MessageAtTwilio | None) -> Read:
    found = at_twilio.status_fact(party.tenant, party.contact_secret, message, now()) if message else None
    return Read(silent.row_key(row), row, _looked(row, found, now()))


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
