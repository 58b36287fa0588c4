"""One import: every row judged, and the statements produced."""

from collections import Counter
from collections.abc import Iterator, Sequence
from datetime import tzinfo
from itertools import islice
from pathlib import Path
from typing import NamedTuple
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

import msgspec

from services.contract.consent import CONSENT_COMMANDS
from services.contract.partition import partition_of
from services.domain.contact import canonical
from services.operations.consent_import.errors import ImportFileError
from services.operations.consent_import.reassigned import NOBODY, taken_back
from services.operations.consent_import.statements import FIELDS, Asked, Faulty, Statement, read
from services.operations.consent_import.table import TableFile
from services.operations.log import check, heed_stop
from services.operations.producing import Speaker
from services.operations.progress import Progress
from services.operations.whose import recognised
from services.operations.writing import FactWriter, Outgoing
from services.runtime.clock import CLOCK, now
from services.runtime.config import Settings
from services.runtime.deactivations import Lists
from services.runtime.line import Line
from services.runtime.sections.kafka import KafkaSettings
from services.runtime.tenants.opening import tenants_of
from services.runtime.tenants.settings import TenantSettings

_TOGETHER = 1000
_REQUEST_S, _AT_ONCE = 30.0, 2
_US = "+1"
TAKEN_BACK = "address: a carrier took the number back after this opt-in, so it may be another person's"


class Wanted(NamedTuple):
    """What a person says of a file: see Asked. `columns`: FIELD=NAME. `after`: rows up to it were imported before."""

    file: Path
    tenant: str
    action: str | None = None
    source: str | None = None
    columns: Sequence[str] = ()
    region: str | None = None
    timezone: str | None = None
    delimiter: str = ","
    after: int = 0


class Judged(NamedTuple):
    """What the rows are: statements by action, and the faulty ones."""

    actions: Counter[str]
    faulty: list[Faulty]

    @property
    def statements(self) -> int:
        return self.actions.total()

    def faults(self, most: int) -> list[tuple[str, int, int]]:
        """The commonest: what it is, in how many rows, and the first of them."""
        counted = Counter(fault for one in self.faulty for fault in one.faults)
        return [
            (fault, count, next(one.number for one in self.faulty if fault in one.faults))
            for fault, count in counted.most_common(most)
        ]


class Import:
    """One import, and how far it came, however it ends. `prepare` makes it.

    `written`: statements that were acknowledged; `reached`: the row of the last of them.
    """

    def __init__(self, kafka: KafkaSettings, speaker: Speaker, file: TableFile, asked: Asked, after: int) -> None:
        self._kafka = kafka
        self._speaker = speaker
        self._file = file
        self._asked = asked
        self._after = after
        self._taken_back = NOBODY
        self.topic = speaker.topic(CONSENT_COMMANDS)
        self.written = 0
        self.reached = after

    async def compare(self, lists: Lists, tenant: TenantSettings, progress: Progress) -> None:
        """From now on an opt-in is faulty whose number was taken back after it. Raises ImportFileError."""
        said: dict[str, str] = {}
        for one in self._rows():
            if isinstance(one, Statement) and (number := _us(one)) and one.command.given_at:
                said[number] = min(one.command.given_at, said.get(number, one.command.given_at))
        if said:
            self._taken_back = await taken_back(lists, tenant, said.keys(), min(said.values()), progress)

    def judge(self, progress: Progress) -> Judged:
        """What every row is. Raises ImportFileError where the file cannot be read."""
        found, total = Judged(Counter(), []), self._file.count()
        for count, one in enumerate(self._rows(), start=1):
            if isinstance(one, Faulty):
                found.faulty.append(one)
            else:
                found.actions[one.command.action] += 1
            if count % _TOGETHER == 0:
                progress("rows judged", count, total)
                heed_stop()
        return found

    async def write(self, total: int, progress: Progress) -> None:
        """Produce the statements, `total` of them; faulty rows are left out. Raises LogError."""
        await check(self._kafka, [self.topic])

        def acknowledged() -> None:
            self.written += 1

        statements = (one for one in self._rows() if isinstance(one, Statement))
        async with FactWriter(self._kafka) as writer:
            while some := list(islice(statements, _TOGETHER)):
                await writer.write([self._outgoing(one) for one in some], acknowledged)
                self.reached = some[-1].number
                progress("imported", self.written, total)

    def _rows(self) -> Iterator[Statement | Faulty]:
        rows = (row for row in self._file.rows() if row.number > self._after)
        return (self._still(read(row, self._asked)) for row in rows)

    def _still(self, one: Statement | Faulty) -> Statement | Faulty:
        if isinstance(one, Faulty) or not (number := _us(one)) or not (given_at := one.command.given_at):
            return one
        return Faulty(one.number, (TAKEN_BACK,)) if self._taken_back.after(number, given_at) else one

    def _outgoing(self, one: Statement) -> Outgoing:
        # One person's statements keep their order, in the file and after it.
        key = one.accepted.contact.encode()
        value = msgspec.json.encode(msgspec.to_builtins(one.command))
        headers = self._speaker.headers(self.topic, value)
        return Outgoing(self.topic, partition_of(key, self._kafka.partitions), key, value, headers)


async def prepare(settings: Settings, wanted: Wanted) -> Import:
    """Raises ImportFileError, and ConfigError where the log does not know the tenant, or nobody would believe it."""
    if settings.clock_skew_file is not None:
        CLOCK.follow(settings.clock_skew_file)
    tenants = tenants_of(settings)
    if wanted.tenant not in tenants:
        raise ImportFileError(f"no tenant {wanted.tenant!r}; the settings know: {', '.join(tenants) or 'none'}")
    file = TableFile(wanted.file, wanted.delimiter)
    asked = Asked(
        tenant=wanted.tenant,
        contact_secret=await recognised(settings.kafka, wanted.tenant, tenants[wanted.tenant]),
        columns=_columns(file, wanted.columns),
        now=now(),
        action=wanted.action,
        source=wanted.source,
        region=wanted.region,
        zone=_zone(wanted.timezone),
    )
    return Import(settings.kafka, Speaker(settings, wanted.tenant), file, asked, wanted.after)


async def compare(settings: Settings, run: Import, tenant: str, progress: Progress) -> None:
    """Ask Twilio for its lists of numbers that were taken back, and have the rows judged by them."""
    line = Line(_REQUEST_S, _AT_ONCE)
    try:
        await run.compare(Lists(line, settings.twilio.messaging_url), tenants_of(settings)[tenant], progress)
    finally:
        await line.close()


def _us(one: Statement) -> str | None:
    """The number of an opt-in that may stand in these lists: they are of the US."""
    number = canonical(one.command.address)
    return number if one.command.action == "opt_in" and number.startswith(_US) else None


def _columns(file: TableFile, named: Sequence[str]) -> dict[str, str]:
    """Field → column. Raises ImportFileError."""
    found = file.columns
    columns = {field: field for field in FIELDS if field in found}
    for one in named:
        field, _, name = one.partition("=")
        if field not in FIELDS:
            raise ImportFileError(f"--column {one}: write FIELD=NAME; the fields are {', '.join(FIELDS)}")
        if name not in found:
            raise ImportFileError(f"--column {one}: there is no such column; there are: {', '.join(found) or 'none'}")
        columns[field] = name
    if "address" not in columns:
        raise ImportFileError(
            f"no column `address`; there are: {', '.join(found) or 'none'}. Name it: --column 'address=NAME'"
        )
    return columns


def _zone(name: str | None) -> tzinfo | None:
    try:
        return ZoneInfo(name) if name else None
    except (ZoneInfoNotFoundError, ValueError) as error:
        raise ImportFileError(f"--timezone {name}: no such zone; write it such as Europe/Berlin or UTC") from error
